import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { MockActivityEnvironment } from "@temporalio/testing";
import { DefaultLogger } from "@temporalio/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createActivities } from "../../activities/index.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { getRecord } from "../../artifacts/records.ts";
import type { Digest } from "../../artifacts/store.ts";
import type { Action, ActionResult } from "../../schemas/messages.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import type { ComputeRequest } from "../../worker/computeProtocol.ts";
import { stepOutputs } from "./stepOutputs.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-numerics-"));
afterAll(() => rmSync(folder, { recursive: true }));
const store = openFileStore(folder);
let lesions: Digest;
beforeAll(async () => {
  const params = stepKinds["dataset.synthesize"].params.parse({ lesions: 5, testFraction: 0, shardSize: 2 });
  ({ all: lesions } = await stepOutputs(store, "dataset.synthesize", params, {}));
});

/** A worker whose networks compute with `arithmetic`, and say which requests they were given. */
function worker(arithmetic: string) {
  const requests: ComputeRequest["type"][] = [];
  const run = async (request: ComputeRequest) => {
    requests.push(request.type);
    return request.type === "fingerprint" ? arithmetic : { outputs: { predictions: lesions } };
  };
  const activities = createActivities({ store, compute: { run: run as never } });
  const attempt = (action: Action, number = 1): Promise<ActionResult> =>
    new MockActivityEnvironment({ attempt: number }, { logger: new DefaultLogger("ERROR") }).run(activities.runAction, action);
  return { requests, activities, attempt };
}

const prediction = (numerics: string, more: Partial<Action> = {}): Action => ({
  ...{ kind: "segmentation.predict", version: stepKinds["segmentation.predict"].version, numerics },
  params: stepKinds["segmentation.predict"].params.parse({}) as Action["params"],
  inputs: { lesions: { artifact: lesions }, model: { artifact: lesions } },
  ...more,
});

test("parts that a GPU worker computed are found and gathered by a worker that computes with none", async () => {
  const [gpu, cpu] = [worker("tensorflow-gpu"), worker("tensorflow-cpu")];
  const parts: string[] = [];
  for (const part of [0, 1, 2]) parts.push((await gpu.attempt(prediction("tensorflow-gpu", { part }))).record);
  const gathered = await cpu.attempt(prediction("tensorflow-gpu"));
  expect(cpu.requests).toEqual(["gather"]);
  const record = await getRecord(store, gathered.record as Digest);
  expect(record).toMatchObject({ fingerprint: "tensorflow-gpu", parts });
  const looked = new MockActivityEnvironment(undefined, { logger: new DefaultLogger("ERROR") });
  expect(await looked.run(cpu.activities.findFinished, { action: prediction("tensorflow-gpu") })).toMatchObject({
    record: gathered.record,
    cached: true,
  });
});

test("a worker with another arithmetic computes nothing under the campaign's name, and says what can be done", async () => {
  const { attempt, requests } = worker("tensorflow-cpu threads=8");
  const action = prediction("tensorflow-cpu threads=2", { part: 0 });
  const refusal = {
    type: "OtherNumerics",
    message: expect.stringMatching(
      /computes with "tensorflow-cpu threads=8", the campaign with "tensorflow-cpu threads=2".*retry/,
    ),
  };
  await expect(attempt(action, 1)).rejects.toMatchObject({ ...refusal, nonRetryable: false });
  await expect(attempt(action, 5)).rejects.toMatchObject({ ...refusal, nonRetryable: true });
  expect(requests).not.toContain("run");
});

test("what was computed with the campaign's arithmetic is reused by any worker", async () => {
  const action = prediction("tensorflow-gpu 2", { part: 1 });
  const { record } = await worker("tensorflow-gpu 2").attempt(action);
  expect(await worker("tensorflow-cpu").attempt(action)).toMatchObject({ record, cached: true });
});
