import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { encodeCtPng } from "../../methods/imaging/png16.ts";
import { scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";
import { type Random, randomStream } from "../../methods/random.ts";

const SIDE = 64;
const SLICES = 12;
const SPACING_MM: Vec3 = [0.8, 0.8, 5];
/** Centres of a series' lesions, x, y, and the slice on which each is marked, from 1. */
const PLACES = [4, 9].flatMap((keySlice) => [16, 48].flatMap((x) => [16, 48].map((y) => ({ x, y, keySlice }))));
const HEADER =
  "File_name,Key_slice_index,Measurement_coordinates,Coarse_lesion_type,Possibly_noisy,Slice_range,Spacing_mm_px_,Image_size,DICOM_windows,Train_Val_Test";

interface SmallLesion {
  readonly x: number;
  readonly y: number;
  readonly keySlice: number;
  /** Half axes in pixels, along x and along y. */
  readonly a: number;
  readonly b: number;
}

/**
 * A folder in DeepLesion's form with as many rows as asked for: series of 12 small slices with eight bright ellipsoids each,
 * all with a 3D mask. Says nothing about segmentation; it is for what grows with the number of lesions.
 */
export function writeSmallDeepLesion(root: string, lesions: number): void {
  const rows: string[] = [];
  for (let series = 0; rows.length < lesions; series++) {
    const random = randomStream(1, "small DeepLesion", series);
    const name = `${String((series >> 1) + 1).padStart(6, "0")}_01_${String((series & 1) + 1).padStart(2, "0")}`;
    const own = PLACES.slice(0, lesions - rows.length).map((place): SmallLesion => {
      const a = 5 + 4 * random.uniform();
      return { ...place, a, b: a * (0.6 + 0.35 * random.uniform()) };
    });
    const mask = maskOf(own);
    writeSeries(path.join(root, "Images_png", name), mask, random);
    mkdirSync(path.join(root, "masks3d"), { recursive: true });
    const bytes = writeNiftiMask({
      dims: [SIDE, SIDE, SLICES],
      spacingMm: SPACING_MM,
      affine: scalingAffine(SPACING_MM),
      data: mask,
    });
    writeFileSync(path.join(root, "masks3d", `${name}_001-${String(SLICES).padStart(3, "0")}_mask.nii.gz`), bytes);
    rows.push(...own.map((lesion) => rowOf(name, lesion, (series >> 1) % 5 === 0 ? 3 : 1)));
  }
  writeFileSync(path.join(root, "DL_info.csv"), `${[HEADER, ...rows].join("\n")}\n`);
}

/** An ellipse on the key slice and a smaller one on either side. */
function maskOf(lesions: readonly SmallLesion[]): Uint8Array {
  const mask = new Uint8Array(SIDE * SIDE * SLICES);
  for (const { x, y, keySlice, a, b } of lesions) {
    for (const [dz, share] of [
      [-1, 0.7],
      [0, 1],
      [1, 0.7],
    ]) {
      for (let i = 0; i < SIDE * SIDE; i++) {
        const inside = (((i % SIDE) - x) / (share * a)) ** 2 + ((Math.floor(i / SIDE) - y) / (share * b)) ** 2 <= 1;
        if (inside) mask[(keySlice - 1 + dz) * SIDE * SIDE + i] = 1;
      }
    }
  }
  return mask;
}

function writeSeries(folder: string, mask: Uint8Array, random: Random): void {
  mkdirSync(folder, { recursive: true });
  for (let slice = 0; slice < SLICES; slice++) {
    const data = Int16Array.from({ length: SIDE * SIDE }, (_, i) =>
      Math.round(20 + 80 * mask[slice * SIDE * SIDE + i] + 40 * (random.uniform() - 0.5)),
    );
    writeFileSync(
      path.join(folder, `${String(slice + 1).padStart(3, "0")}.png`),
      encodeCtPng({ data, width: SIDE, height: SIDE }),
    );
  }
}

function rowOf(series: string, { x, y, keySlice, a, b }: SmallLesion, split: number): string {
  const marks = [x - a, y, x + a, y, x, y - b, x, y + b].map((value) => (value + 1).toFixed(3)).join(", ");
  const file = `${series}_${String(keySlice).padStart(3, "0")}.png`;
  const size = `"${SIDE}, ${SIDE}"`;
  return [file, keySlice, `"${marks}"`, 4, 0, `"1, ${SLICES}"`, `"${SPACING_MM.join(", ")}"`, size, '"-175, 275"', split].join(
    ",",
  );
}
