import { expect, it } from "vitest";
import { segmentUnmarked } from "../../cli/unmarkedLesion.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { regionOfBox } from "../../methods/networks/lesionRegion.ts";
import type { Model } from "../../methods/networks/model.ts";
import { predictVolume } from "../../methods/networks/predictVolume.ts";
import { preprocessingSchema } from "../../methods/networks/preprocess.ts";
import { networkSpecSchema } from "../../methods/networks/spec.ts";
import { trainingOptionsSchema } from "../../methods/networks/trainingOptions.ts";
import { initialWeights } from "../../methods/networks/weights.ts";
import { brightBalls } from "../networks/brightBalls.ts";

const backend = await openBackend({ prefer: "node" });
const window = { low: -160, high: 240 };

/** A UNet of stacks that has learned nothing, and says that it was shown places without marks. */
function network(planes: number): Model {
  const spec = networkSpecSchema.parse({ network: "unet", width: 1 / 32, channels: 2, planes });
  const options = trainingOptionsSchema.parse({ seed: 1, augmentation: { from: "image", marks: { absent: 0.2 } } });
  return {
    spec,
    preprocessing: preprocessingSchema.parse({
      crop: { size: 32 },
      channels: ["relative", "ellipse"],
      stack: { planes },
    }),
    training: { options, history: [] },
    weights: initialWeights(spec, 3, "he"),
  };
}

it("a network of stacks sees all slices of a box at once, and does not go by diameters that it measures first", async () => {
  const volume = brightBalls([{ at: [60, 55, 12], radiusMm: 14 }]);
  const box = { slice: 12, low: [50, 45], high: [70, 65] } as const;
  const model = network(5);
  const { mask } = await segmentUnmarked({ model, backend }, volume, { id: "box-1", box, where: "box" }, window);
  const look = async (own: boolean) =>
    (await predictVolume(model, backend, { image: volume, marks: regionOfBox(box), window }, { measured: own })).mask.data;
  const differing = async (own: boolean) => (await look(own)).reduce((sum, value, i) => sum + Math.abs(value - mask.data[i]), 0);
  expect(await differing(false)).toBe(0);
  expect(await differing(true)).toBeGreaterThan(0);
});
