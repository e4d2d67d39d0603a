import { describe, expect, it } from "vitest";
import { openBackend } from "../../methods/networks/backend.ts";
import { describeBackend } from "./backendContract.ts";

const backend = await openBackend({ prefer: "node" });

describeBackend("TensorFlow, fused operations", backend);
describeBackend("TensorFlow, plain operations", { ...backend, raw: false });

describe("openBackend", () => {
  it("states what results depend on", () => {
    expect(backend.slow).toBe(false);
    expect(backend.fingerprint).toMatch(
      /^tensorflow-cpu tfjs=4\.\d+\.\d+ libtensorflow=\d+\.\d+\.\d+ threads=\d+ onednn=\w+ isa=\w+$/,
    );
    expect(process.env.TF_DETERMINISTIC_OPS).toBe("1");
  });

  it("gives a process one backend", async () => {
    expect(await openBackend()).toBe(backend);
    await expect(openBackend({ prefer: "cpu" })).rejects.toThrow(/node is already open/);
  });
});
