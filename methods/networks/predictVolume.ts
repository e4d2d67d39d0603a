import { components } from "../imaging/components.ts";
import { type HuWindow, type Mask, type Slice, sliceOf, type Volume } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";
import { diametersOfMask } from "../labels/diameters.ts";
import { refinement } from "../labels/harvest.ts";
import { priorCutVolume } from "../labels/priorCut.ts";
import { drawnAxes } from "../labels/raster.ts";
import { lengthMm, projectDiameters, type RecistMarks } from "../labels/recist.ts";
import type { Backend } from "./backend.ts";
import { derivedSlices } from "./derivedSlices.ts";
import type { PictureEnhancer } from "./enhancedPictures.ts";
import { isMarked, radiusOf, type UnmarkedRegion } from "./lesionRegion.ts";
import type { Model } from "./model.ts";
import { isOfStacks, stackInput } from "./planeStack.ts";
import { predict } from "./predict.ts";
import { type NetworkInput, networkInput, showsMarks } from "./preprocess.ts";

/** A lesion as the network sees it: at its marks, or at a place without marks. */
export interface MarkedVolume {
  readonly image: Volume;
  readonly marks: RecistMarks | UnmarkedRegion;
  readonly window: HuWindow;
}

export interface VolumePredictionOptions {
  /** Slices up to this distance from the RECIST slice are looked at, in long diameters. */
  readonly extent?: number;
  /** `grabcut`: every slice is refined from the network's output (“-GC”). `prior`: one cut over the volume, as `priorCutVolume` with the network as a witness. */
  readonly postprocess?: "none" | "grabcut" | "prior";
  /** Average over mirror images. */
  readonly testTimeFlip?: boolean;
  /** Least Ŷ of a lesion's pixel. */
  readonly threshold?: number;
  /** `key`: the RECIST slice only, whatever `extent` says. */
  readonly slices?: "key";
  /** For networks whose input shows denoised or enhanced slices. */
  readonly enhancer?: PictureEnhancer;
  /** Without marks, for a network that is shown them: the diameters of what it finds on the region's slice are its marks on the others. */
  readonly measured?: boolean;
}

export interface VolumePrediction {
  readonly mask: Mask;
  /** Ŷ, `[z, y, x]`; 0 where the network did not look. */
  readonly probability: Float32Array;
  /** Slices by how they came about: "network", with GrabCut "grabcut" and "marks-only", with the prior "prior-cut". */
  readonly outcomes: Readonly<Record<string, number>>;
}

/**
 * Ŷ on the given slices, each on the whole slice's grid; 0 outside the network's crop. A network of stacks looks at the
 * lesion once, and slices between two of its planes have something of both.
 *
 * @throws InputError where the network's input needs an enhancer and none is given.
 */
export async function predictSlices(
  model: Model,
  backend: Backend,
  { image, marks, window }: MarkedVolume,
  slices: readonly number[],
  { flips = false, enhancer }: { readonly flips?: boolean; readonly enhancer?: PictureEnhancer } = {},
): Promise<Slice<Float32Array>[]> {
  const { preprocessing } = model;
  if (slices.length === 0) return [];
  if (isOfStacks(preprocessing)) {
    const input = stackInput(image, marks, window, preprocessing);
    const [probability] = await predict(model, backend, [input], { flips });
    return slices.map((z) => input.toSlice(probability, z));
  }
  const inputs: NetworkInput[] = [];
  for (const z of slices) {
    const derived = enhancer && (await derivedSlices(enhancer, image, z, marks, window, preprocessing));
    inputs.push(networkInput(image, z, marks, window, preprocessing, derived));
  }
  const probabilities = await predict(model, backend, inputs, { flips });
  return inputs.map((input, i) => input.toSlice(probabilities[i]));
}

/**
 * Segments a lesion slice by slice: {Ŷ ≥ threshold} on every slice within `extent` long diameters of the RECIST slice, of which
 * the 26-connected component that covers most of the marks is kept (none, where the network finds nothing at the marks),
 * with holes filled in each slice. Without marks it is the component at the centre, else the largest one; a network of
 * slices that is shown marks gives better volumes where it measures its own (`measured`), one of stacks does not. The cut with the
 * shape prior takes all of Ŷ into account, not the thresholded mask; where it leaves nothing, that mask stands.
 *
 * @throws InputError for a refinement without marks.
 */
export async function predictVolume(
  model: Model,
  backend: Backend,
  lesion: MarkedVolume,
  {
    extent = 0.75,
    postprocess = "none",
    testTimeFlip = false,
    threshold = 0.5,
    slices: which,
    enhancer,
    measured = false,
  }: VolumePredictionOptions = {},
): Promise<VolumePrediction> {
  const { image, window } = lesion;
  const [width, height, depth] = image.dims;
  const area = width * height;
  if (postprocess !== "none" && !isMarked(lesion.marks)) {
    const reason = postprocess === "grabcut" ? "GrabCut needs marks for its trimap" : "the shape prior is one of marks";
    throw new InputError(reason, undefined, "leave the refinement out, or give marks");
  }
  const slices = slicesWithin(extent, lesion).filter((z) => which !== "key" || z === lesion.marks.slice);
  const looking = { flips: testTimeFlip, enhancer };
  const { marks, predicted } =
    measured && !isMarked(lesion.marks) && showsMarks(model)
      ? await measuredSlices(model, backend, { ...lesion, marks: lesion.marks }, slices, { ...looking, threshold })
      : { marks: lesion.marks, predicted: await predictSlices(model, backend, lesion, slices, looking) };
  const probability = new Float32Array(area * depth);
  const likely = new Uint8Array(area * depth);
  for (const [i, z] of slices.entries()) {
    probability.set(predicted[i].data, z * area);
    predicted[i].data.forEach((y, p) => {
      if (y >= threshold) likely[z * area + p] = 1;
    });
  }
  const network = componentAtMarks(likely, image, marks);
  const outputs = new Map(slices.map((z, i) => [z, predicted[i]]));
  const cut = postprocess === "prior" && isMarked(marks) ? priorCutVolume(image, marks, window, { network: outputs }) : undefined;
  const isCut = cut?.outcome === "prior-cut";
  const data = isCut ? cut.mask.data : network;
  if (which === "key") data.fill(0, 0, marks.slice * area).fill(0, (marks.slice + 1) * area);
  const outcomes: Record<string, number> = {};
  for (let z = 0; z < depth; z++) {
    const slice = data.subarray(z * area, (z + 1) * area);
    if (!slice.includes(1)) continue;
    let outcome: string = isCut ? "prior-cut" : "network";
    if (postprocess === "grabcut" && isMarked(marks)) {
      const projected = projectDiameters(marks, (z - marks.slice) * image.spacingMm[2], image.spacingMm);
      const refined = refinement(sliceOf(image, z), outputs.get(z)!, projected, window);
      slice.set(refined.mask);
      outcome = refined.outcome;
    }
    fillHoles(slice, width, height);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  const mask = {
    dims: image.dims,
    spacingMm: image.spacingMm,
    affine: image.affine,
    data: postprocess === "grabcut" ? componentAtMarks(data, image, marks) : data,
  };
  return { mask, probability, outcomes };
}

/** Slices up to `extent` long diameters from that of the marks. */
function slicesWithin(extent: number, { image: { dims, spacingMm }, marks }: MarkedVolume): number[] {
  const reachMm = extent * (isMarked(marks) ? lengthMm(marks.long, spacingMm) : marks.lengthPx * spacingMm[0]);
  return Array.from({ length: dims[2] }, (_, z) => z).filter((z) => Math.abs(z - marks.slice) * spacingMm[2] <= reachMm);
}

/**
 * Ŷ on the given slices of a lesion without marks: on the region's own slice without marks, on the others with the
 * diameters of what was found there, as a reader would have drawn them. Where nothing was found, without marks on all.
 */
async function measuredSlices(
  model: Model,
  backend: Backend,
  lesion: MarkedVolume & { readonly marks: UnmarkedRegion },
  slices: readonly number[],
  { threshold, ...looking }: { readonly threshold: number } & Parameters<typeof predictSlices>[4],
): Promise<{ marks: MarkedVolume["marks"]; predicted: Slice<Float32Array>[] }> {
  const { image, marks: region } = lesion;
  const [key] = await predictSlices(model, backend, lesion, [region.slice], looking);
  const grid = { ...image, dims: [key.width, key.height, 1] } as const;
  const likely = Uint8Array.from(key.data, (y) => (y >= threshold ? 1 : 0));
  const found = componentAtMarks(likely, grid, { ...region, slice: 0 });
  const diameters = diametersOfMask({ ...key, data: found }, image.spacingMm);
  const isMeasured = diameters !== null && lengthMm(diameters.short, image.spacingMm) > 0;
  const marks = isMeasured ? { slice: region.slice, ...diameters } : region;
  const others = slices.filter((z) => z !== region.slice);
  const predicted = await predictSlices(model, backend, { ...lesion, marks }, others, looking);
  return { marks, predicted: slices.map((z) => (z === region.slice ? key : predicted[others.indexOf(z)])) };
}

/**
 * The 26-connected component that covers most pixels of the marks on the RECIST slice (without marks, of the disc of
 * half the length); where none touches them, all 0 (without marks, the largest component).
 */
function componentAtMarks(mask: Uint8Array, { dims }: Pick<Volume, "dims">, marks: RecistMarks | UnmarkedRegion): Uint8Array {
  const [width, height] = dims;
  const { labels, sizes } = components(mask, dims, 26);
  const radius = radiusOf(marks);
  const drawn = isMarked(marks)
    ? drawnAxes(marks, width, height)
    : Uint8Array.from({ length: width * height }, (_, p) => (radius(p % width, Math.floor(p / width)) < 0.5 ? 1 : 0));
  const covered = new Map<number, number>();
  drawn.forEach((onMarks, p) => {
    const label = labels[marks.slice * width * height + p];
    if (onMarks === 1 && label !== 0) covered.set(label, (covered.get(label) ?? 0) + 1);
  });
  const largest = isMarked(marks) ? -1 : sizes.indexOf(Math.max(...sizes)) + 1;
  const [best] = [...covered].sort(([a, m], [b, n]) => n - m || a - b)[0] ?? [largest || -1];
  return Uint8Array.from(labels, (label) => (label === best ? 1 : 0));
}

/** Fills what a mask encloses on its slice, in place: background that is not 4-connected to the slice's edge. */
function fillHoles(mask: Uint8Array, width: number, height: number): void {
  const { labels } = components(
    mask.map((value) => 1 - value),
    [width, height, 1],
    4,
  );
  const open = new Set<number>();
  for (let x = 0; x < width; x++) open.add(labels[x]).add(labels[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) open.add(labels[y * width]).add(labels[y * width + width - 1]);
  labels.forEach((label, p) => {
    if (label !== 0 && !open.has(label)) mask[p] = 1;
  });
}
