import { readFile } from "node:fs/promises";
import path from "node:path";
import { cropVolume } from "../imaging/crop.ts";
import { readNiftiLabels } from "../imaging/nifti.ts";
import { openImage } from "../imaging/openImage.ts";
import { checkSameGrid } from "../imaging/sameGrid.ts";
import { turnedTo } from "../imaging/turned.ts";
import type { LabelVolume, Mask, Volume } from "../imaging/volume.ts";
import type { VoxelRange } from "../imaging/voxelRange.ts";
import { InputError } from "../inputError.ts";
import type { Category, LesionCase, VolumeLesions, VolumeSource } from "./lesionCase.ts";
import { findLymphNodes, type LymphNodePatient } from "./lymphNodeFiles.ts";
import { caseOfMask, type MarkNoise } from "./maskedLesion.ts";
import { SOFT_TISSUE } from "./windowOf.ts";

export interface LymphNodesOptions {
  /** Seeds the noise of the marks, together with the lesion's id. */
  readonly seed: number;
  /** Each axis is scaled by its own factor, uniform in 1 ± this, about the marks' intersection. Default 0; the paper's is 0.2. */
  readonly noise?: number;
}

/** Half of a node's voxels lie in this range unless the mask lies beside it: fat, air and bone do not. */
const NODE_HU = { low: -100, high: 300 };
/** How far the third axis may lean from the body's: cosine of 10°. */
const AXIAL = 0.985;

/**
 * TCIA's "CT Lymph Nodes" (Roth et al. 2014, Seff et al. 2014): 90 mediastinal and 86 abdominal CTs, each with a mask in
 * which every node has a number of its own. A node is the lesion `<patient>-<number>`; its marks are measured in its mask
 * (READINGS 13), and other nodes of the patient are background for it. Listing reads no image; an entry is a patient.
 *
 * The published masks lie on the grid of their DICOM series as their headers say (axes to the left, back and head), so
 * headers are trusted. A CT that a converter stored the other way round is met by turning the mask's axes to the CT's as
 * both affines say, with a note; any other difference of the grids is an error. A node whose HU are not a node's carries
 * a note: where many do, a header is wrong.
 *
 * @throws InputError where there is no patient or one has two CTs or masks; `load` where a file is damaged, the grids
 *   differ, or slices are not axial.
 */
export async function openLymphNodes(root: string, { seed, noise = 0 }: LymphNodesOptions): Promise<VolumeSource> {
  if (!(noise >= 0 && noise < 1))
    throw new InputError(`noise of the marks is ${noise}`, undefined, "give a part from 0 to below 1, e.g. 0.2");
  const { patients, skipped } = await findLymphNodes(root);
  return {
    entries: patients.map(({ patient, mask, ct }) => ({
      id: patient,
      patient,
      files: [mask, ...("nifti" in ct ? [ct.nifti] : ct.slices)],
    })),
    skipped,
    load: (index) => loadPatient(root, patients[index], { seed, noise }),
  };
}

async function loadPatient(root: string, { patient, mask, ct }: LymphNodePatient, noise: MarkNoise): Promise<VolumeLesions> {
  const ctPath = path.join(root, "nifti" in ct ? ct.nifti : ct.series);
  const maskPath = path.join(root, mask);
  const { volume, notes: noted } = await openImage(ctPath);
  checkAxial(volume, ctPath);
  const { labels, turned } = turnedTo(volume, readNiftiLabels(await readFile(maskPath), maskPath));
  checkSameGrid(volume, labels, ctPath, maskPath);

  const cases: LesionCase[] = [];
  const skipped: Record<string, number> = {};
  const skip = (reason: string): void => {
    skipped[reason] = (skipped[reason] ?? 0) + 1;
  };
  const ranges = rangesOfLabels(labels);
  if (ranges.size === 0) skip("mask is empty");
  for (const [label, range] of [...ranges].sort(([a], [b]) => a - b)) {
    const node = nodeIn(labels, label, range);
    const notes: string[] = noted.map((note) => `CT: ${note}`);
    if (turned !== "") notes.push(`mask's axes (${turned}) were turned to the CT's, as both affines say`);
    if (!isNodeLike(medianHu(volume, node, range))) notes.push("HU in the mask are not a lymph node's");
    if (range.start[2] === 0 || range.end[2] === volume.dims[2]) notes.push("mask reaches the end of the scan");
    const about = {
      id: `${patient}-${String(label).padStart(2, "0")}`,
      patient,
      category: (patient.startsWith("MED") ? "mediastinum" : "abdomen") satisfies Category,
      // Not the folder: its name may hold dates and numbers of the study.
      series: patient,
      window: SOFT_TISSUE,
      notes,
    } as const;
    const lesionCase = caseOfMask(volume, node, range.start, about, noise);
    if (lesionCase === undefined) skip("node is too thin to have two diameters");
    else cases.push(lesionCase);
  }
  return { cases, skipped };
}

function checkAxial({ affine, spacingMm }: Volume, where: string): void {
  if (Math.abs(affine[10]) >= AXIAL * spacingMm[2]) return;
  throw new InputError("its slices are not axial", where, "RECIST marks are measured on axial slices: reformat the CT");
}

/** The tight range of every label, in one pass over the map. */
function rangesOfLabels({ data, dims: [nx, ny, nz] }: LabelVolume): Map<number, VoxelRange> {
  const ranges = new Map<number, { start: [number, number, number]; end: [number, number, number] }>();
  let i = 0;
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        if (data[i] === 0) continue;
        const range = ranges.get(data[i]);
        if (range === undefined) {
          ranges.set(data[i], { start: [x, y, z], end: [x + 1, y + 1, z + 1] });
          continue;
        }
        const { start, end } = range;
        if (x < start[0]) start[0] = x;
        if (x >= end[0]) end[0] = x + 1;
        if (y < start[1]) start[1] = y;
        if (y >= end[1]) end[1] = y + 1;
        end[2] = z + 1;
      }
    }
  }
  return ranges;
}

function nodeIn(labels: LabelVolume, label: number, { start, end }: VoxelRange): Mask {
  const box = cropVolume(labels, start, end);
  return { ...box, data: box.data.map((value) => (value === label ? 1 : 0)) };
}

function medianHu(volume: Volume, node: Mask, { start, end }: VoxelRange): number {
  const hu = cropVolume(volume, start, end).data;
  const inside: number[] = [];
  for (let i = 0; i < hu.length; i++) if (node.data[i] === 1) inside.push(hu[i]);
  inside.sort((a, b) => a - b);
  return inside[inside.length >> 1];
}

function isNodeLike(hu: number): boolean {
  return hu >= NODE_HU.low && hu <= NODE_HU.high;
}
