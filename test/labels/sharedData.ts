import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { components } from "../../methods/imaging/components.ts";
import { readNifti, readNiftiMask } from "../../methods/imaging/nifti.ts";
import { decodeCtPng } from "../../methods/imaging/png16.ts";
import { type HuWindow, type Mask, type Slice, sliceOf, type Volume } from "../../methods/imaging/volume.ts";
import { diametersOfMask } from "../../methods/labels/diameters.ts";
import type { RecistMarks } from "../../methods/labels/recist.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const sharedData = resolve(root, process.env.RECIST3D_SHARED_DATA ?? "../shared/data");
export const hasSharedData = existsSync(join(sharedData, "ct-with-masks"));

/** A real lesion with the marks that a reader with a ruler would have placed on its true mask. */
export interface MaskedLesion {
  readonly name: string;
  readonly image: Volume;
  readonly truth: Mask;
  readonly marks: RecistMarks;
  readonly window: HuWindow;
}

/** The 11 lesions of `ct-with-masks`: components (6 neighbours) of at least 30 voxels. */
export function lesionsWithMasks(): MaskedLesion[] {
  const folder = join(sharedData, "ct-with-masks");
  const lesions: MaskedLesion[] = [];
  for (const name of readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()) {
    const files = readdirSync(join(folder, name), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".nii.gz"))
      .sort();
    const isMask = (file: string): boolean => file.includes("mask");
    const image = readNifti(readFileSync(join(folder, name, files.find((file) => !isMask(file))!)), name);
    for (const file of files.filter(isMask)) {
      const mask = readNiftiMask(readFileSync(join(folder, name, file)), name);
      const { labels, sizes } = components(mask.data, mask.dims, 6);
      sizes.forEach((size, i) => {
        if (size < 30) return;
        const truth = { ...mask, data: Uint8Array.from(labels, (label) => (label === i + 1 ? 1 : 0)) };
        lesions.push(measured(`${name}:${i + 1}`, image, truth));
      });
    }
  }
  return lesions;
}

/** The three lesions of `deeplesion/masks3d`, whose slices are PNG files. */
export function deepLesions(): MaskedLesion[] {
  const folder = join(sharedData, "deeplesion/masks3d");
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const [, series, from] = /^(\d+_\d+_\d+)_(\d+)-/.exec(file)!;
      const truth = readNiftiMask(readFileSync(join(folder, file)), file);
      const [width, height, depth] = truth.dims;
      const data = new Int16Array(width * height * depth);
      for (let z = 0; z < depth; z++) {
        const path = join(sharedData, "deeplesion/Images_png", series, `${String(Number(from) + z).padStart(3, "0")}.png`);
        data.set(decodeCtPng(readFileSync(path), path).data, z * width * height);
      }
      return measured(series, { ...truth, data }, truth);
    });
}

/** Marks on the slice with the largest section; a lung window where the lesion's surroundings are lung. */
function measured(name: string, image: Volume, truth: Mask): MaskedLesion {
  const area = truth.dims[0] * truth.dims[1];
  const sizes = Array.from({ length: truth.dims[2] }, (_, z) =>
    truth.data.subarray(z * area, (z + 1) * area).reduce((sum, v) => sum + v, 0),
  );
  const slice = sizes.indexOf(Math.max(...sizes));
  const section = sliceOf(truth, slice);
  const diameters = diametersOfMask(section, truth.spacingMm)!;
  const hu = sliceOf(image, slice).data;
  const around = grown(section, 6);
  const ring = Array.from(hu.filter((_, p) => section.data[p] === 0 && around[p] === 1));
  return {
    name,
    image,
    truth,
    marks: { slice, ...diameters },
    window: median(ring) < -300 ? { low: -1350, high: 150 } : { low: -160, high: 240 },
  };
}

/** The mask grown by some pixels in city-block distance. */
function grown({ data, width, height }: Slice<Uint8Array>, pixels: number): Uint8Array {
  let mask = data;
  for (let step = 0; step < pixels; step++) {
    const from = mask;
    mask = from.map((value, p) => {
      const x = p % width;
      const y = (p - x) / width;
      return (
        value |
        (x > 0 ? from[p - 1] : 0) |
        (x < width - 1 ? from[p + 1] : 0) |
        (y > 0 ? from[p - width] : 0) |
        (y < height - 1 ? from[p + width] : 0)
      );
    });
  }
  return mask;
}

function median(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

export function dice(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [both, sum] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i] & b[i];
    sum += a[i] + b[i];
  }
  return sum === 0 ? 1 : (2 * both) / sum;
}
