import { describe, expect, it } from "vitest";
import { openBackend } from "../../methods/networks/backend.ts";
import { describeBackend } from "./backendContract.ts";

const backend = await openBackend({ prefer: "gpu" }).catch((error: Error) => error);

if (backend instanceof Error) {
  it("computes on a GPU", ({ skip }) => skip(backend.message));
} else {
  describeBackend("TensorFlow on a GPU, fused operations", backend);
  describeBackend("TensorFlow on a GPU, plain operations", { ...backend, raw: false });

  describe("openBackend", () => {
    it("states what results depend on", () => {
      expect(backend.fingerprint).toMatch(/^tensorflow-gpu .* gpu=\S+ driver=\S+ tf32=0$/);
      expect(backend.fingerprint).not.toMatch(/unknown/);
    });
  });
}
