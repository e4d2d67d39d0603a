import { randomStream } from "../random.ts";
import type { Backend } from "./backend.ts";
import { createTrainable } from "./trainable.ts";
import { trainingOptionsSchema } from "./trainingOptions.ts";
import type { TrainingSample } from "./trainingSet.ts";
import { initialWeights } from "./weights.ts";

const SIZE = 64;
const BATCH = 8;
const WARMUP_STEPS = 3;

/** Images per second that a training step of the HNN of width 0.25 takes here: 64 × 64 pixels, batch 8; median of some steps. */
export async function measureTrainingSpeed(backend: Backend, steps = 10): Promise<number> {
  const spec = { network: "hnn", width: 0.25, channels: 1, norm: "none" } as const;
  const random = randomStream(0, "speed");
  const images = Array.from(
    { length: BATCH },
    (_, i): TrainingSample => ({
      id: String(i),
      size: SIZE,
      pixels: Float32Array.from({ length: SIZE * SIZE }, () => random.normal()),
      labels: Uint8Array.from({ length: SIZE * SIZE }, () => random.integer(2)),
    }),
  );
  const network = createTrainable(spec, initialWeights(spec, 0), trainingOptionsSchema.parse({ seed: 0 }), backend);
  try {
    const seconds: number[] = [];
    for (let step = 0; step < WARMUP_STEPS + steps; step++) {
      const start = performance.now();
      network.step(images, 1e-4);
      seconds.push((performance.now() - start) / 1000);
      await new Promise(setImmediate);
    }
    const measured = seconds.slice(WARMUP_STEPS).sort((a, b) => a - b);
    return BATCH / measured[measured.length >> 1];
  } finally {
    network.dispose();
  }
}
