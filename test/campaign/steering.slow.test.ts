import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { getManifest } from "../../artifacts/manifest.ts";
import { openStore } from "../../artifacts/openStore.ts";
import { findCampaign, getRecord } from "../../artifacts/records.ts";
import type { Digest } from "../../artifacts/store.ts";
import { encodeSafetensors } from "../../methods/networks/safetensors.ts";
import { computeProcesses, type House, openHouse, until } from "./house.ts";

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());

/** The command line, on this house. */
const run = (...words: string[]) =>
  promisify(execFile)("bin/recist3d", words, { env: { ...process.env, RECIST3D_SETUP: "none" } });
const stepOf = async (campaign: string, name: string) =>
  (await house.snapshot(campaign)).steps.find((step) => step.name === name)!;

describe("a campaign", () => {
  test("is planned and goes as far as it can while another one holds the only training slot", async () => {
    await house.start("training", { epochs: "4000" });
    await until("θ⁰ trains", async () =>
      (await house.snapshot("training")).activity.theta0?.actions.some(({ progress }) => (progress?.done ?? 0) > 0),
    );
    await house.start("beside", { seed: "5" });
    await until("its initial masks are there", async () => (await stepOf("beside", "masks")).state === "done");
    expect((await stepOf("training", "theta0")).state).toBe("running");
    await expect(run("retry", "training", "theta0", "--discard-checkpoint")).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /"training" is running: a checkpoint can only be discarded when it has ended.*recist3d cancel/,
      ),
    });
    for (const campaign of ["training", "beside"]) {
      await house.engine.client.workflow.getHandle(campaign).cancel();
      await expect(house.result(campaign)).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
    }
  });

  test("that is cancelled stops its training within seconds and leaves no process at work", async () => {
    await house.start("cancelled", { epochs: "4000" });
    await until("θ⁰ trains", async () =>
      (await house.snapshot("cancelled")).activity.theta0?.actions.some(({ progress }) => (progress?.done ?? 0) > 0),
    );
    const training = computeProcesses(house).map(({ pid }) => pid);
    const asked = performance.now();
    await house.engine.client.workflow.getHandle("cancelled").cancel();
    await expect(house.result("cancelled")).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
    expect(performance.now() - asked).toBeLessThan(15_000);
    await until("the training process has ended", () => computeProcesses(house).length < training.length, 5000);
    expect((await stepOf("cancelled", "theta0")).state).toBe("cancelled");
  });

  test("that is paused starts nothing new until it goes on", async () => {
    await house.start("paused", { seed: "4" });
    const handle = house.engine.client.workflow.getHandle("paused");
    await handle.signal("pause", true);
    await until("nothing runs", async () => {
      const { phase, steps } = await house.snapshot("paused");
      return phase === "paused" && steps.every(({ state }) => state !== "running");
    });
    expect((await stepOf("paused", "theta0")).state).toBe("waiting");
    await handle.signal("pause", false);
    await house.result("paused");
    expect((await stepOf("paused", "report")).state).toBe("done");
  });

  test("with a loss that is not finite fails with the reason; independent steps end; a retry keeps what is finished", async () => {
    const weights = `${house.home}/weights.safetensors`;
    const startFrom = (value: number): void => {
      const kernel = new Float32Array(3 * 3 * 1 * 8).fill(value);
      writeFileSync(weights, encodeSafetensors({ "conv1_1/kernel": { dtype: "F32", shape: [3, 3, 1, 8], data: kernel } }));
    };
    const file = `${house.home}/from-weights.yaml`;
    writeFileSync(
      file,
      readFileSync(new URL("./tiny.yaml", import.meta.url), "utf8").replace("network: hnn", `network: hnn, weights: ${weights}`),
    );
    startFrom(Number.NaN);
    await house.start("overflow", { seed: "4" }, file);
    await expect(house.result("overflow")).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/step "theta0": the loss is NaN in epoch 0, step 0/) },
    });
    const state = async () => Object.fromEntries((await house.snapshot("overflow")).steps.map((step) => [step.name, step.state]));
    expect(await state()).toEqual({
      lesions: "cached",
      masks: "cached",
      theta0: "failed",
      wsss: "blocked",
      gc3de: "cached",
      wsss3d: "blocked",
      evaluation: "blocked",
      report: "blocked",
    });

    startFrom(0.01);
    await run("retry", "overflow");
    await house.result("overflow");
    expect(await state()).toMatchObject({ lesions: "cached", masks: "cached", theta0: "done", wsss: "done", report: "done" });
  });

  test("that is run again computes nothing, even after the engine forgot everything", async () => {
    const before = await house.result("paused");
    await house.start("again", { seed: "4" });
    const after = await house.result("again");
    expect(after.evaluation).toEqual(before.evaluation);
    expect((await house.snapshot("again")).steps.map(({ state }) => state)).toEqual(Array(8).fill("cached"));
  });

  test("after a parameter changed computes only what depends on it", async () => {
    await house.start("longer", { seed: "4", rounds: "2" });
    await house.result("longer");
    const { steps } = await house.snapshot("longer");
    const computed = steps.filter(({ state }) => state === "done").map(({ name }) => name);
    expect(computed).toEqual(["wsss", "wsss3d", "evaluation", "report"]);
  });

  test("gives its model to the one-off command, and to a folder", async () => {
    await run("export", "paused/wsss", "--out", `${house.home}/model`);
    expect(readdirSync(`${house.home}/model`)).toEqual(expect.arrayContaining(["model.json", "weights.safetensors"]));
    await expect(run("export", "paused/wsss.modle", "--out", `${house.home}/nowhere`)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no output "modle" — it has labels, model/),
    });
  });

  test("is recorded only when it is done", async () => {
    const store = await openStore();
    expect(await findCampaign(store, "cancelled")).toBeNull();
    expect(await findCampaign(store, "paused")).not.toBeNull();
  });
});

test("a blob that went missing is computed again, not skipped", async () => {
  const { record } = await stepOf("paused", "lesions");
  const store = await openStore();
  const { outputs } = await getRecord(store, record as Digest);
  const manifest = await getManifest(store, outputs.train as Digest);
  const { digest } = manifest.blobs.find(({ path }) => path.startsWith("shards/"))!;
  rmSync(`${house.home}/store/sha256/${digest.slice(0, 2)}/${digest.slice(2)}`);
  await house.start("missing", { seed: "4", epochs: "4" });
  await house.result("missing");
  const { steps } = await house.snapshot("missing");
  // Training needs the data set, so it is drawn again.
  expect(steps.find(({ name }) => name === "lesions")!.state).toBe("done");
});
