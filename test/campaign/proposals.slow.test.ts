import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset } from "../../activities/datasets.ts";
import { openPredictions } from "../../activities/predictions.ts";
import { openStore } from "../../artifacts/openStore.ts";
import type { Digest } from "../../artifacts/store.ts";
import { writeNifti } from "../../methods/imaging/nifti.ts";
import { encodeModel } from "../../methods/networks/model.ts";
import type { ReadingState } from "../../schemas/reading.ts";
import { brightBalls } from "../networks/brightBalls.ts";
import { brightness } from "../networks/brightness.ts";
import { type House, openHouse, until } from "./house.ts";

const pipeline = fileURLToPath(new URL("./proposals.yaml", import.meta.url));

let house: House;
let weights: string;
beforeAll(async () => {
  house = await openHouse();
  weights = path.join(house.home, "weights.safetensors");
  writeFileSync(weights, encodeModel(brightness())["weights.safetensors"]);
}, 120_000);
afterAll(() => house?.close());

test("proposals of two volumes wait for a person on the real engine, and the confirmed ones are kept", async () => {
  const root = path.join(house.home, "ct");
  mkdirSync(root);
  const balls = [
    { at: [40, 45, 9], radiusMm: 10 },
    { at: [76, 60, 14], radiusMm: 16 },
  ] as const;
  writeFileSync(path.join(root, "first.nii.gz"), writeNifti(brightBalls(balls)));
  writeFileSync(path.join(root, "second.nii.gz"), writeNifti(brightBalls([{ at: [36, 30, 4], radiusMm: 9 }], [64, 60, 9])));
  await house.start("searching", { root, weights }, pipeline);

  const { client } = house.engine;
  const desk = client.workflow.getHandle("searching/read");
  const state = await until(
    "the reading is open",
    () => desk.query<ReadingState | null>("reading").then((one) => one ?? undefined),
    240_000,
  );
  expect(state.count).toBe(3);
  const at = Date.now();
  const answers = ["confirm", "dismiss", "confirm"];
  const entries = answers.map((answer, position) => ({ position, answer, at: at + position, tookMs: 1 }));
  await desk.executeUpdate("answer", { args: [{ cases: state.cases, reader: "Ada", entries }] });
  await desk.executeUpdate("finish", { args: [{ cases: state.cases, reader: "Ada" }] });

  const { confirmed } = await house.result("searching");
  const store = await openStore();
  const { lesions, meta } = await openDataset(store, confirmed.lesions as Digest);
  expect(lesions.map(({ id }) => id)).toEqual(["first-001", "second-001"]);
  expect(meta.skipped).toEqual({ "proposal was dismissed": 1 });
  expect([...(await openPredictions(store, confirmed.predictions as Digest)).lines.keys()]).toEqual(["first-001", "second-001"]);
}, 300_000);

test("a search that finds nothing asks nobody, and the campaign ends with no lesion", async () => {
  const root = path.join(house.home, "nothing");
  mkdirSync(root);
  writeFileSync(path.join(root, "healthy.nii.gz"), writeNifti(brightBalls([], [60, 60, 6])));
  await house.start("finding-nothing", { root, weights }, pipeline);
  const { confirmed } = await house.result("finding-nothing");
  const { lesions } = await openDataset(await openStore(), confirmed.lesions as Digest);
  expect(lesions).toEqual([]);
}, 300_000);
