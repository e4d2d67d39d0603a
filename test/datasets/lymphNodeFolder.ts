import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { writeNifti, writeNiftiMask } from "../../methods/imaging/nifti.ts";
import type { Grid, LabelVolume, Mask, Vec3, Volume } from "../../methods/imaging/volume.ts";
import { dicomSegmentation, dicomSeries } from "./dicomFiles.ts";

/** A node: its voxels in a tight box `[z, y, x]`, and where the box's first voxel lies. */
export interface PlacedNode {
  readonly dims: Vec3;
  readonly data: Uint8Array;
  readonly at: Vec3;
}

/** An ellipsoid with whole semi-axes, its tight box beginning at `at`. */
export function ellipsoid([rx, ry, rz]: Vec3, at: Vec3): PlacedNode {
  const dims: Vec3 = [2 * rx + 1, 2 * ry + 1, 2 * rz + 1];
  const data = Uint8Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) => {
    const [x, y, z] = [i % dims[0], Math.floor(i / dims[0]) % dims[1], Math.floor(i / (dims[0] * dims[1]))];
    return ((x - rx) / rx) ** 2 + ((y - ry) / ry) ** 2 + ((z - rz) / rz) ** 2 <= 1 ? 1 : 0;
  });
  return { dims, data, at };
}

/** Axial as a scanner stores it: x to the left, y to the back, z to the head. */
export function axialGrid(dims: Vec3, spacingMm: Vec3): Grid {
  const [sx, sy, sz] = spacingMm;
  return { dims, spacingMm, affine: [-sx, 0, 0, 90.5, 0, -sy, 0, 140.25, 0, 0, sz, -400, 0, 0, 0, 1] };
}

/** Nodes 1 … n in the order given; where two overlap the later one. */
export function labelVolume(grid: Grid, nodes: readonly PlacedNode[]): LabelVolume {
  const [nx, ny, nz] = grid.dims;
  const data = new Uint8Array(nx * ny * nz);
  for (const [n, { dims, data: voxels, at }] of nodes.entries()) {
    voxels.forEach((value, i) => {
      const [x, y, z] = [i % dims[0], Math.floor(i / dims[0]) % dims[1], Math.floor(i / (dims[0] * dims[1]))];
      if (value !== 0) data[((at[2] + z) * ny + at[1] + y) * nx + at[0] + x] = n + 1;
    });
  }
  return { ...grid, data };
}

/** Room between nodes that are set side by side, and around all of them. */
const ROOM = 6;

/** Nodes side by side on one grid, each with its whole box free, in two rows. */
export function sideBySide(masks: readonly Mask[]): { readonly grid: Grid; readonly nodes: readonly PlacedNode[] } {
  const rows = [masks.filter((_, i) => i % 2 === 0), masks.filter((_, i) => i % 2 === 1)];
  const widths = rows.map((row) => row.reduce((sum, { dims }) => sum + dims[0] + ROOM, ROOM));
  const heights = rows.map((row) => Math.max(0, ...row.map(({ dims }) => dims[1])) + ROOM);
  const depth = Math.max(...masks.map(({ dims }) => dims[2]));
  const x = [ROOM, ROOM];
  const nodes = masks.map(({ dims, data }, i): PlacedNode => {
    const row = i % 2;
    const at: Vec3 = [x[row], row === 0 ? ROOM : ROOM + heights[0], 1 + (i % 3)];
    x[row] += dims[0] + ROOM;
    return { dims, data, at };
  });
  return { grid: axialGrid([Math.max(...widths), ROOM + heights[0] + heights[1], depth + 5], masks[0].spacingMm), nodes };
}

/** CT of the labels: nodes at 60 HU in fat at −90 HU, with a texture that tells every voxel's place. */
export function ctOf({ data, ...grid }: LabelVolume): Volume {
  const [nx, ny] = grid.dims;
  const texture = (i: number): number => ((i % nx) + 3 * (Math.floor(i / nx) % ny) + 7 * Math.floor(i / (nx * ny))) % 20;
  return { ...grid, data: Int16Array.from(data, (label, i) => (label === 0 ? -90 : 60) + texture(i)) };
}

/** The image stored with some axes the other way round, every voxel where it was in the world. */
export function stored<V extends Volume | LabelVolume>(image: V, reversed: readonly [boolean, boolean, boolean]): V {
  const { dims, affine, data } = image;
  const at = (axis: number, v: number): number => (reversed[axis] ? dims[axis] - 1 - v : v);
  const [nx, ny] = dims;
  const turned = data.map(
    (_, i) => data[(at(2, Math.floor(i / (nx * ny))) * ny + at(1, Math.floor(i / nx) % ny)) * nx + at(0, i % nx)],
  );
  const rows = [0, 4, 8].flatMap((row) => [
    ...[0, 1, 2].map((axis) => (reversed[axis] ? -affine[row + axis] : affine[row + axis]) + 0),
    [0, 1, 2].reduce((sum, axis) => sum + (reversed[axis] ? affine[row + axis] * (dims[axis] - 1) : 0), affine[row + 3]),
  ]);
  return { ...image, affine: [...rows, 0, 0, 0, 1], data: turned };
}

/** `<root>/CT Lymph Nodes/<patient>/<study>/<series>/1-001.dcm …` and, in a series of its own, a segmentation. */
export function writeDicomCt(root: string, patient: string, ct: Volume): void {
  const study = path.join(root, "CT Lymph Nodes", patient, `09-14-2014-${patient.replaceAll("_", "")}-abdominallymphnodes-30274`);
  dicomSeries(ct, `61.7.${Number(patient.slice(-3))}`).forEach((file, z) => {
    put(path.join(study, "abdominallymphnodes-15844", `1-${String(z + 1).padStart(3, "0")}.dcm`), file);
  });
  put(path.join(study, "300.000000-Segmentation-99178", "1-1.dcm"), dicomSegmentation("61.8.1"));
}

/** `<root>/volumes/<patient>_0000.nii.gz`. */
export function writeNiftiCt(root: string, patient: string, ct: Volume): void {
  put(path.join(root, "volumes", `${patient}_0000.nii.gz`), writeNifti(ct));
}

/** `<root>/MED_ABD_LYMPH_MASKS/<patient>/<patient>_mask.nii.gz`. */
export function writeNodes(root: string, patient: string, labels: LabelVolume): string {
  const file = path.join(root, "MED_ABD_LYMPH_MASKS", patient, `${patient}_mask.nii.gz`);
  put(file, writeNiftiMask(labels));
  return file;
}

export function put(file: string, bytes: Uint8Array | string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}

/** An archive of shapes as `openLesionShapes` reads it. */
export function writeShapes(folder: string, rows: readonly Record<string, unknown>[], bits: Uint8Array): void {
  put(path.join(folder, "masks_tight_index.json"), JSON.stringify(rows));
  put(path.join(folder, "masks_tight_packbits_zyx.bin.gz"), gzipSync(bits));
}
