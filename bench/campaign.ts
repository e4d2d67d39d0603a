/**
 * What the engine costs: a campaign (import, initial masks, a baseline, evaluation; no training) beside the same step
 * bodies called in a plain loop in one process, without engine, records or heartbeats. Both write a fresh store on the
 * same disk. The campaign may use several processes at once, so its time can be the shorter one; `busy` compares the
 * seconds that the actions themselves took.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { bodyOf, parseInput } from "../activities/steps/index.ts";
import type { StepContext } from "../activities/steps/step.ts";
import { openFileStore } from "../artifacts/fileStore.ts";
import { openStore } from "../artifacts/openStore.ts";
import { findCampaign, getRecord } from "../artifacts/records.ts";
import type { Digest } from "../artifacts/store.ts";
import { openBackend } from "../methods/networks/backend.ts";
import { loadPipeline } from "../pipelines/load.ts";
import { inputName } from "../pipelines/plan.ts";
import type { ArtifactRef } from "../schemas/messages.ts";
import { openHouse } from "../test/campaign/house.ts";

const LESIONS = Number(process.argv[2] ?? 48);
const folder = mkdtempSync(path.join(tmpdir(), "recist3d-bench-"));
const file = path.join(folder, "bench.yaml");
writeFileSync(
  file,
  `name: bench
steps:
  lesions: { uses: dataset.synthesize, with: { lesions: ${LESIONS}, testFraction: 0.5, shardSize: 4, seed: 1 } }
  masks: { uses: labels.initial, in: { lesions: lesions.train }, with: { method: grabcut-r } }
  gc3de: { uses: segmentation.classical, in: { lesions: lesions.test }, with: { method: grabcut-3de } }
  evaluation: { uses: evaluate, in: { predictions: { GrabCut-3DE: gc3de }, reference: lesions.test } }
`,
);

async function plainLoop(): Promise<Record<string, Record<string, Digest>>> {
  const store = openFileStore(path.join(folder, "plain"));
  const checkpoints = { latest: async () => null, save: async (bytes: Uint8Array) => store.putBlob(bytes) };
  const context: StepContext = {
    store,
    signal: new AbortController().signal,
    progress: () => {},
    backend: () => openBackend(),
    checkpoints,
  };
  const outputs: Record<string, Record<string, Digest>> = {};
  for (const { name, kind, params, inputs } of (await loadPipeline(file)).steps) {
    const refs: Record<string, ArtifactRef> = {};
    for (const [input, wires] of Object.entries(inputs)) {
      for (const wire of wires) refs[inputName(input, wire.name)] = { artifact: outputs[wire.step][wire.output] };
    }
    const body = bodyOf(kind);
    const input = parseInput({ kind, params, inputs: refs });
    if (body.parts === undefined) outputs[name] = (await body.run(context, input)).outputs;
    else {
      const parts = [];
      for (let part = 0; part < (await body.parts(context, input)); part++)
        parts.push((await body.run(context, { ...input, part })).outputs);
      outputs[name] = (await body.gather!(context, input, parts)).outputs;
    }
  }
  return outputs;
}

const seconds = async <T>(work: () => Promise<T>): Promise<{ value: T; took: number }> => {
  const start = performance.now();
  const value = await work();
  return { value, took: (performance.now() - start) / 1000 };
};

const house = await openHouse();
try {
  await house.start("bench", {}, file);
  await house.result("bench");
  const store = await openStore();
  const recorded = (await findCampaign(store, "bench"))!.record;
  let busy = 0;
  let actions = 0;
  for (const digest of Object.values(recorded.steps)) {
    const record = await getRecord(store, digest as Digest);
    for (const part of [record, ...(await Promise.all(record.parts.map((one) => getRecord(store, one as Digest))))]) {
      busy += (Date.parse(part.finished) - Date.parse(part.started)) / 1000;
      actions++;
    }
  }
  const wall = (Date.parse(recorded.finished) - Date.parse(recorded.started)) / 1000;
  const plain = await seconds(plainLoop);
  const same =
    plain.value.evaluation.evaluation === (await getRecord(store, recorded.steps.evaluation as Digest)).outputs.evaluation;
  console.log(`${LESIONS} lesions, ${actions} actions, results ${same ? "equal" : "DIFFERENT"}`);
  console.log(`plain loop  ${plain.took.toFixed(1)} s`);
  console.log(
    `campaign    ${wall.toFixed(1)} s   ratio ${(wall / plain.took).toFixed(2)}   busy ${(busy / plain.took).toFixed(2)}   ${(LESIONS / wall).toFixed(1)} lesions/s`,
  );
  if (!same) process.exitCode = 1;
} finally {
  await house.close();
  rmSync(folder, { recursive: true, force: true });
}
