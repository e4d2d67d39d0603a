import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadEnhancer } from "../../activities/enhancers.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import { openStore } from "../../artifacts/openStore.ts";
import { getRecord } from "../../artifacts/records.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { verifyCampaign } from "../../artifacts/verify.ts";
import { decisionsOf, metaOf } from "./decisions.ts";
import { type House, openHouse } from "./house.ts";
import { readingOf, refusal } from "./readingDesk.ts";

const pipeline = fileURLToPath(new URL("./curation.yaml", import.meta.url));
let house: House;
let store: Store;
beforeAll(async () => {
  house = await openHouse();
  store = await openStore();
});
afterAll(() => house?.close());

const partsOf = async (campaign: string): Promise<string[]> => {
  const { record } = (await house.snapshot(campaign)).steps.find(({ name }) => name === "curated")!;
  const { parts } = await getRecord(store, record as Digest);
  return Promise.all(parts.map(async (part) => (await getRecord(store, part as Digest)).kind));
};
const round = ["enhancement.apply", "enhancement.cases", "reading"];
const learning = ["enhancement.train", "enhancement.train"];
const slicesLearnt = async (enhancer: string): Promise<number> => (await loadEnhancer(store, enhancer as Digest)).training.slices;

test("people select, both stages learn from it, until nothing improves", async () => {
  await house.start("rounds", {}, pipeline);
  const first = await readingOf(house.engine, "rounds", 1);
  expect((await house.snapshot("rounds")).activity.curated).toMatchObject({
    curation: { round: 1, rounds: 2, stage: "reading" },
    waiting: { title: "Curation of enhanced slices", step: "curated", layout: "grid", round: 1, count: 3, answered: 0 },
  });
  await first.tell("Ada", { 0: "select" });
  await first.tell("Bo", { 2: "select" });
  expect(await refusal(first.answer("Bo", { 1: "select" }))).toMatch(/^at most 2 cases may be answered "select"/);
  await first.finish("Ada", { verdict: "next-round", note: "sharper" });

  const second = await readingOf(house.engine, "rounds", 2);
  expect(second.cases).not.toBe(first.cases);
  expect(await refusal(second.send("answer", { cases: first.cases, reader: "Ada", entries: [entry] }))).toMatch(/other cases/);
  await second.tell("Ada", { 1: "select" });
  await second.finish("Ada", { verdict: "nothing-improves" });

  const { curated, denoiser, enhancer } = await house.result("rounds");
  expect(await partsOf("rounds")).toEqual([...round, ...learning, ...round]);
  for (const [stage, before] of [
    [curated.denoiser, denoiser.enhancer],
    [curated.enhancer, enhancer.enhancer],
  ]) {
    expect(stage).not.toBe(before);
    expect(await slicesLearnt(stage)).toBe(2);
  }
  expect(await metaOf(store, curated.decisions)).toMatchObject({
    decidedBy: "people",
    closedBy: "readers",
    readers: [{ reader: "Ada", verdict: "nothing-improves" }],
  });
  expect((await verifyCampaign(store, "rounds")).problems).toEqual([]);
});

test("what was decided is asked of nobody again, and learnt from once", async () => {
  const { curated: before } = await house.result("rounds");
  await house.start("shorter", { rounds: "1" }, pipeline);
  const { curated } = await house.result("shorter");
  expect(await partsOf("shorter")).toEqual([...round, ...learning]);
  expect([curated.denoiser, curated.enhancer]).toEqual([before.denoiser, before.enhancer]);
  expect(await decisionsOf(store, curated.decisions)).toMatchObject([{ answer: "select" }, { answer: "select" }]);
  await house.start("longer", { rounds: "3" }, pipeline);
  expect((await house.result("longer")).curated).toEqual(before);
});

test("where nothing is selected nothing is learnt", async () => {
  await house.start("nothing", { atMost: "1" }, pipeline);
  const reading = await readingOf(house.engine, "nothing", 1);
  await reading.finish("Ada", { verdict: "next-round" });
  const { curated, denoiser, enhancer } = await house.result("nothing");
  expect(await partsOf("nothing")).toEqual(round);
  expect(curated).toMatchObject({ denoiser: denoiser.enhancer, enhancer: enhancer.enhancer });
  expect(await decisionsOf(store, curated.decisions)).toEqual([]);
});

test("a policy selects in every round, and the record says so", async () => {
  await house.start("ruled", { decide: "policy" }, pipeline);
  const { curated } = await house.result("ruled");
  expect(await partsOf("ruled")).toEqual([...round, ...learning, ...round, ...learning]);
  expect(await metaOf(store, curated.decisions)).toMatchObject({ decidedBy: "policy", policy: "edge-gain", decisions: 2 });
  expect(await slicesLearnt(curated.enhancer)).toBe(2);
});

test("a policy that finds nothing better than it was ends the rounds, and its scores say why", async () => {
  await house.start("unimproved", { decide: "policy", above: "0" }, pipeline);
  const { curated, denoiser, enhancer } = await house.result("unimproved");
  expect(await partsOf("unimproved")).toEqual(round);
  expect(curated).toMatchObject({ denoiser: denoiser.enhancer, enhancer: enhancer.enhancer });
  expect(await metaOf(store, curated.decisions)).toMatchObject({ decidedBy: "policy", decisions: 0 });
  const lines = await readFile(store, await getManifest(store, curated.decisions as Digest), "scores.jsonl");
  const scores = lines
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).score);
  expect(scores).toHaveLength(3);
  for (const score of scores) expect(score).toBeLessThanOrEqual(0);
});

const entry = { position: 0, answer: "select", at: 1, tookMs: 0 };
