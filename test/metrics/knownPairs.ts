import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { drawDeadLeaves } from "../../methods/datasets/deadLeaves.ts";
import { degraded, noisy } from "../../methods/imaging/degradation.ts";
import { blurInPlane } from "../../methods/imaging/gaussian.ts";
import { readNifti } from "../../methods/imaging/nifti.ts";
import { decodePhotograph } from "../../methods/imaging/photograph.ts";
import { resizeAntialiased } from "../../methods/imaging/resample.ts";
import { type Slice, sliceOf } from "../../methods/imaging/volume.ts";
import { applyWindow } from "../../methods/imaging/window.ts";
import { bicubicallyEnhanced } from "../../methods/labels/enhancedSlice.ts";
import { type Random, randomStream } from "../../methods/random.ts";
import { deepLesions, lesionsWithMasks, sharedData } from "../labels/sharedData.ts";

/** A picture of high quality and what our degradation (§3.4) leaves of it, as a policy sees it. */
export interface KnownPair {
  readonly name: string;
  readonly kind: "photograph" | "CT" | "drawing";
  /** The true picture, 0 … 1. */
  readonly truth: Slice<Float32Array>;
  /** X0, in its own pixels. */
  readonly small: Slice<Float32Array>;
  /** X0 enlarged to the grid of the truth. */
  readonly original: Slice<Float32Array>;
  readonly zoom: number;
}

const SIDE = 128;
export type KnownPicture = Pick<KnownPair, "name" | "kind" | "truth">;

/** Dead leaves, where no photographs are at hand. */
export function drawings(count: number): KnownPicture[] {
  return Array.from({ length: count }, (_, i) => {
    const { data, width, height } = drawDeadLeaves(SIDE, 5, i);
    return { name: `drawing ${i}`, kind: "drawing", truth: { data: Float32Array.from(data, (v) => v / 255), width, height } };
  });
}

/** `SIDE`² pixels out of the middle of each photograph in a folder of BSDS500. */
export async function photographs(part: "train" | "test"): Promise<KnownPicture[]> {
  const folder = path.join(sharedData, "natural-images/BSDS500", part);
  if (!existsSync(folder)) return [];
  const read = async (name: string): Promise<KnownPicture> => {
    const { data, width, height } = await decodePhotograph(readFileSync(path.join(folder, name)), name);
    const grey = { data: Float32Array.from(data, (v) => v / 255), width, height };
    return { name, kind: "photograph", truth: square(grey, width / 2, height / 2) };
  };
  return Promise.all(readdirSync(folder).sort().map(read));
}

/** `SIDE`² pixels around real lesions, and around drawn places in the soft tissue and lungs of the background volumes. */
export function ctSlices(): KnownPicture[] {
  const around = [...lesionsWithMasks(), ...deepLesions()].flatMap(({ name, image, marks, window }): KnownPicture[] => {
    if (image.dims[0] < SIDE || image.dims[1] < SIDE) return [];
    const [[x0, y0], [x1, y1]] = marks.long;
    const slice = applyWindow(sliceOf(image, marks.slice), window);
    return [{ name, kind: "CT", truth: square(slice, (x0 + x1) / 2, (y0 + y1) / 2) }];
  });
  const folder = path.join(sharedData, "ct-background");
  const elsewhere = readdirSync(folder).flatMap((name) => {
    const file = readdirSync(path.join(folder, name)).find((entry) => entry.startsWith("CT"))!;
    const image = readNifti(readFileSync(path.join(folder, name, file)), name);
    const random = randomStream(1, "places in background CT");
    const lung = name.startsWith("NSCLC");
    const window = lung ? { low: -1350, high: 150 } : { low: -160, high: 240 };
    return Array.from({ length: 12 }, (_, i): KnownPicture => {
      const z = Math.round(image.dims[2] * random.between(0.2, 0.8));
      const at = (side: number): number => side * random.between(0.35, 0.65);
      return {
        name: `${name}:${i}`,
        kind: "CT",
        truth: square(applyWindow(sliceOf(image, z), window), at(image.dims[0]), at(image.dims[1])),
      };
    });
  });
  return [...around, ...elsewhere];
}

function square({ data, width, height }: Slice, x: number, y: number): Slice<Float32Array> {
  const left = Math.min(Math.max(Math.round(x) - SIDE / 2, 0), width - SIDE);
  const top = Math.min(Math.max(Math.round(y) - SIDE / 2, 0), height - SIDE);
  const part = new Float32Array(SIDE * SIDE);
  for (let row = 0; row < SIDE; row++)
    part.set(data.subarray((top + row) * width + left, (top + row) * width + left + SIDE), row * SIDE);
  return { data: part, width: SIDE, height: SIDE };
}

/** Degraded as §3.4 draws it, brought to the pixels of a slice at a zoom from 2 to 4, with noise of up to `noise` grey levels of 255. */
export function degradedPair({ name, kind, truth }: KnownPicture, draw: number, noise: number): KnownPair {
  const random = randomStream(7, `degradation of ${name}`, draw);
  const zoom = 2 + random.integer(3);
  const loss = { scale: random.between(1, zoom), sigmaPx: random.between(0, 2), contrast: random.between(1, 3) };
  const bad = degraded(truth, loss);
  const side = Math.round(SIDE / zoom);
  const clean = resizeAntialiased(bad, side, side);
  const small = noise === 0 ? clean : noisy(clean, random.between(0, noise), random);
  const original = sized(bicubicallyEnhanced(small, SIDE / side));
  return { name, kind, truth, small, original, zoom: SIDE / side };
}

function sized(picture: Slice<Float32Array>): Slice<Float32Array> {
  if (picture.width !== SIDE || picture.height !== SIDE) throw new RangeError(`${picture.width} × ${picture.height}`);
  return picture;
}

/** What may have been made of an original, by name. Grey values are cut to 0 … 1 as those of an enhancer. */
export function candidates(pair: KnownPair): Record<string, Slice<Float32Array>> {
  const { original, truth, zoom, name } = pair;
  const random = randomStream(7, `candidates of ${name}`);
  const spots = spotted(random, zoom);
  const low = blurred(original, zoom);
  const soft = blurred(truth, 1.5);
  const towards = matched(original, truth);
  return {
    unchanged: original,
    "contrast × 1.5": made(original, (v) => 0.5 + 1.5 * (v - 0.5)),
    "contrast × 0.7": made(original, (v) => 0.5 + 0.7 * (v - 0.5)),
    ...Object.fromEntries([0.5, 1, 2].map((s) => [`blur ${s} px`, blurred(original, s * zoom)])),
    ...Object.fromEntries([0.5, 1, 2, 4, 8].map((a) => [`unsharp ${a}`, made(original, (v, i) => v + a * (v - low.data[i]))])),
    ...Object.fromEntries(
      [0.25, 0.5, 0.75].map((t) => [`restored ${t}`, made(original, (_, i) => (1 - t) * towards.data[i] + t * truth.data[i])]),
    ),
    truth,
    "half-restored, contrast of the original": made(matched(truth, original), (v, i) => 0.5 * v + 0.5 * original.data[i]),
    ...Object.fromEntries([5, 15].map((s) => [`truth, noise ${s}`, made(noisy(truth, s, random), (v) => v)])),
    "unchanged, noise 10": made(noisy(original, 10, random), (v) => v),
    "truth, checkerboard": made(truth, (v, i) => v + 0.04 * checker(i)),
    "unchanged, checkerboard": made(original, (v, i) => v + 0.03 * checker(i)),
    "truth, blobs": made(truth, (v, i) => v + 0.15 * spots[i]),
    "unchanged, blobs": made(original, (v, i) => v + 0.15 * spots[i]),
    "truth, ringing": made(truth, (v, i) => v + 1.5 * (v - soft.data[i])),
  };
}

const checker = (i: number): number => (((i % SIDE) + Math.floor(i / SIDE)) % 2 === 0 ? 1 : -1);

/** Eight bright or dark round spots, 1.5 pixels of the slice in radius. */
function spotted(random: Random, zoom: number): Float32Array {
  const spots = new Float32Array(SIDE * SIDE);
  const radius = 1.5 * zoom;
  for (let spot = 0; spot < 8; spot++) {
    const [x, y, sign] = [random.integer(SIDE), random.integer(SIDE), spot % 2 === 0 ? 1 : -1];
    for (let i = 0; i < spots.length; i++) if (Math.hypot((i % SIDE) - x, Math.floor(i / SIDE) - y) <= radius) spots[i] = sign;
  }
  blurInPlane(spots, [SIDE, SIDE, 1], 1, "repeated");
  return spots;
}

function made({ data, ...size }: Slice<Float32Array>, change: (value: number, i: number) => number): Slice<Float32Array> {
  return { ...size, data: data.map((value, i) => Math.min(Math.max(change(value, i), 0), 1)) };
}

export function blurred({ data, width, height }: Slice<Float32Array>, sigmaPx: number): Slice<Float32Array> {
  const copy = data.slice();
  blurInPlane(copy, [width, height, 1], sigmaPx, "repeated");
  return { data: copy, width, height };
}

/** a · picture + b with the least squares to the other: contrast and brightness apart. */
export function matched(picture: Slice<Float32Array>, to: Slice<Float32Array>): Slice<Float32Array> {
  const mean = (values: Float32Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [mp, mt] = [mean(picture.data), mean(to.data)];
  let [both, own] = [0, 0];
  for (let i = 0; i < picture.data.length; i++) {
    both += (picture.data[i] - mp) * (to.data[i] - mt);
    own += (picture.data[i] - mp) ** 2;
  }
  const slope = own === 0 ? 0 : both / own;
  return { ...picture, data: picture.data.map((v) => mt + slope * (v - mp)) };
}
