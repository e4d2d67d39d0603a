import path from "node:path";
import { type Background, backgroundOf } from "../../methods/datasets/semiSynthetic/background.ts";
import type { SemiSyntheticOptions } from "../../methods/datasets/semiSynthetic/options.ts";
import { writeNifti, writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { type Grid, type Mask, scalingAffine, type Vec3, type Volume } from "../../methods/imaging/volume.ts";
import { randomStream } from "../../methods/random.ts";
import { put, writeShapes } from "./lymphNodeFolder.ts";

/** An ellipsoid in its tight box, half axes in voxels. */
export function ellipsoid([a, b, c]: Vec3, spacingMm: Vec3): Mask {
  const dims: Vec3 = [2 * Math.floor(a) + 1, 2 * Math.floor(b) + 1, 2 * Math.floor(c) + 1];
  const data = new Uint8Array(dims[0] * dims[1] * dims[2]);
  for (let i = 0; i < data.length; i++) {
    const [x, y, z] = [i % dims[0], Math.floor(i / dims[0]) % dims[1], Math.floor(i / (dims[0] * dims[1]))];
    if (((x - Math.floor(a)) / a) ** 2 + ((y - Math.floor(b)) / b) ** 2 + ((z - Math.floor(c)) / c) ** 2 <= 1) data[i] = 1;
  }
  return { dims, spacingMm, affine: scalingAffine(spacingMm), data };
}

/** Ellipsoids of 18 patients, two each, in three sets; written as an archive they are read back like any other. */
export const shapeRows = Array.from({ length: 36 }, (_, i) => {
  const [set, stem] = (
    [
      ["LiTS", "liver_"],
      ["LIDC-IDRI", "lidcidri_"],
      ["NIH_LN_ABD", "ABD_LYMPH_"],
    ] as const
  )[i % 3];
  const mask = ellipsoid([6 + (i % 5), 5 + (i % 4), 3.2 + (i % 3)], [0.8, 0.8, 2 + (i % 2)]);
  return { set, name: `${stem}${100 + Math.floor(i / 6)}_lesion_0${1 + (Math.floor(i / 3) % 2)}_sample_0`, mask };
});

export function writeShapeFolder(root: string): void {
  const bytes: number[] = [];
  const rows = shapeRows.map(({ set, name, mask: { dims, spacingMm, data } }) => {
    const offset = bytes.length;
    for (let i = 0; i < data.length; i += 8)
      bytes.push(Array.from({ length: 8 }, (_, bit) => (data[i + bit] ?? 0) << (7 - bit)).reduce((a, b) => a | b));
    const voxels = data.reduce((sum, value) => sum + value, 0);
    return { set, name, dims, spacing: spacingMm, voxels, offset, bytes: bytes.length - offset };
  });
  writeShapes(root, rows, Uint8Array.from(bytes));
}

export const ctGrid: Grid = {
  dims: [88, 80, 14],
  spacingMm: [0.75, 0.75, 3],
  affine: [-0.75, 0, 0, 35, 0, -0.75, 0, 30, 0, 0, 3, -90, 0, 0, 0, 1],
};
/** Nothing may be put here. */
export const forbiddenBox = { start: [40, 20, 5], end: [50, 26, 8] } as const;
export const NOISE_HU = 8;

/**
 * A body as wide as an ellipse in air: a rim of fat at −90 HU, soft tissue at 60, a lung at −820 on the left and a bone at
 * 500 HU on the right, all with white noise; below it, apart, a table at 40 HU.
 */
export function tinyCt(seed = 1): Volume {
  const [nx, ny, nz] = ctGrid.dims;
  const random = randomStream(seed, "tiny CT");
  const data = new Int16Array(nx * ny * nz);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [i % nx, Math.floor(i / nx) % ny];
    const within = (cx: number, cy: number, rx: number, ry: number): boolean => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1;
    let hu = -1000;
    if (within(43, 36, 42, 34)) hu = -90;
    if (within(43, 36, 33, 25)) hu = 60;
    if (within(25, 36, 13, 15)) hu = -820;
    if (within(66, 36, 5, 5)) hu = 500;
    if (y >= 74 && y <= 76) hu = 40;
    data[i] = Math.round(hu + NOISE_HU * random.normal());
  }
  return { ...ctGrid, data };
}

export function forbiddenMask(): Uint8Array {
  const [nx, ny, nz] = ctGrid.dims;
  const { start, end } = forbiddenBox;
  return Uint8Array.from({ length: nx * ny * nz }, (_, i) => {
    const at = [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))];
    return at.every((v, axis) => v >= start[axis] && v < end[axis]) ? 1 : 0;
  });
}

export const tinyBackground = (): Background => backgroundOf("tiny", tinyCt(), [forbiddenMask()]);

export function writeBackgroundFolder(root: string): void {
  put(path.join(root, "tiny/CT_image.nii.gz"), writeNifti(tinyCt()));
  put(path.join(root, "tiny/mask_GTV-1.nii.gz"), writeNiftiMask({ ...ctGrid, data: forbiddenMask() }));
}

/** Lesions that fit the tiny CT. */
export const options: SemiSyntheticOptions = {
  lesions: 24,
  seed: 3,
  sets: { LiTS: 1, "LIDC-IDRI": 1, NIH_LN_ABD: 1 },
  testFraction: 0.25,
  longAxisPx: [10, 22],
};
