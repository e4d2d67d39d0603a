import { z } from "zod";
import { degraded, noisy } from "../../imaging/degradation.ts";
import type { Slice } from "../../imaging/volume.ts";
import { InputError } from "../../inputError.ts";
import { type Random, randomStream } from "../../random.ts";

const range = (low: number, high: number, first: readonly [number, number]) =>
  z
    .tuple([z.number().min(low).max(high), z.number().min(low).max(high)])
    .refine(([from, to]) => from <= to, "must ascend")
    .default([...first]);

/** How the pairs of a stage are made. The defaults are the paper's (§3.4). */
export const degradationSchema = z.discriminatedUnion("stage", [
  z.strictObject({
    stage: z.literal("denoise"),
    /** Standard deviation of white noise, in grey levels of 255: from (exclusive) to (inclusive). */
    noise: range(0, 255, [0, 50]),
  }),
  z.strictObject({
    stage: z.literal("enhance"),
    /** Down-scale s: [1, 4]. */
    scale: range(1, 16, [1, 4]),
    /** Standard deviation of smoothing in pixels of the down-scaled picture: (0, 3]. */
    smoothing: range(0, 16, [0, 3]),
    /** Contrast compression κ: [1, 3]. */
    contrast: range(1, 16, [1, 3]),
  }),
]);
export type Degradation = z.output<typeof degradationSchema>;
export type Stage = Degradation["stage"];

/** Grey pictures of high quality: bytes 0 … 255, or fractions 0 … 1. */
export interface Picture {
  readonly id: string;
  readonly pixels: Slice<Uint8Array | Float32Array>;
}

/** What crops are drawn from. */
export interface PictureSet {
  readonly photographs: readonly Picture[];
  /** Curated CT slices that are learnt from beside them, and the share of the crops that is drawn from these. */
  readonly slices: readonly Picture[];
  readonly slicesShare: number;
}

/** A crop of high quality and what the degradation makes of it, `[patch, patch]` each, 0 … 1 (the input may lie beyond). */
export interface Pair {
  readonly input: Float32Array;
  readonly target: Float32Array;
}

/** Pair number `index` under (seed, purpose): crop, turn and degradation are drawn from a stream of their own. */
export function drawPair(set: PictureSet, how: Degradation, patch: number, random: Random): Pair {
  const { photographs, slices, slicesShare } = set;
  const pool = slices.length > 0 && random.uniform() < slicesShare ? slices : photographs;
  const picture = pool[random.integer(pool.length)];
  const target = crop(picture, patch, random);
  const input = how.stage === "denoise" ? denoisingInput(target, how, random) : enhancingInput(target, how, random);
  return { input: input.data, target: target.data };
}

/** The pairs of a step: a pure function of its arguments. */
export function drawPairs(
  set: PictureSet,
  how: Degradation,
  { patch, batch, seed }: { patch: number; batch: number; seed: number },
  purpose: string,
  step: number,
): Pair[] {
  return Array.from({ length: batch }, (_, i) => drawPair(set, how, patch, randomStream(seed, purpose, step, i)));
}

/** @throws InputError naming a picture that no patch can be cut from. */
export function checkPictures({ photographs, slices }: PictureSet, patch: number): void {
  if (photographs.length + slices.length === 0) throw new InputError("there is nothing to train on: no pictures");
  for (const { id, pixels } of [...photographs, ...slices])
    if (pixels.width < patch || pixels.height < patch)
      throw new InputError(
        `has ${pixels.width} × ${pixels.height} pixels, too few for a patch of ${patch} × ${patch}`,
        id,
        "choose smaller patches, or leave small pictures out",
      );
}

function denoisingInput(
  target: Slice<Float32Array>,
  { noise: [low, high] }: Extract<Degradation, { stage: "denoise" }>,
  random: Random,
): Slice<Float32Array> {
  return noisy(target, down(low, high, random), random);
}

function enhancingInput(
  target: Slice<Float32Array>,
  { scale, smoothing, contrast }: Extract<Degradation, { stage: "enhance" }>,
  random: Random,
): Slice<Float32Array> {
  return degraded(target, {
    scale: random.between(...scale),
    sigmaPx: down(...smoothing, random),
    contrast: random.between(...contrast),
  });
}

/** Uniform in (low, high]. */
function down(low: number, high: number, random: Random): number {
  return high - (high - low) * random.uniform();
}

/** A square of a picture at a random place, turned by a random multiple of 90° and mirrored or not. */
function crop({ pixels: { data, width, height } }: Picture, patch: number, random: Random): Slice<Float32Array> {
  const left = random.integer(width - patch + 1);
  const top = random.integer(height - patch + 1);
  const [swapped, mirrored, upended] = [random.integer(2), random.integer(2), random.integer(2)];
  const unit = data instanceof Uint8Array ? 1 / 255 : 1;
  const result = new Float32Array(patch * patch);
  const end = patch - 1;
  for (let y = 0; y < patch; y++) {
    for (let x = 0; x < patch; x++) {
      const [u, v] = swapped ? [y, x] : [x, y];
      const column = left + (mirrored ? end - u : u);
      const row = top + (upended ? end - v : v);
      result[y * patch + x] = data[row * width + column] * unit;
    }
  }
  return { data: result, width: patch, height: patch };
}
