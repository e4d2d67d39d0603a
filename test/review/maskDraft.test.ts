import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { MaskDraft, type Tool } from "../../review/pages/maskDraft.ts";
import { forgetDraft, storeDraft, storedDraft } from "../../review/pages/storedDraft.ts";

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
