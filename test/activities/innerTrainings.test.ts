import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { type FingerprintOf, keyOf, recordOf } from "../../activities/actionRecords.ts";
import { createCurations } from "../../activities/curations.ts";
import { curationTrainings, selfPacedTrainings } from "../../activities/innerTrainings.ts";
import { sha256 } from "../../artifacts/digest.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { putArtifact } from "../../artifacts/manifest.ts";
import { commitAction } from "../../artifacts/records.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import type { Action } from "../../schemas/messages.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";

const scratch = mkdtempSync(join(tmpdir(), "recist3d-inner-"));
afterAll(() => rmSync(scratch, { recursive: true }));
let store: Store;
beforeEach(() => {
  store = openFileStore(mkdtempSync(join(scratch, "store-")));
});

/** The campaign's arithmetic; the worker that looks trainings up has another one. */
const numerics = "tensorflow-gpu";
const fingerprintOf: FingerprintOf = async (action) => action.numerics ?? "tensorflow-cpu";
const given = (name: string) => ({ artifact: sha256(name) });
const keyed = (action: Action): Digest => keyOf(action, numerics);

/** Finishes an action, and gives its output as an input of the next. */
async function done(action: Action, output: string): Promise<{ artifact: Digest }> {
  const key = keyed(action);
  const artifact = await putArtifact(store, { type: "labels", meta: { of: key }, files: [] });
  const executed = {
    action,
    key,
    fingerprint: numerics,
    outputs: { [output]: artifact },
    parts: [],
    started: new Date(0),
    attempt: 1,
  };
  await commitAction(store, key, recordOf(executed));
  return { artifact };
}

it("the trainings of Algorithm 1 are found under the campaign's arithmetic as far as it has come, the one under way with them", async () => {
  const step: Action = {
    ...{ kind: "segmentation.self-paced", version: 1, params: {}, numerics },
    inputs: { lesions: given("lesions"), model: given("θ⁰") },
  };
  const harvest = { kind: "labels.harvest", version: 1, params: { cut: "grabcut" } };
  const training = { kind: "network.train", version: 1, params: { epochs: 2 } };
  const { lesions, model } = step.inputs;
  const trainings = () => selfPacedTrainings(store, fingerprintOf, step, { K: 2, harvest, training });
  expect(await trainings()).toEqual([]);
  const harvestOf = (k: number, theta: { artifact: string }) => ({
    ...harvest,
    params: { ...harvest.params, k },
    inputs: { lesions, model: theta },
  });
  const labels1 = await done(harvestOf(1, model), "labels");
  const first = { ...training, inputs: { images: lesions, labels: labels1, init: model } };
  expect(await trainings()).toEqual([keyed(first)]);
  const theta1 = await done(first, "model");
  const labels2 = await done(harvestOf(2, theta1), "labels");
  const second = { ...training, inputs: { images: lesions, labels: labels2, init: theta1 } };
  expect(await trainings()).toEqual([keyed(first), keyed(second)]);
});

it("those of a curation's rounds are, too", async () => {
  const params = stepKinds["enhancement.curate"].params.parse({ rounds: 2 }) as Action["params"];
  const names = ["lesions", "images", "denoiser", "enhancer"];
  const step: Action = {
    ...{ kind: "enhancement.curate", version: 1, params, numerics },
    inputs: Object.fromEntries(names.map((name) => [name, given(name)])),
  };
  const { lesions, images, denoiser, enhancer } = step.inputs;
  const plan = await createCurations(store, fingerprintOf).curationPlan(step);
  const trainings = () => curationTrainings(store, fingerprintOf, step, plan);
  const enhanced = await done({ ...plan.apply, inputs: { lesions, denoiser, enhancer } }, "enhanced");
  const cases = await done({ ...plan.cases, inputs: { lesions, enhanced } }, "cases");
  expect(await trainings()).toEqual([]);
  const decisions = await done({ ...plan.reading, inputs: { cases } }, "decisions");
  const trainingOf = (stage: "denoiser" | "enhancer") => ({
    ...plan.train[stage],
    inputs: { images, init: step.inputs[stage], slices: enhanced, decisions },
  });
  expect(await trainings()).toEqual([keyed(trainingOf("denoiser"))]);
  await done(trainingOf("denoiser"), "enhancer");
  expect(await trainings()).toEqual([keyed(trainingOf("denoiser")), keyed(trainingOf("enhancer"))]);
});
