import type { Command } from "commander";
import { components } from "../../methods/imaging/components.ts";
import { planeOf } from "../../methods/imaging/plane.ts";
import type { Mask, Slice, Vec3 } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { diametersOfMask } from "../../methods/labels/diameters.ts";
import { type Axis, lengthMm } from "../../methods/labels/recist.ts";
import { millilitres } from "../../methods/metrics/volume.ts";
import { readMaskFile } from "../maskFile.ts";
import { printJson, say, table } from "../output.ts";

/** One 26-connected component. Its diameters are null where it has no three voxels side by side in a slice. */
export interface MeasuredComponent {
  /** 1 is the largest. */
  readonly component: number;
  /** The slice with the longest diameter of an 8-connected part (k, 0-based); of equal ones the first. */
  readonly slice: number | null;
  readonly longMm: number | null;
  readonly shortMm: number | null;
  /** End points (column, row), 0-based: a marks file's `long` and `short`. */
  readonly long: Axis | null;
  readonly short: Axis | null;
  readonly voxels: number;
  readonly volumeMm3: number;
  readonly volumeMl: number;
}

export interface MeasureDocument {
  readonly mask: string;
  readonly dims: Vec3;
  readonly spacingMm: Vec3;
  readonly components: readonly MeasuredComponent[];
  readonly total: { readonly components: number; readonly voxels: number; readonly volumeMm3: number; readonly volumeMl: number };
}

/**
 * RECIST diameters and volume of every component of a mask file, or of one of its labels.
 *
 * @throws InputError where the file is not a readable NIfTI mask.
 */
export async function measureMask(path: string, label?: number): Promise<MeasureDocument> {
  const mask = await readMaskFile(path, label);
  const plane = planeOf(mask);
  if (plane !== "axial") say(`${path}: its slices are ${plane}, and diameters are measured in them; RECIST's are axial`);
  const measured = measureComponents(mask);
  const voxels = measured.reduce((sum, c) => sum + c.voxels, 0);
  return {
    mask: path,
    dims: mask.dims,
    spacingMm: mask.spacingMm,
    components: measured,
    total: { components: measured.length, voxels, ...volumeOf(voxels, mask.spacingMm) },
  };
}

/** Components from the largest down; of equal ones the one that begins first. */
function measureComponents({ data, dims, spacingMm }: Mask): MeasuredComponent[] {
  const { labels, sizes } = components(data, dims, 26);
  const boxes = boundingBoxes(labels, sizes.length, dims);
  const order = sizes.map((_, n) => n).sort((a, b) => sizes[b] - sizes[a] || a - b);
  return order.map((n, rank) => {
    const longest = longestDiameter(labels, n + 1, boxes[n], dims, spacingMm);
    return { component: rank + 1, ...longest, voxels: sizes[n], ...volumeOf(sizes[n], spacingMm) };
  });
}

type Extent = { low: [number, number, number]; high: [number, number, number] };

function boundingBoxes(labels: Int32Array, count: number, [nx, ny]: Vec3): Extent[] {
  const boxes = Array.from({ length: count }, (): Extent => ({ low: [Infinity, Infinity, Infinity], high: [-1, -1, -1] }));
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    const { low, high } = boxes[labels[i] - 1];
    const x = i % nx;
    const y = ((i - x) / nx) % ny;
    const z = (i - x - y * nx) / (nx * ny);
    low[0] = Math.min(low[0], x);
    low[1] = Math.min(low[1], y);
    low[2] = Math.min(low[2], z);
    high[0] = Math.max(high[0], x);
    high[1] = Math.max(high[1], y);
    high[2] = z;
  }
  return boxes;
}

function longestDiameter(
  labels: Int32Array,
  label: number,
  { low, high }: Extent,
  [nx, ny]: Vec3,
  spacingMm: Vec3,
): Pick<MeasuredComponent, "slice" | "longMm" | "shortMm" | "long" | "short"> {
  const [width, height] = [high[0] - low[0] + 1, high[1] - low[1] + 1];
  const shifted = ([a, b]: Axis): Axis => [
    [a[0] + low[0], a[1] + low[1]],
    [b[0] + low[0], b[1] + low[1]],
  ];
  let longest: ReturnType<typeof longestDiameter> = { slice: null, longMm: null, shortMm: null, long: null, short: null };
  for (let z = low[2]; z <= high[2]; z++) {
    const data = Uint8Array.from({ length: width * height }, (_, i) =>
      labels[(z * ny + low[1] + Math.floor(i / width)) * nx + low[0] + (i % width)] === label ? 1 : 0,
    );
    for (const part of partsOf(data, width, height)) {
      const diameters = diametersOfMask(part, spacingMm);
      if (diameters === null) continue;
      const longMm = lengthMm(diameters.long, spacingMm);
      // The next one must be longer by more than rounding.
      if (longest.longMm !== null && longMm <= longest.longMm * (1 + 1e-12)) continue;
      longest = {
        slice: z,
        longMm,
        shortMm: lengthMm(diameters.short, spacingMm),
        long: shifted(diameters.long),
        short: shifted(diameters.short),
      };
    }
  }
  return longest;
}

/** The 8-connected parts of a section: what touches in other slices only has a gap in this one. */
function partsOf(data: Uint8Array, width: number, height: number): Slice<Uint8Array>[] {
  const { labels, sizes } = components(data, [width, height, 1], 8);
  return sizes.map((_, n) => ({ data: Uint8Array.from(labels, (label) => (label === n + 1 ? 1 : 0)), width, height }));
}

function volumeOf(voxels: number, [sx, sy, sz]: Vec3): { volumeMm3: number; volumeMl: number } {
  const volumeMm3 = voxels * sx * sy * sz;
  return { volumeMm3, volumeMl: millilitres(volumeMm3) };
}

export function register(program: Command): void {
  program
    .command("measure")
    .description("RECIST diameters and volume of every component of a mask")
    .argument("<mask>", "NIfTI mask (.nii or .nii.gz)")
    .option("--label <number>", "of a label map, the label to measure (default: all that is not 0)", labelOption)
    .option("--json", "print one JSON document")
    .action(async (path: string, { json, label }: { json?: boolean; label?: number }) => {
      const document = await measureMask(path, label);
      if (json) printJson(document);
      else process.stdout.write(`${measureText(document)}\n`);
    });
}

function labelOption(text: string): number {
  const label = Number(text);
  if (!/^\d+$/.test(text) || label === 0) throw new InputError(`"${text}" is no label`, "--label", "give a whole number above 0");
  return label;
}

function measureText({ components: measured, total }: MeasureDocument): string {
  if (measured.length === 0) return "the mask is empty";
  const ends = (axis: Axis | null): string =>
    axis === null ? "-" : axis.map(([x, y]) => `(${x.toFixed(1)}, ${y.toFixed(1)})`).join(" ");
  const rows = measured.map((c) => [
    String(c.component),
    c.slice === null ? "-" : String(c.slice),
    c.longMm === null ? "-" : c.longMm.toFixed(1),
    c.shortMm === null ? "-" : c.shortMm.toFixed(1),
    c.volumeMl.toFixed(3),
    ends(c.long),
    ends(c.short),
  ]);
  return `${table([["component", "slice", "long mm", "short mm", "volume ml", "long (column, row)", "short (column, row)"], ...rows])}\ntotal: ${total.components} components, ${total.volumeMl.toFixed(3)} ml`;
}
