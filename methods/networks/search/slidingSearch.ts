import { marksInRange, regionRange } from "../../datasets/lesionCrop.ts";
import { marksOfMask } from "../../datasets/simulatedMarks.ts";
import { bodyMask } from "../../imaging/bodyMask.ts";
import { cropVolume } from "../../imaging/crop.ts";
import { centreOfMass, type PlacedMask, placedTightly, sharedVoxels, voxelsOf } from "../../imaging/placedMask.ts";
import type { Grid, HuWindow, Vec3, Volume } from "../../imaging/volume.ts";
import { InputError } from "../../inputError.ts";
import { lengthMm, type RecistMarks } from "../../labels/recist.ts";
import type { Backend } from "../backend.ts";
import { isDerivedChannel } from "../derivedSlices.ts";
import type { UnmarkedRegion } from "../lesionRegion.ts";
import { type Model, requireWithoutMarks } from "../model.ts";
import { predictVolume } from "../predictVolume.ts";
import { looksAt, type Seen } from "./look.ts";
import { countPlaces, defaultSearchGrid, type SearchGrid, searchPlaces } from "./places.ts";
import { type Ball, sharedShareOfBalls, sharedShareOfMasks, suppressed } from "./suppression.ts";

export interface SearchOptions extends SearchGrid {
  /** Display window; default: lung or soft tissue, place by place. */
  readonly window?: HuWindow;
  /** So many proposals are given at most, the best ones … */
  readonly most: number;
  /** … and none with a lower score. */
  readonly leastScore: number;
  /** Of two proposals that share more than this part of the smaller one, the better one stays. */
  readonly mostShared: number;
}
export const defaultSearch: SearchOptions = { ...defaultSearchGrid, most: 50, leastScore: 0.1, mostShared: 0.3 };

/** What a score is made of, each 0 to 1. */
export interface ScoreParts {
  /** Mean Ŷ inside the 3D mask. */
  readonly probability: number;
  /** Mean Ŷ inside the mask of the slice less mean Ŷ around it. */
  readonly contrast: number;
  /** Dice of that mask with the one of the look before, from whose own centre and length it was looked at. */
  readonly agreement: number;
  /** exp(−log₂²) of the 3D mask's long diameter by the length that the network was shown. */
  readonly plausibility: number;
}

/** A place where a lesion may be, for a person to confirm. */
export interface Proposal {
  /** The product of its parts. It ranks proposals; it is no probability. */
  readonly score: number;
  readonly parts: ScoreParts;
  readonly window: HuWindow;
  /** Grown slice by slice as `predictVolume` does it. */
  readonly mask: PlacedMask;
  /** RECIST marks as measured in the mask, on the volume's grid. */
  readonly marks: RecistMarks;
  /** Centre of mass, in voxels of the volume. */
  readonly centre: Vec3;
}

export interface SearchProgress {
  readonly phase: "looking" | "growing";
  readonly done: number;
  readonly total: number;
}

/** Places that are looked at together: enough to fill forward passes, few enough to stay small in memory. */
const CHUNK = 128;
/** What was seen is thinned out whenever there is so much of it. */
const MOST_SEEN = 4000;
/** Of what is left, so many for each proposal are looked at again and grown. */
const GROWN_PER_PROPOSAL = 2;
/** A place is replaced by that of its own mask this often. */
const ROUNDS = 2;

/**
 * Proposes lesions in a volume. A network is shown every place of the body at several lengths (`searchPlaces`). What it sees
 * in the middle of a place is thinned out by its own ball, looked at again at its own centre and length until it stands
 * still, grown to a 3D mask, measured, and thinned out by its mask. Memory beyond the volume's is bounded.
 *
 * The network must have learned without marks; one that never saw tissue without a lesion will find lesions everywhere.
 *
 * @returns proposals, best first.
 * @throws InputError where the network cannot work without marks, or looks at enhanced slices.
 */
export async function slidingSearch(
  model: Model,
  backend: Backend,
  image: Volume,
  options: SearchOptions = defaultSearch,
  onProgress: (progress: SearchProgress) => void | Promise<void> = () => {},
): Promise<Proposal[]> {
  requireCanSearch(model, "the model");
  const { window, most, leastScore, mostShared } = options;
  const body = bodyMask(image);
  const total = countPlaces(image, body, options);
  const overlap = (a: Candidate, b: Candidate): number => sharedShareOfBalls(a.ball, b.ball);
  let candidates: Candidate[] = [];
  let done = 0;
  for (const places of inChunks(searchPlaces(image, body, options), CHUNK)) {
    await onProgress({ phase: "looking", done, total });
    for (const seen of await looksAt(model, backend, image, places, window)) {
      if (seen === null) continue;
      const candidate = candidateOf(seen, 1, image);
      if (candidate.score >= leastScore) candidates.push(candidate);
    }
    if (candidates.length > MOST_SEEN) candidates = suppressed(candidates, overlap, mostShared, MOST_SEEN / 2);
    done += places.length;
  }
  candidates = suppressed(candidates, overlap, mostShared, most * GROWN_PER_PROPOSAL);
  for (let round = 0; round < ROUNDS; round++) {
    const again: Candidate[] = [];
    for (const chunk of inChunks(candidates, CHUNK)) {
      const looks = await looksAt(model, backend, image, chunk.map(withinSlice(image)), window);
      looks.forEach((seen, i) => {
        if (seen !== null) again.push(candidateOf(seen, dice(seen.mask, chunk[i].seen.mask), image));
      });
    }
    candidates = suppressed(
      again.filter(({ score }) => score >= leastScore),
      overlap,
      mostShared,
    );
  }
  const grown: Proposal[] = [];
  for (const [i, candidate] of candidates.entries()) {
    await onProgress({ phase: "growing", done: i, total: candidates.length });
    const proposal = await grow(model, backend, image, candidate);
    if (proposal !== null && proposal.score >= leastScore) grown.push(proposal);
  }
  return suppressed(grown, (a, b) => sharedShareOfMasks(a.mask, b.mask), mostShared, most);
}

/** @throws InputError where a model cannot be shown places that nobody has marked. */
export function requireCanSearch(model: Pick<Model, "preprocessing" | "training">, where: string): void {
  requireWithoutMarks(model, where);
  if (model.preprocessing.channels.some(isDerivedChannel))
    throw new InputError(
      "looks at slices that a stacked GAN enhances, which are not made for a search",
      where,
      "give a model whose channels show the CT alone",
    );
}

interface Candidate {
  readonly seen: Seen;
  readonly agreement: number;
  readonly ball: Ball;
  readonly score: number;
}

function candidateOf(seen: Seen, agreement: number, { spacingMm: [sx, sy, sz] }: Grid): Candidate {
  const { region, at, probability, contrast } = seen;
  const centreMm = [region.centre[0] * sx, region.centre[1] * sy, region.slice * sz] as const;
  const ball = { centreMm, radiusMm: (region.lengthPx * Math.sqrt(sx * sy)) / 2 };
  const score = scoreOf({ probability, contrast, agreement, plausibility: plausibility(region.lengthPx, at.lengthPx) });
  return { seen, agreement, ball, score };
}

const scoreOf = (parts: ScoreParts): number =>
  parts.probability * Math.max(0, parts.contrast) * parts.agreement * parts.plausibility;
const plausibility = (found: number, shown: number): number => Math.exp(-(Math.log2(found / shown) ** 2));

async function grow(
  model: Model,
  backend: Backend,
  image: Volume,
  { seen: { region, window, contrast }, agreement }: Candidate,
): Promise<Proposal | null> {
  const { spacingMm, dims } = image;
  const range = regionRange(region, spacingMm, dims);
  const [x, y] = region.centre;
  const local = { ...region, slice: region.slice - range.start[2], centre: [x - range.start[0], y - range.start[1]] as const };
  const part = cropVolume(image, range.start, range.end);
  const { mask, probability } = await predictVolume(model, backend, { image: part, marks: local, window });
  const placed = placedTightly(mask, range.start);
  const marks = placed && marksOfMask(placed.mask);
  if (placed === undefined || marks === undefined) return null;
  let inside = 0;
  for (let i = 0; i < mask.data.length; i++) if (mask.data[i] === 1) inside += probability[i];
  const shownMm = region.lengthPx * Math.sqrt(spacingMm[0] * spacingMm[1]);
  const parts: ScoreParts = {
    probability: inside / voxelsOf(placed),
    contrast,
    agreement,
    plausibility: plausibility(lengthMm(marks.long, spacingMm), shownMm),
  };
  const [px, py, pz] = placed.start;
  const onVolume = marksInRange(marks, { start: [-px, -py, -pz] });
  return { score: scoreOf(parts), parts, window, mask: placed, marks: onVolume, centre: centreOfMass(placed) };
}

/** A mask of an odd shape may have its centre outside the slice. */
function withinSlice({ dims }: Grid): (candidate: Candidate) => UnmarkedRegion {
  const clamp = (at: number, n: number): number => Math.min(Math.max(at, 0), n - 1);
  return ({ seen: { region } }) => ({
    ...region,
    centre: [clamp(region.centre[0], dims[0]), clamp(region.centre[1], dims[1])],
  });
}

const dice = (a: PlacedMask, b: PlacedMask): number => (2 * sharedVoxels(a, b)) / (voxelsOf(a) + voxelsOf(b));

function* inChunks<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length === size) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
