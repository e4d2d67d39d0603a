import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AnswerQueue } from "../../review/pages/answers.ts";
import { type AnswerMessage, answerMessageSchema } from "../../schemas/reading.ts";

const CASES = "c".repeat(64);
const MASK = "d".repeat(64);
const drawn = { index: 0, from: CASES, runs: [0, 3, 1, 1] };

/** What arrives at the server, which is away at first where a test says so, and takes no mask of more than 1000 pixels. */
let arrived: AnswerMessage["entries"];
let isAway: boolean;
beforeEach(() => {
  vi.useFakeTimers();
  [arrived, isAway] = [[], false];
  const answer = (address: string, { body }: { body: string }): Response => {
    if (isAway) throw new TypeError("fetch failed");
    const message: unknown = JSON.parse(body);
    if (address === "/api/masks") {
      const isLarge = (message as typeof drawn).runs[1] > 1000;
      return isLarge ? Response.json({ error: "too large" }, { status: 413 }) : Response.json({ mask: MASK });
    }
    const { entries } = answerMessageSchema.parse(message);
    arrived.push(...entries);
    return Response.json({ taken: entries.length, answered: arrived.length });
  };
  vi.stubGlobal("fetch", async (address: string, request: { body: string }) => answer(address, request));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A browser's storage of so many letters, and what lies in it. */
function roomFor(letters: number) {
  const kept = new Map<string, string>();
  const used = (but: string): number =>
    [...kept].reduce((sum, [key, text]) => sum + (key === but ? 0 : key.length + text.length), 0);
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => {
      if (used(key) + key.length + text.length > letters) throw new DOMException("full", "QuotaExceededError");
      kept.set(key, text);
    },
    removeItem: (key: string) => void kept.delete(key),
  } as unknown as Storage;
  return { storage, kept };
}

let readings = 0;
/** Opens the queue of a reading of its own; `again` opens it anew, as the page does that is loaded again. */
function opened(storage: Storage) {
  const place = { workflow: `reading-${++readings}`, reader: "Ada", cases: CASES };
  const refused: [string, number[]][] = [];
  const again = () => new AnswerQueue(place, (why, entries) => refused.push([why, entries.map((one) => one.position)]), storage);
  return { queue: again(), again, refused };
}
const positions = (entries: readonly { position: number }[]): number[] => entries.map(({ position }) => position);
const key = (kind: string): string => `recist3d:${kind}:${JSON.stringify([`reading-${readings}`, "Ada", CASES])}`;

describe("an answer that the storage has no room for", () => {
  test("is unsaved until it has arrived, and is sent in its turn", async () => {
    const { storage, kept } = roomFor(300);
    isAway = true;
    const { queue } = opened(storage);
    queue.add(0, "accept", 1);
    queue.add(1, "edited", 1, { ...drawn, runs: Array<number>(200).fill(1) });
    queue.add(2, "reject", 1);
    await vi.advanceTimersByTimeAsync(100);
    expect(positions(queue.unsaved())).toEqual([0, 1, 2]);
    expect(queue.state.value).toMatchObject({ unsaved: 3, unkept: 1, trouble: { why: expect.stringContaining("fetch failed") } });
    expect(positions(JSON.parse(kept.get(key("answers"))!))).toEqual([0, 2]);

    isAway = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(arrived.map(({ position, answer, mask }) => [position, answer, mask])).toEqual([
      [0, "accept", undefined],
      [1, "edited", MASK],
      [2, "reject", undefined],
    ]);
    expect(queue.state.value).toEqual({ unsaved: 0, unkept: 0, unreadable: 0, trouble: null });
  });

  test("is written down as soon as there is room", async () => {
    const { storage, kept } = roomFor(300);
    kept.set("something else", "x".repeat(250));
    isAway = true;
    const { queue } = opened(storage);
    queue.add(0, "accept", 1);
    expect(queue.state.value).toMatchObject({ unsaved: 1, unkept: 1 });
    kept.delete("something else");
    queue.add(1, "accept", 1);
    expect(queue.state.value).toMatchObject({ unsaved: 2, unkept: 0 });
    expect(positions(JSON.parse(kept.get(key("answers"))!))).toEqual([0, 1]);
    queue.close();
  });

  test("is not lost by leaving the page and coming back", async () => {
    const { storage } = roomFor(10);
    isAway = true;
    const { queue, again } = opened(storage);
    queue.add(0, "accept", 1);
    queue.close();
    const next = again();
    expect(next.state.value).toMatchObject({ unsaved: 1, unkept: 1 });
    next.close();
    isAway = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(positions(arrived)).toContain(0);
    expect(next.unsaved()).toEqual([]);
  });
});

describe("an entry in the storage that cannot be read", () => {
  const entry = (position: number) => ({ position, answer: "accept", at: position + 1, tookMs: 1 });
  test.each([
    [
      "one among others",
      JSON.stringify([entry(0), { ...entry(1), at: "noon" }, entry(2)]),
      [0, 2],
      [{ ...entry(1), at: "noon" }],
    ],
    ["no list", JSON.stringify({ entries: 3 }), [], [{ entries: 3 }]],
    ["no JSON", '[{"position":0,', [], ['[{"position":0,']],
  ])("is put aside, counted, and holds nothing up: %s", async (_, text, good, aside) => {
    const { storage, kept } = roomFor(10_000);
    const { again } = opened(storage);
    kept.set(key("answers"), text);
    const queue = again();
    expect(queue.state.value).toMatchObject({ unsaved: good.length, unreadable: 1 });
    queue.add(7, "reject", 1);
    await vi.advanceTimersByTimeAsync(100);
    expect(positions(arrived)).toEqual([...good, 7]);
    expect([...kept]).toEqual([[key("unreadable"), JSON.stringify(aside)]]);
    expect(queue.state.value).toMatchObject({ unsaved: 0, unreadable: 1 });
    // A later one lies beside it.
    kept.set(key("answers"), JSON.stringify(["what is this"]));
    again();
    expect(JSON.parse(kept.get(key("unreadable"))!)).toEqual([...aside, "what is this"]);
  });

  test("stays where it is while there is no room to put it aside", async () => {
    const { storage, kept } = roomFor(400);
    const { again } = opened(storage);
    const broken = "x".repeat(130);
    kept.set(key("answers"), JSON.stringify([broken, entry(0)]));
    const queue = again();
    queue.add(1, "reject", 1);
    expect(queue.state.value).toMatchObject({ unsaved: 2, unreadable: 1 });
    await vi.advanceTimersByTimeAsync(100);
    expect(positions(arrived)).toEqual([0, 1]);
    const left = [...kept.values()].flatMap((text) => JSON.parse(text) as unknown[]);
    expect(left).toEqual([broken]);
  });
});

test("a mask that is too large for the server is refused by itself: the answers behind it arrive", async () => {
  const { storage } = roomFor(10_000);
  const { queue, refused } = opened(storage);
  queue.add(0, "edited", 1, { ...drawn, runs: [0, 5000, 1, 1] });
  queue.add(1, "edited", 1, drawn);
  queue.add(2, "unchanged", 1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(refused).toEqual([["too large", [0]]]);
  expect(positions(arrived)).toEqual([1, 2]);
  expect(queue.state.value).toMatchObject({ unsaved: 0, trouble: null });
});
