import { z } from "zod";
import { IGNORED } from "../labels/trimap.ts";
import type { Random } from "../random.ts";
import type { TrainingSample } from "./trainingSet.ts";

const shareSchema = z.number().min(0).max(1);

/** How marks are redrawn; each is off at its default. */
const marksJitterSchema = z.strictObject({
  /** Each axis × 1 ± this about the intersection, with probability `lengthShare`. */
  length: z.number().min(0).max(0.9).default(0),
  lengthShare: shareSchema.default(1),
  /** Standard deviation of each end point's shift in pixels, with probability `shiftShare`. */
  shiftPx: z.number().min(0).default(0),
  shiftShare: shareSchema.default(1),
  /** Probability that a sample has no marks: they are 0 in its channels, and its crop is drawn around a box. */
  absent: shareSchema.default(0),
  /** Without marks: the box's side is 2 × the long diameter × exp(± this), its centre shifted by a normal of this share of the diameter. */
  boxLength: z.number().min(0).max(1).default(0),
  boxShift: z.number().min(0).max(0.5).default(0),
  /** Probability that a sample shows, without marks, a place beside the lesion (`drawnRegion`), so that the network learns what is none. */
  beside: shareSchema.optional(),
});

/** Random changes of training images; each is off at its default. */
export const augmentationSchema = z.strictObject({
  /** `crop`: the network's input is changed after it was cut. `image`: it is cut anew out of the image, interpolated once, with marks and window changed too. */
  from: z.enum(["crop", "image"]).default("crop"),
  /** Left–right and up–down, each with probability ½. */
  flip: z.boolean().default(false),
  /** By a multiple of 90°, or by any angle. */
  rotation: z.enum(["none", "quarter", "any"]).default("none"),
  /** Largest change of size: factor exp(± scale), uniform in the exponent. */
  scale: z.number().min(0).max(1).default(0),
  /** Largest shift along each axis, as a share of the image's side. */
  translation: z.number().min(0).max(0.5).default(0),
  /** Largest change of an image channel's contrast (× 1 ± gain) and brightness (± shift), and largest standard deviation of added noise. */
  intensity: z
    .strictObject({
      gain: z.number().min(0).max(1).default(0),
      shift: z.number().min(0).default(0),
      noise: z.number().min(0).default(0),
    })
    .prefault({}),
  /** Only where cut anew. */
  marks: marksJitterSchema.prefault({}),
  /** Standard deviation of both ends of the window, as a share of its width; only where cut anew. */
  window: z.number().min(0).max(0.5).default(0),
});
export type Augmentation = z.infer<typeof augmentationSchema>;

/**
 * A sample changed at random. Flips and quarter turns move pixels exactly; other changes interpolate the image linearly
 * and labels by nearest neighbour. From outside, the image's edge is repeated and labels are ignored (255).
 *
 * @param imageChannels for each channel, whether `intensity` changes it (it does not change where the marks are).
 */
export function augmented(
  sample: TrainingSample,
  imageChannels: readonly boolean[],
  options: Augmentation,
  random: Random,
): TrainingSample {
  // Every number is drawn whatever the switches say, so that one switch does not change another's numbers.
  const mirrorX = random.uniform() < 0.5 && options.flip;
  const mirrorY = random.uniform() < 0.5 && options.flip;
  const turn = random.uniform();
  const scale = Math.exp(random.between(-1, 1) * options.scale);
  const shiftX = random.between(-1, 1) * options.translation * sample.size;
  const shiftY = random.between(-1, 1) * options.translation * sample.size;
  const angle = options.rotation === "any" ? 2 * Math.PI * turn : 0;
  const quarters = options.rotation === "quarter" ? Math.floor(4 * turn) : 0;
  const [cos, sin] =
    options.rotation === "any"
      ? [Math.cos(angle), Math.sin(angle)]
      : [
          [1, 0],
          [0, 1],
          [-1, 0],
          [0, -1],
        ][quarters];
  const [a, b, c, d] = [(mirrorX ? -cos : cos) / scale, -sin / scale, (mirrorX ? -sin : sin) / scale, cos / scale];
  const matrix: Matrix = mirrorY ? [a, -b, c, -d] : [a, b, c, d];
  const isExact = options.rotation !== "any" && options.scale === 0 && options.translation === 0;
  const isIdentity = isExact && quarters === 0 && !mirrorX && !mirrorY;
  const moved = isIdentity
    ? { pixels: sample.pixels, labels: sample.labels }
    : transformed(sample, imageChannels.length, matrix, shiftX, shiftY);
  const { gain, shift, noise } = options.intensity;
  const changes = gain > 0 || shift > 0 || noise > 0;
  return {
    ...sample,
    labels: moved.labels,
    pixels: changes ? withIntensity(moved.pixels, imageChannels, options, random) : moved.pixels,
  };
}

/** x′ = a·x + b·y, y′ = c·x + d·y, about the image's centre, from the new image to the old one. */
type Matrix = readonly [a: number, b: number, c: number, d: number];

function transformed(
  { size, pixels, labels }: TrainingSample,
  channels: number,
  [a, b, c, d]: Matrix,
  shiftX: number,
  shiftY: number,
): { pixels: Float32Array; labels: Uint8Array } {
  const movedPixels = new Float32Array(pixels.length);
  const movedLabels = new Uint8Array(labels.length);
  const centre = (size - 1) / 2;
  const clamp = (i: number): number => Math.min(Math.max(i, 0), size - 1);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [dx, dy] = [x - centre, y - centre];
      const sourceX = centre + a * dx + b * dy + shiftX;
      const sourceY = centre + c * dx + d * dy + shiftY;
      const at = y * size + x;
      const [nearX, nearY] = [Math.round(sourceX), Math.round(sourceY)];
      movedLabels[at] = nearX === clamp(nearX) && nearY === clamp(nearY) ? labels[nearY * size + nearX] : IGNORED;
      const [x0, y0] = [Math.floor(sourceX), Math.floor(sourceY)];
      const [fx, fy] = [sourceX - x0, sourceY - y0];
      const corners = [
        clamp(y0) * size + clamp(x0),
        clamp(y0) * size + clamp(x0 + 1),
        clamp(y0 + 1) * size + clamp(x0),
        clamp(y0 + 1) * size + clamp(x0 + 1),
      ];
      for (let k = 0; k < channels; k++) {
        const [p, q, r, s] = [
          pixels[corners[0] * channels + k],
          pixels[corners[1] * channels + k],
          pixels[corners[2] * channels + k],
          pixels[corners[3] * channels + k],
        ];
        movedPixels[at * channels + k] = (1 - fy) * ((1 - fx) * p + fx * q) + fy * ((1 - fx) * r + fx * s);
      }
    }
  }
  return { pixels: movedPixels, labels: movedLabels };
}

function withIntensity(
  pixels: Float32Array,
  imageChannels: readonly boolean[],
  { intensity }: Augmentation,
  random: Random,
): Float32Array {
  const gain = 1 + random.between(-1, 1) * intensity.gain;
  const shift = random.between(-1, 1) * intensity.shift;
  const noise = random.uniform() * intensity.noise;
  return pixels.map((value, i) =>
    imageChannels[i % imageChannels.length] ? value * gain + shift + (noise > 0 ? noise * random.normal() : 0) : value,
  );
}
