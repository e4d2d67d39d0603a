import { scalingAffine } from "../../methods/imaging/volume.ts";
import type { RecistMarks } from "../../methods/labels/recist.ts";
import type { TrainingLesion } from "../../methods/networks/trainingLesion.ts";
import { type TrainingSample, type TrainingSet, trainingSet } from "../../methods/networks/trainingSet.ts";
import { randomStream } from "../../methods/random.ts";

/** A bright or dark ellipse in the middle of noise and distractors, with its true mask. */
export function blob(size: number, seed: number, index: number): { sample: TrainingSample; truth: Uint8Array } {
  const random = randomStream(seed, "blob", index);
  const ellipse =
    (x: number, y: number, a: number, b: number, angle: number) =>
    (px: number, py: number): number => {
      const [dx, dy] = [px - x, py - y];
      return Math.hypot((dx * Math.cos(angle) + dy * Math.sin(angle)) / a, (dy * Math.cos(angle) - dx * Math.sin(angle)) / b);
    };
  const middle = (): number => size / 2 + random.between(-0.03, 0.03) * size;
  const [x, y, a, ratio, angle] = [
    middle(),
    middle(),
    random.between(0.2, 0.27) * size,
    random.between(0.5, 1),
    random.between(0, Math.PI),
  ];
  const lesion = ellipse(x, y, a, a * ratio, angle);
  const labelled = ellipse(
    x + random.normal() * 0.02 * size,
    y + random.normal() * 0.02 * size,
    a * random.between(0.85, 1.15),
    a * ratio * random.between(0.85, 1.15),
    angle + random.between(-0.2, 0.2),
  );
  const background = random.between(-0.3, 0.3);
  const contrast = (random.uniform() < 0.5 ? -1 : 1) * random.between(0.25, 0.6);
  const distractors = Array.from({ length: 4 }, () => ({
    at: ellipse(
      random.between(0, size),
      random.between(0, size),
      random.between(0.06, 0.2) * size,
      random.between(0.06, 0.2) * size,
      random.between(0, Math.PI),
    ),
    contrast: random.between(-0.6, 0.6),
  }));
  const soft = (radius: number): number => 1 / (1 + Math.exp(12 * (radius - 1)));
  const sample = {
    id: `blob-${seed}-${index}`,
    size,
    pixels: new Float32Array(size * size),
    labels: new Uint8Array(size * size),
  };
  const truth = new Uint8Array(size * size);
  for (let i = 0; i < size * size; i++) {
    const [px, py] = [i % size, Math.floor(i / size)];
    const around = distractors.reduce((sum, distractor) => sum + distractor.contrast * soft(distractor.at(px, py)), background);
    const share = soft(lesion(px, py));
    sample.pixels[i] = around * (1 - share) + (background + contrast) * share + 0.15 * random.normal();
    sample.labels[i] = random.uniform() < 0.02 ? 255 : labelled(px, py) < 1 ? 1 : 0;
    truth[i] = lesion(px, py) < 1 ? 1 : 0;
  }
  return { sample, truth };
}

/** `n` blobs with noisy labels: axes off by up to 15 %, shifted, turned, 2 % of pixels ignored. */
export function blobs(n: number, size: number, seed: number): TrainingSet {
  return trainingSet(Array.from({ length: n }, (_, i) => blob(size, seed, i).sample));
}

/** The same as CT of three equal slices, marked by a cross in the middle, with labels on every slice. */
export function markedBlobs(n: number, size: number, seed: number): TrainingLesion[] {
  return Array.from({ length: n }, (_, i) => {
    const { sample } = blob(size, seed, i);
    const slice = Int16Array.from(sample.pixels, (value) => Math.round(40 + 100 * value));
    const data = new Int16Array(3 * slice.length);
    for (let z = 0; z < 3; z++) data.set(slice, z * slice.length);
    const [middle, half] = [(size - 1) / 2, size / 4];
    const marks: RecistMarks = {
      slice: 1,
      long: [
        [middle - half, middle],
        [middle + half, middle],
      ],
      short: [
        [middle, middle - half],
        [middle, middle + half],
      ],
    };
    const labels = { data: sample.labels, width: size, height: size };
    return {
      id: sample.id,
      image: { dims: [size, size, 3], spacingMm: [1, 1, 2], affine: scalingAffine([1, 1, 2]), data },
      marks,
      window: { low: -160, high: 240 },
      labels: new Map([0, 1, 2].map((z) => [z, labels])),
    };
  });
}
