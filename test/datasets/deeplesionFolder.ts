import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { encodeCtPng } from "../../methods/imaging/png16.ts";
import { scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";

/** Cells of a row of `DL_info.csv` that a test wants to be special. */
interface InfoRow {
  readonly series?: string;
  readonly keySlice?: number;
  readonly file?: string;
  readonly measurement?: string;
  readonly type?: string;
  readonly noisy?: string;
  readonly range?: string;
  readonly spacing?: string;
  readonly windows?: string;
  readonly age?: string;
  readonly split?: string;
}

const HEADER =
  "File_name,Patient_index,Study_index,Series_ID,Key_slice_index,Measurement_coordinates,Bounding_boxes,Lesion_diameters_Pixel_,Normalized_lesion_location,Coarse_lesion_type,Possibly_noisy,Slice_range,Spacing_mm_px_,Image_size,DICOM_windows,Patient_gender,Patient_age,Train_Val_Test";

export const WIDTH = 48;
export const HEIGHT = 40;

/** A table in DeepLesion's form; a row without wishes has marks of 20 × 10 pixels that cross at (19, 20), 0-based. */
export function infoCsv(rows: readonly InfoRow[]): string {
  const lines = rows.map((row) => {
    const { series = "000007_01_02", keySlice = 4, measurement = "11, 21, 31, 21, 20, 16, 20, 26" } = row;
    const file = row.file ?? `${series}_${String(keySlice).padStart(3, "0")}.png`;
    return [
      file,
      "7",
      "1",
      "2",
      keySlice,
      `"${measurement}"`,
      '"0, 0, 0, 0"',
      '"20, 10"',
      '"0.5, 0.5, 0.5"',
      row.type ?? "3",
      row.noisy ?? "0",
      `"${row.range ?? "1, 8"}"`,
      `"${row.spacing ?? "0.5, 0.5, 5"}"`,
      `"${WIDTH}, ${HEIGHT}"`,
      `"${row.windows ?? "-175, 275"}"`,
      "F",
      row.age ?? "61",
      row.split ?? "3",
    ].join(",");
  });
  return `${[HEADER, ...lines].join("\n")}\n`;
}

/** Slices whose value tells where a pixel came from: HU = 100 · slice + column − row. */
export function writeSlices(root: string, series: string, slices: readonly number[]): void {
  const folder = path.join(root, "Images_png", series);
  mkdirSync(folder, { recursive: true });
  for (const slice of slices) {
    const data = Int16Array.from({ length: WIDTH * HEIGHT }, (_, i) => 100 * slice + (i % WIDTH) - Math.floor(i / WIDTH));
    writeFileSync(
      path.join(folder, `${String(slice).padStart(3, "0")}.png`),
      encodeCtPng({ data, width: WIDTH, height: HEIGHT }),
    );
  }
}

/** A mask file of the slices `first` … `last`, 1 in the given boxes ([x0, y0, slice0], [x1, y1, slice1], ends exclusive). */
export function writeMask(
  root: string,
  series: string,
  first: number,
  last: number,
  boxes: readonly (readonly [Vec3, Vec3])[],
  spacingMm: Vec3 = [0.5, 0.5, 5],
): void {
  const data = new Uint8Array(WIDTH * HEIGHT * (last - first + 1));
  for (const [[x0, y0, s0], [x1, y1, s1]] of boxes) {
    for (let s = s0; s < s1; s++)
      for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) data[((s - first) * HEIGHT + y) * WIDTH + x] = 1;
  }
  const folder = path.join(root, "masks3d");
  mkdirSync(folder, { recursive: true });
  const name = `${series}_${String(first).padStart(3, "0")}-${String(last).padStart(3, "0")}_mask.nii.gz`;
  writeFileSync(
    path.join(folder, name),
    writeNiftiMask({ dims: [WIDTH, HEIGHT, last - first + 1], spacingMm, affine: scalingAffine(spacingMm), data }),
  );
}
