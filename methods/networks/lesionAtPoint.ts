import type { HuWindow, Volume } from "../imaging/volume.ts";
import type { LesionPoint } from "../labels/lesionBox.ts";
import type { Backend } from "./backend.ts";
import type { UnmarkedRegion } from "./lesionRegion.ts";
import type { Model } from "./model.ts";
import { predictSlices } from "./predictVolume.ts";
import { type Sighting, sightingAt } from "./sighting.ts";

/** Long diameters that are tried from a point, in mm: a factor of √2 apart, so that none is more than 1.2 times off. */
export const LENGTHS_MM = [8, 11.3, 16, 22.6, 32, 45, 64, 90, 128] as const;
/** A region is replaced by that of its own mask this often; real lesions stand still after two or three times. */
const ROUNDS = 4;
/** Masks that overlap more (Dice) are the same answer. */
const SAME = 0.7;

/** What a network finds at a point when the region that it is shown and the mask that it gives agree. */
export interface LesionAtPoint {
  readonly region: UnmarkedRegion;
  /** Dice of the mask with that of the region before: 1 where the region no longer moves. */
  readonly agreement: number;
  /** Mean Ŷ inside the mask less mean Ŷ around it, up to its half length outside. */
  readonly contrast: number;
  /** Share of the tried lengths that end in this mask. */
  readonly support: number;
}

/**
 * The lesion that holds a point. A network must be told how large the place is that it looks at, so it looks at several
 * sizes; each answer, by its own centre and long diameter, is the place of the next look. Lengths that the network
 * contradicts wander off to others; those that end in one mask support it. The answer with the greatest sum of
 * agreement × contrast over its supporters is taken.
 *
 * @returns null where no mask holds the point.
 */
export async function lesionAtPoint(
  model: Model,
  backend: Backend,
  image: Volume,
  window: HuWindow,
  { slice, at }: LesionPoint,
): Promise<LesionAtPoint | null> {
  const [sx, sy] = image.spacingMm;
  let looks: { region: UnmarkedRegion; before: Sighting | null }[] = LENGTHS_MM.map((mm) => ({
    region: { slice, centre: at, lengthPx: mm / Math.sqrt(sx * sy) },
    before: null,
  }));
  for (let round = 0; round <= ROUNDS; round++) {
    const next: typeof looks = [];
    for (const { region } of looks) {
      const [probability] = await predictSlices(model, backend, { image, marks: region, window }, [slice]);
      const found = sightingAt(probability, slice, at, image.spacingMm);
      if (found !== null) next.push({ region: round === ROUNDS ? region : found.region, before: found });
    }
    if (round === ROUNDS) return best(looks, next);
    looks = next;
  }
  return null;
}

/** `looks` has each region's mask of the round before, `last` the masks of the last round; both in one order, gaps left out. */
function best(looks: readonly { region: UnmarkedRegion; before: Sighting | null }[], last: typeof looks): LesionAtPoint | null {
  const answers = last.map(({ region, before: found }) => {
    const previous = looks.find((look) => look.region === region)?.before;
    return { region, found: found!, agreement: previous ? dice(previous.mask.data, found!.mask.data) : 0 };
  });
  const worth = answers.map(({ agreement, found }) => agreement * Math.max(0, found.contrast));
  const alike = answers.map(({ found }) => answers.map((other) => dice(found.mask.data, other.found.mask.data) > SAME));
  const total = alike.map((same) => same.reduce((sum, is, j) => sum + (is ? worth[j] : 0), 0));
  let winner = -1;
  // Of the winner's supporters the one that stands stillest speaks for all.
  total.forEach((sum, i) => {
    if (winner < 0 || sum > total[winner] + 1e-9 || (sum > total[winner] - 1e-9 && worth[i] > worth[winner])) winner = i;
  });
  if (winner < 0) return null;
  const { region, agreement, found } = answers[winner];
  return { region, agreement, contrast: found.contrast, support: alike[winner].filter(Boolean).length / LENGTHS_MM.length };
}

function dice(a: Uint8Array, b: Uint8Array): number {
  let [both, sum] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i] & b[i];
    sum += a[i] + b[i];
  }
  return sum === 0 ? 1 : (2 * both) / sum;
}
