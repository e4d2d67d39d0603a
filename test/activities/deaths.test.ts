import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MockActivityEnvironment } from "@temporalio/testing";
import { DefaultLogger } from "@temporalio/worker";
import { afterAll, expect, it } from "vitest";
import { createActivities } from "../../activities/index.ts";
import { sha256 } from "../../artifacts/digest.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import type { Action, ActionProgress } from "../../schemas/messages.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { type ComputeOptions, ComputeProcessDied } from "../../worker/computePool.ts";
import type { ComputeRequest } from "../../worker/computeProtocol.ts";

const folder = mkdtempSync(join(tmpdir(), "recist3d-deaths-"));
afterAll(() => rmSync(folder, { recursive: true }));
const store = openFileStore(folder);
const input = { artifact: sha256("input") };
const training: Action = {
  ...{ kind: "network.train", version: stepKinds["network.train"].version, inputs: { images: input, labels: input } },
  params: stepKinds["network.train"].params.parse({ network: "hnn" }) as Action["params"],
};

/** One attempt of a training of which the process dies, after it wrote `checkpoint` where one is named. */
async function attempt(heartbeatDetails: ActionProgress | undefined, checkpoint?: string) {
  const run = async ({ type }: ComputeRequest, { onProgress }: ComputeOptions) => {
    if (type === "fingerprint") return "cpu";
    if (checkpoint !== undefined) onProgress({ unit: "epochs", done: 1, total: 2, checkpoint });
    throw new ComputeProcessDied("the compute process ended with SIGKILL before it answered");
  };
  const environment = new MockActivityEnvironment({ heartbeatDetails }, { logger: new DefaultLogger("ERROR") });
  let last: ActionProgress | undefined;
  environment.on("heartbeat", (details: ActionProgress) => {
    last = details;
  });
  const { runAction } = createActivities({ store, compute: { run: run as never } });
  const failure = await environment.run(runAction, training).catch((error: unknown) => error);
  return { last, failure };
}

it("a training that dies again and again without coming further is given up, with a reason that helps", async () => {
  let { last, failure } = await attempt(undefined);
  for (let deaths = 1; deaths < 10; deaths++) {
    expect(last!.deaths).toBe(deaths);
    expect(failure).toMatchObject({ type: "ComputeProcessDied", nonRetryable: false });
    ({ last, failure } = await attempt(last));
  }
  expect(failure).toMatchObject({
    nonRetryable: true,
    message: expect.stringMatching(/ended with SIGKILL .*; so did 10 in a row, none of which came further — .*memory/),
  });
});

it("one that comes further between its deaths is not, however often it is killed", async () => {
  let last: ActionProgress | undefined;
  for (let i = 0; i < 25; i++) {
    const checkpoint = sha256(`state ${i}`);
    const result = await attempt(last, checkpoint);
    expect(result.failure).toMatchObject({ nonRetryable: false });
    expect(result.last).toMatchObject({ deaths: 1, checkpoint });
    last = result.last;
  }
});
