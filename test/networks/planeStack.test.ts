import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { scalingAffine, type Vec3, type Volume } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import type { RecistMarks } from "../../methods/labels/recist.ts";
import type { LabelMap } from "../../methods/labels/trimap.ts";
import { augmentationSchema } from "../../methods/networks/augment.ts";
import { openBackend, type Tensor4D } from "../../methods/networks/backend.ts";
import { drawnStack } from "../../methods/networks/drawnSample.ts";
import { lesionTrainingSet } from "../../methods/networks/lesionSet.ts";
import { decodeModel, encodeModel, type Model } from "../../methods/networks/model.ts";
import { createForward, layersOf, parametersOf } from "../../methods/networks/network.ts";
import {
  isOfStacks,
  planeInputs,
  type StackPreprocessing,
  stackedLesion,
  stackInput,
} from "../../methods/networks/planeStack.ts";
import { predict } from "../../methods/networks/predict.ts";
import { predictSlices, predictVolume } from "../../methods/networks/predictVolume.ts";
import { preprocessingSchema } from "../../methods/networks/preprocess.ts";
import { type NetworkSpec, networkSpecSchema } from "../../methods/networks/spec.ts";
import { train } from "../../methods/networks/train.ts";
import { keptForTraining, type TrainingLesion } from "../../methods/networks/trainingLesion.ts";
import { trainingOptionsSchema } from "../../methods/networks/trainingOptions.ts";
import { initialWeights, type Weights, weightsDigest } from "../../methods/networks/weights.ts";
import { randomStream } from "../../methods/random.ts";

const backend = await openBackend({ prefer: "node" });
const { tf } = backend;

const WINDOW = { low: -160, high: 240 };

/** A cross of the given length in the middle of slice `slice`. */
function cross(slice: number, length: number, [nx, ny]: Vec3): RecistMarks {
  const [x, y] = [(nx - 1) / 2, (ny - 1) / 2];
  const long = [[x - length / 2, y], [x + length / 2, y]] as const; // biome-ignore format: a cross
  const short = [[x, y - length / 2], [x, y + length / 2]] as const; // biome-ignore format: a cross
  return { slice, long, short };
}

function volume(dims: Vec3, spacingMm: Vec3, hu: (x: number, y: number, z: number) => number): Volume {
  const [nx, ny, nz] = dims;
  const data = Float32Array.from({ length: nx * ny * nz }, (_, i) =>
    hu(i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))),
  );
  return { dims, spacingMm, affine: scalingAffine(spacingMm), data };
}

function preprocessing(planes: number, reach: number, size = 16, channels: readonly string[] = ["relative"]): StackPreprocessing {
  const parsed = preprocessingSchema.parse({ crop: { size }, channels, stack: { planes, reach } });
  if (!isOfStacks(parsed)) throw new Error("no stack");
  return parsed;
}

/** A bright ball of `radiusMm` in the middle of a noisy volume, with its marks and labels on the given slices. */
function ballLesion(dims: Vec3, spacingMm: Vec3, radiusMm: number, seed = 1, labelled?: readonly number[]): TrainingLesion {
  const [nx, ny, nz] = dims;
  const middle = [(nx - 1) / 2, (ny - 1) / 2, Math.floor((nz - 1) / 2)];
  const inside = (x: number, y: number, z: number): boolean =>
    Math.hypot(...[x, y, z].map((at, axis) => (at - middle[axis]) * spacingMm[axis])) <= radiusMm;
  const random = randomStream(seed, "ball");
  const image = volume(dims, spacingMm, (x, y, z) => (inside(x, y, z) ? 90 : 0) + 15 * random.normal());
  const map = (z: number): LabelMap => ({
    width: nx,
    height: ny,
    data: Uint8Array.from({ length: nx * ny }, (_, i) => (inside(i % nx, Math.floor(i / nx), z) ? 1 : 0)),
  });
  const slices = labelled ?? Array.from({ length: nz }, (_, z) => z);
  const marks = cross(middle[2], (2 * radiusMm) / spacingMm[0], dims);
  return { id: `ball ${seed}`, image, marks, window: WINDOW, labels: new Map(slices.map((z) => [z, map(z)])) };
}

describe("planes of a stack", () => {
  const dims: Vec3 = [24, 22, 15];

  property.prop([
    fc.integer({ min: 1, max: 8 }).map((half) => 2 * half + 1),
    fc.double({ min: 0.3, max: 1.2, noNaN: true }),
    fc.double({ min: 0.6, max: 6, noNaN: true }),
  ])("show a volume that is linear across slices as it is, wherever they lie between its slices", (planes, reach, spacing) => {
    const image = volume(dims, [1, 1, spacing], (x, y, z) => 3 * x - 2 * y + 5 * z);
    const marks = cross(7, 10, dims);
    const stacked = stackedLesion({ id: "a", image, marks, window: WINDOW, labels: new Map() }, { planes, reach });
    const middle = (planes - 1) / 2;
    expect(stacked.marks).toEqual({ ...marks, slice: middle });
    expect(stacked.image.dims).toEqual([24, 22, planes]);
    const mm = (10 * reach) / middle;
    expect(stacked.image.spacingMm[2]).toBeCloseTo(mm, 9);
    const taps = Math.max(1, mm / spacing);
    for (let plane = 0; plane < planes; plane++) {
      const z = 7 + ((plane - middle) * mm) / spacing;
      if (z - taps < 0 || z + taps > 14) continue;
      const at = (plane * 22 + 4) * 24 + 9;
      // A triangle over several slices has its weights' centre up to some tenth of a slice off its own.
      const tolerance = taps === 1 ? 1e-3 : 0.1 * 5;
      expect(Math.abs(stacked.image.data[at] - (3 * 9 - 2 * 4 + 5 * z)), `plane ${plane}`).toBeLessThan(tolerance);
    }
  });

  it("show the RECIST slice itself in the middle, where they are no coarser than the slices", () => {
    const lesion = ballLesion([24, 24, 9], [1, 1, 3], 7);
    const { image } = stackedLesion(lesion, { planes: 9, reach: 0.8 });
    const [perSlice, perPlane] = [24 * 24, image.data.subarray(4 * 24 * 24, 5 * 24 * 24)];
    expect(perPlane).toEqual(lesion.image.data.subarray(lesion.marks.slice * perSlice, (lesion.marks.slice + 1) * perSlice));
  });

  it("are labelled by what most of them is, and ignored where less than half of them is labelled or in the image", () => {
    const lesion = ballLesion([24, 24, 9], [1, 1, 2], 6, 1, [3, 4, 5]);
    // 3 planes a slice: 4 is the RECIST slice, plane 9 at slice 4, so slice 5 is plane 12, and slice 6 (not labelled) plane 15.
    const { labels, marks } = stackedLesion(lesion, { planes: 19, reach: 0.5 });
    expect(marks.slice).toBe(9);
    const known = [...labels].filter(([, map]) => !map.data.includes(255)).map(([plane]) => plane);
    expect(known).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(labels.get(14)!.data.every((label) => label === 255)).toBe(true);
    for (const [plane, slice] of [[6, 3], [9, 4], [10, 4], [11, 5], [12, 5], [13, 5]] as const) // biome-ignore format: pairs
      expect(labels.get(plane)!.data, `plane ${plane}`).toEqual(lesion.labels.get(slice)!.data);
  });

  property.prop([fc.integer({ min: 1, max: 6 }), fc.double({ min: 0.5, max: 5, noNaN: true })])(
    "lead back to the slices: what is linear across planes is so on the slices, and 0 beyond the stack",
    (half, spacing) => {
      const planes = 2 * half + 1;
      const image = volume(dims, [1, 1, spacing], () => 0);
      const input = stackInput(image, cross(7, 10, dims), WINDOW, preprocessing(planes, 0.9));
      const perPlane = input.size ** 2;
      const output = Float32Array.from({ length: planes * perPlane }, (_, i) => Math.floor(i / perPlane) / planes);
      const step = 9 / half / spacing;
      for (let z = 0; z < 15; z++) {
        const plane = half + (z - 7) / step;
        if (Math.abs(Math.abs(plane - half) - half - 0.5) < 1e-6) continue;
        const isBeyond = plane < -0.5 || plane > planes - 0.5;
        const expected = isBeyond ? 0 : Math.min(Math.max(plane, 0), planes - 1) / planes;
        expect(input.toSlice(output, z).data[10 * 24 + 11]).toBeCloseTo(expected, 5);
      }
    },
  );

  it("are drawn as they are where nothing is changed, and upside down in half of the draws where drawing flips", () => {
    const pre = preprocessing(7, 0.9, 16, [
      "window",
      "relative",
      "relative+1",
      "relative@key",
      "ellipse",
      "ellipsoid",
      "distance",
    ]);
    const kept = keptForTraining(ballLesion([40, 40, 11], [1, 1, 2], 7), pre, augmentationSchema.parse({ from: "image" }));
    const { pixels } = drawnStack(kept, pre, augmentationSchema.parse({ from: "image" }), randomStream(1, "draw"));
    const inputs = planeInputs(kept.image, kept.marks, WINDOW, pre);
    expect(pixels).toHaveLength(7 * 16 * 16 * 7);
    const perPlane = 16 * 16 * 7;
    for (const [plane, input] of inputs.entries())
      for (const [i, value] of input.pixels.entries()) expect(pixels[plane * perPlane + i]).toBeCloseTo(value, 1);
    const flips = augmentationSchema.parse({ from: "image", flip: true });
    // The channel `relative+1` tells up from down.
    const upsideDown = Array.from({ length: 40 }, (_, i) => {
      const drawn = drawnStack(kept, pre, flips, randomStream(i, "draw")).pixels;
      const sum = (plane: number, channel: number): number => {
        let total = 0;
        for (let p = channel; p < perPlane; p += 7) total += drawn[plane * perPlane + p];
        return total;
      };
      return Math.abs(sum(2, 2) - sum(3, 1)) > Math.abs(sum(2, 2) - sum(1, 1));
    });
    expect(upsideDown.filter(Boolean).length).toBeGreaterThan(8);
    expect(upsideDown.filter(Boolean).length).toBeLessThan(32);
  });
});

describe("a network of stacks", () => {
  const flat = networkSpecSchema.parse({ network: "unet", width: 1 / 16, channels: 2 });
  const spec: NetworkSpec = { ...flat, planes: 5 };

  const outputOf = (s: NetworkSpec, weights: Weights, x: Tensor4D): Float32Array =>
    tf.tidy(() => {
      const parameters = new Map(parametersOf(s).map(({ name, shape }) => [name, tf.tensor(weights[name], [...shape])]));
      return createForward(s, parameters, backend)(x).at(-1)!.dataSync<"float32">().slice();
    });
  const noise = (images: number): Tensor4D => {
    const random = randomStream(3, "noise");
    return tf.tensor4d(
      Float32Array.from({ length: images * 16 * 16 * 2 }, () => random.normal()),
      [images, 16, 16, 2],
    );
  };
  /** Kernels across planes that pass on the plane before (0), the plane itself (1) or the one after (2). */
  const passing = (tap: (name: string) => number): Weights =>
    Object.fromEntries(
      parametersOf(spec).map(({ name, shape, layer }) => {
        if (layer.kind !== "across") return [name, initialWeights(flat, 1, "he")[name]];
        const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
        if (name.endsWith("/kernel"))
          for (let c = 0; c < layer.inputs; c++) values[(tap(layer.name) * layer.inputs + c) * layer.outputs + c] = 1;
        return [name, values];
      }),
    );

  it("has a layer across planes after each pair of convolutions below full resolution", () => {
    const across = layersOf(spec).filter(({ kind }) => kind === "across");
    expect(across.map(({ name }) => name)).toEqual(
      ["down2", "down3", "down4", "bottom", "up4", "up3", "up2"].map((name) => `${name}_across`),
    );
    expect(layersOf(spec).filter(({ kind }) => kind !== "across")).toEqual(layersOf(flat));
    expect(parametersOf(spec).find(({ name }) => name === "down2_across/kernel")!.shape).toEqual([3, 1, 8, 8]);
  });

  it("sees every plane as the network of slices does, where its layers across planes pass on the plane itself", () => {
    const x = noise(10);
    expect(outputOf(spec, passing(() => 1), x)).toEqual(outputOf(flat, initialWeights(flat, 1, "he"), x)); // biome-ignore format: one comparison
  });

  it("looks from plane to plane of one stack, and from no stack to another", () => {
    const x = noise(10);
    const plain = outputOf(flat, initialWeights(flat, 1, "he"), x);
    // Only on the last way up: everything before is the plane's own.
    const shifted = passing((name) => (name === "up2_across" ? 0 : 1));
    const changed = tf.tidy(() => {
      const image = x.arraySync();
      image[4] = image[4].map((row) => row.map((pixel) => pixel.map(() => 7)));
      return tf.tensor4d(image);
    });
    const [before, after] = [outputOf(spec, shifted, x), outputOf(spec, shifted, changed)];
    const differs = Array.from({ length: 10 }, (_, plane) =>
      before.subarray(plane * 256, (plane + 1) * 256).some((value, i) => value !== after[plane * 256 + i]),
    );
    // Plane 4 is the last of the first stack: its own skip connection changes it; plane 5 starts the next stack.
    expect(differs).toEqual([false, false, false, false, true, false, false, false, false, false]);
    expect(before.subarray(256, 512)).not.toEqual(plain.subarray(256, 512));
  });

  const channels = ["relative", "ellipsoid"];
  const pre = preprocessing(5, 0.8, 16, channels);
  const trained = { network: "unet", width: 1 / 8, channels: 2, norm: "batch", planes: 5 } as const;
  const options = trainingOptionsSchema.parse({
    seed: 1,
    batch: 4,
    maxEpochs: 12,
    rate: 5e-3,
    validationFraction: 0.2,
    loss: { dice: 0.5 },
    augmentation: { from: "image", flip: true, rotation: "any" },
  });
  const lesions = Array.from({ length: 16 }, (_, i) =>
    keptForTraining(ballLesion([28, 28, 7], [1, 1, 2 + (i % 3)], 4 + (i % 4), i), pre, options.augmentation),
  );
  const samples = lesionTrainingSet(lesions, pre, options);
  const task = { spec: trained, preprocessing: pre, init: initialWeights(trained, 1, "he"), samples, options, backend };

  it("learns to find balls, and frees its memory", { timeout: 120_000 }, async () => {
    const before = tf.memory().numTensors;
    const { weights, history } = await train(task);
    expect(tf.memory().numTensors).toBe(before);
    expect(history.at(-1)!.validationLoss!).toBeLessThan(history[0].validationLoss! / 2);
    const model: Model = { spec: trained, preprocessing: pre, training: null, weights };
    const lesion = ballLesion([30, 30, 9], [1, 1, 2.5], 6, 99);
    const { mask } = await predictVolume(model, backend, lesion, { testTimeFlip: true });
    const truth = Array.from({ length: 9 }, (_, z) => [...lesion.labels.get(z)!.data]).flat();
    const both = truth.reduce((sum, value, i) => sum + value * mask.data[i], 0);
    const all = truth.reduce((sum, value, i) => sum + value + mask.data[i], 0);
    expect((2 * both) / all).toBeGreaterThan(0.85);
    // One look gives all slices: each is what it is alone, or beside others.
    const [alone] = await predictSlices(model, backend, lesion, [5]);
    const [, beside] = await predictSlices(model, backend, lesion, [4, 5, 6]);
    expect(alone.data).toEqual(beside.data);
    // Written and read again.
    const files = encodeModel(model);
    expect(weightsDigest(decodeModel({ ...files }, "model").weights)).toBe(weightsDigest(weights));
  });

  it("goes on from a checkpoint to the same bytes", { timeout: 120_000 }, async () => {
    const short = { ...task, options: { ...options, maxEpochs: 2 } };
    const checkpoints: Buffer[] = [];
    const whole = await train({ ...short, checkpointEverySteps: 2, onCheckpoint: (bytes) => void checkpoints.push(bytes) });
    const resumed = await train({ ...short, resume: checkpoints[1] });
    expect(weightsDigest(resumed.weights)).toBe(weightsDigest(whole.weights));
  });

  it("predicts a stack of a batch as it does alone", async () => {
    const model = { spec: trained, weights: initialWeights(trained, 1, "he") };
    const inputs = lesions.slice(0, 3).map(({ image, marks }) => stackInput(image, marks, WINDOW, pre));
    const [together, alone] = [
      await predict(model, backend, inputs, { batch: 64, flips: true }),
      await predict(model, backend, inputs, { batch: 1, flips: true }),
    ];
    expect(together[0]).toHaveLength(5 * 16 * 16);
    together.forEach((output, i) => output.forEach((value, p) => expect(value).toBeCloseTo(alone[i][p], 5)));
  });

  it("is refused where its planes are not those of the preprocessing", async () => {
    await expect(train({ ...task, spec: { ...trained, planes: 7 } })).rejects.toThrow(InputError);
    const weights = initialWeights(trained, 1);
    const files = encodeModel({ spec: trained, preprocessing: pre, training: null, weights });
    const card = JSON.parse(files["model.json"].toString());
    card.spec.planes = 3;
    expect(() => decodeModel({ ...files, "model.json": Buffer.from(JSON.stringify(card)) }, "model")).toThrow(/3 planes.* 5/);
  });
});
