import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { MaskDraft, type Tool } from "../../review/pages/maskDraft.ts";
import { forgetDraft, storeDraft, storedDraft } from "../../review/pages/storedDraft.ts";
import { forgetSteps, storeSteps, withSteps } from "../../review/pages/storedSteps.ts";

const SIZE = { slices: 2, height: 9, width: 11 };
const drawn = (draft: MaskDraft, slice: number): string[] =>
  Array.from({ length: SIZE.height }, (_, y) =>
    [...draft.sliceOf("mask", slice).subarray(y * SIZE.width, (y + 1) * SIZE.width)].map((v) => (v === 1 ? "#" : ".")).join(""),
  );

/** What a browser's storage does, in memory. */
function storage(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as unknown as Storage;
}

describe("painting", () => {
  it("is a round brush drawn along a line, on its slice alone", () => {
    const draft = new MaskDraft(SIZE);
    draft.begin(1);
    draft.paint("brush", 1, [3, 4], [7, 4], 1);
    expect(drawn(draft, 1)).toEqual([
      "...........",
      "...........",
      "...........",
      "..#######..",
      "..#######..",
      "..#######..",
      "...........",
      "...........",
      "...........",
    ]);
    expect(draft.sliceOf("mask", 0).includes(1)).toBe(false);
    draft.paint("erase", 1, [5, 4], [5, 4], 0);
    expect(drawn(draft, 1)[4]).toBe("..###.###..");
  });

  it("by an eraser takes strokes away too; a stroke leaves the mask alone until it is cut", () => {
    const draft = new MaskDraft(SIZE);
    draft.paint("lesion", 0, [2, 2], [6, 2], 0);
    draft.paint("background", 0, [4, 2], [4, 2], 0);
    expect([...draft.sliceOf("strokes", 0).subarray(24, 29)]).toEqual([1, 1, 2, 1, 1]);
    expect(draft.isEmpty).toBe(true);
    draft.paint("erase", 0, [5, 2], [6, 2], 0);
    expect([...draft.sliceOf("strokes", 0).subarray(24, 29)]).toEqual([1, 1, 2, 0, 0]);
  });

  const deed = fc.record({
    tool: fc.constantFrom<Tool>("brush", "erase", "lesion", "background"),
    slice: fc.integer({ min: 0, max: 1 }),
    from: fc.tuple(fc.integer({ min: -4, max: 14 }), fc.integer({ min: -4, max: 12 })),
    to: fc.tuple(fc.integer({ min: -4, max: 14 }), fc.integer({ min: -4, max: 12 })),
    radius: fc.integer({ min: 0, max: 5 }),
  });
  test.prop([fc.array(deed, { maxLength: 8 })])("is taken back step by step to where it began, even off the picture", (deeds) => {
    const draft = new MaskDraft(SIZE);
    const states = deeds.map(({ tool, slice, from, to, radius }) => {
      const before = [draft.mask.slice(), draft.strokes.slice()];
      draft.begin(slice);
      draft.paint(tool, slice, from, to, radius);
      return { before, slice };
    });
    for (const { before, slice } of states.reverse()) {
      expect(draft.undo()).toBe(slice);
      expect([draft.mask, draft.strokes]).toEqual(before);
    }
    expect(draft.undo()).toBeNull();
  });
});

describe("steps in the tab's storage", () => {
  const place = { workflow: "w", reader: "Ada", cases: "c".repeat(64), index: 3 };
  const dab = (draft: MaskDraft, x: number, tool: Tool = "brush", slice = 1): void => {
    draft.begin(slice);
    draft.paint(tool, slice, [x, 4], [x, 4], 1);
  };
  /** A browser's storage of so many letters. */
  function roomFor(letters: number): Storage {
    const kept = new Map<string, string>();
    const used = (but: string): number =>
      [...kept].reduce((sum, [key, text]) => sum + (key === but ? 0 : key.length + text.length), 0);
    return {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: string) => {
        if (used(key) + key.length + text.length > letters) throw new DOMException("full", "QuotaExceededError");
        kept.set(key, text);
      },
      removeItem: (key: string) => void kept.delete(key),
      key: (i: number) => [...kept.keys()][i] ?? null,
      get length() {
        return kept.size;
      },
    } as unknown as Storage;
  }

  it("are taken back in another draft of the same mask, strokes too, and in no other", () => {
    const kept = roomFor(1e6);
    const draft = new MaskDraft(SIZE);
    const states: Uint8Array[][] = [];
    for (const [x, tool] of [
      [3, "brush"],
      [5, "lesion"],
      [7, "brush"],
      [6, "erase"],
    ] as const) {
      states.push([draft.mask.slice(), draft.strokes.slice()]);
      dab(draft, x, tool);
    }
    storeSteps(place, draft, kept);
    // As it is when the mask has been sent: strokes are not in the store.
    const again = withSteps(place, new MaskDraft(SIZE, draft.mask), kept);
    expect([again.mask, again.strokes]).toEqual([draft.mask, draft.strokes]);
    for (const state of states.reverse()) {
      expect(again.undo()).toBe(1);
      expect([again.mask, again.strokes]).toEqual(state);
    }
    expect(again.canUndo).toBe(false);
    expect(withSteps(place, new MaskDraft(SIZE), kept).canUndo).toBe(false);
    for (const other of [{ reader: "Bo" }, { index: 4 }, { cases: "d".repeat(64) }, { workflow: "v" }])
      expect(withSteps({ ...place, ...other }, new MaskDraft(SIZE, draft.mask), kept).canUndo).toBe(false);
    forgetSteps(place, kept);
    expect(withSteps(place, new MaskDraft(SIZE, draft.mask), kept).canUndo).toBe(false);
  });

  it("give way where there is no room: those of other cases first, then the oldest", () => {
    const kept = roomFor(2000);
    const other = new MaskDraft(SIZE);
    dab(other, 2);
    storeSteps({ ...place, index: 0 }, other, kept);
    expect(withSteps({ ...place, index: 0 }, other, kept).canUndo).toBe(true);
    const draft = new MaskDraft(SIZE);
    for (let i = 0; i < 60; i++) dab(draft, 1 + (i % 8), i % 3 === 0 ? "erase" : "brush");
    storeSteps(place, draft, kept);
    expect(withSteps({ ...place, index: 0 }, new MaskDraft(SIZE, other.mask), kept).canUndo).toBe(false);
    const { steps } = withSteps(place, new MaskDraft(SIZE, draft.mask), kept);
    expect(steps.length).toBeGreaterThan(3);
    expect(steps.length).toBeLessThan(60);
    expect(steps).toEqual(draft.steps.slice(-steps.length));
  });
});

describe("a draft in the browser's storage", () => {
  const place = { workflow: "w", reader: "Ada", cases: "c".repeat(64), index: 3 };
  it("is what it was, for the same reader and case only", () => {
    const kept = storage();
    const draft = new MaskDraft(SIZE);
    draft.paint("brush", 1, [3, 4], [7, 4], 1);
    draft.paint("background", 0, [1, 1], [2, 6], 0);
    storeDraft(place, draft, "f".repeat(64), kept);
    const left = storedDraft(place, SIZE, kept)!;
    expect([left.from, left.draft.mask, left.draft.strokes]).toEqual(["f".repeat(64), draft.mask, draft.strokes]);
    for (const other of [{ reader: "Bo" }, { index: 4 }, { cases: "d".repeat(64) }, { workflow: "v" }])
      expect(storedDraft({ ...place, ...other }, SIZE, kept)).toBeNull();
    expect(storedDraft(place, { ...SIZE, slices: 3 }, kept)).toBeNull();
    forgetDraft(place, kept);
    expect(storedDraft(place, SIZE, kept)).toBeNull();
  });
});
