import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../artifacts/openStore.ts";
import { getRecord } from "../../artifacts/records.ts";
import type { Digest } from "../../artifacts/store.ts";
import { verifyCampaign } from "../../artifacts/verify.ts";
import { computeProcesses, engineProcess, type House, openHouse, until, workerProcess } from "./house.ts";

/** Long enough to be interrupted in the middle, again and again. */
const settings = { epochs: "40" };
let undisturbed: Record<string, Record<string, string>>;
let house: House;

beforeAll(async () => {
  const first = await openHouse();
  await first.start("undisturbed", settings);
  undisturbed = await first.result("undisturbed");
  await first.close();
  house = await openHouse();
}, 240_000);

afterAll(() => house?.close());

const kill = (process_: { pid: number }): void => {
  process.kill(process_.pid, "SIGKILL");
};

test("kill -9 of training child, worker and engine: the campaign goes on by itself to the same bytes", {
  timeout: 300_000,
}, async () => {
  await house.start("disturbed", settings);
  const checkpointOf = async (step: string): Promise<string | undefined> => {
    const { activity } = await house.snapshot("disturbed");
    return activity[step]?.actions.find(({ progress }) => progress?.checkpoint !== undefined)?.progress?.checkpoint;
  };

  const first = await until("θ⁰ has a checkpoint", () => checkpointOf("theta0"));
  const children = computeProcesses(house);
  expect(children.length).toBeGreaterThan(0);
  for (const child of children) kill(child);

  await until("θ⁰ goes on in a new child", async () => {
    const now = await checkpointOf("theta0");
    return now !== undefined && now !== first;
  });
  const worker = workerProcess(house)!;
  kill(worker);
  const orphans = new Set(computeProcesses(house).map(({ pid }) => pid));
  await until(
    "the dead worker's children are gone",
    () => computeProcesses(house).every(({ pid, parent }) => parent !== 1 && (!orphans.has(pid) || parent !== worker.pid)),
    20_000,
  );
  await until("a new worker runs", () => workerProcess(house) !== undefined && workerProcess(house)!.pid !== worker.pid);

  await until(
    "Algorithm 1 trains its first round",
    async () =>
      (await house.snapshot("disturbed")).activity.wsss?.round?.stage === "training" &&
      (await checkpointOf("wsss")) !== undefined,
  );
  const engine = engineProcess(house)!;
  kill(engine);
  await until("a new engine runs", () => engineProcess(house) !== undefined && engineProcess(house)!.pid !== engine.pid);
  await house.reconnect();

  const disturbed = await until("the campaign ends", () => house.result("disturbed"), 180_000);
  for (const step of ["lesions", "masks", "theta0", "wsss", "wsss3d", "evaluation"])
    expect(disturbed[step], step).toEqual(undisturbed[step]);

  const store = await openStore();
  const { steps } = await house.snapshot("disturbed");
  const theta0 = await getRecord(store, steps.find(({ name }) => name === "theta0")!.record as Digest);
  expect(theta0.attempt).toBeGreaterThanOrEqual(3);
  const report = await verifyCampaign(store, "disturbed");
  expect(report.problems).toEqual([]);
});
