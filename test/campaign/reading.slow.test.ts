import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { until } from "./house.ts";
import { type Desk, openDesk, type Reading, refusal, tinyCases } from "./readingDesk.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk?.close());

const open = (reading: Reading) => until("the reading is open", () => reading.waiting().then((waiting) => waiting ?? undefined));
const answersOf = async (digest: string): Promise<Record<string, unknown>[]> => {
  const manifest = await getManifest(desk.store, digest as Digest);
  const text = (await readFile(desk.store, manifest, "answers.jsonl")).toString("utf8").trim();
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line));
};

describe("a shared reading", () => {
  test("waits, takes answers, and ends with what stands", async () => {
    const cases = await tinyCases(desk.store, 5);
    const reading = await desk.start("first/read", cases, {});
    expect(await open(reading)).toMatchObject({ campaign: "first", step: "read", layout: "single", count: 5, answered: 0 });
    expect(await reading.answer("Ada", { 0: "accept", 2: "reject" })).toEqual({ taken: 2, answered: 2 });
    expect(await reading.answer("Ada", { 2: null })).toEqual({ taken: 1, answered: 1 });
    expect(await refusal(reading.answer("Ada", { 5: "accept" }))).toBe("position 5 does not exist: there are 5, counted from 0");
    expect(await reading.state("Ada")).toMatchObject({ own: [[0, "accept"]], shared: [[0, "accept", 0]] });
    await reading.finish("Ada");
    const { outputs } = await reading.result();
    expect(await answersOf(outputs.decisions)).toEqual([
      { case: "case-0", repeat: false, reader: null, answer: "accept", at: expect.any(Number), tookMs: 100 },
    ]);
  });
});
