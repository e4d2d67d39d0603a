/** A proposal in one volume: its score, and the reference lesions (by number) that it hits. */
export interface ScoredProposal {
  readonly score: number;
  readonly hits: readonly number[];
}

/** A volume that was searched: what was proposed, and how many lesions it really holds. */
export interface SearchedVolume {
  readonly proposals: readonly ScoredProposal[];
  readonly lesions: number;
}

export interface FrocPoint {
  /** Proposals with at least this score are counted. */
  readonly threshold: number;
  /** Lesions that are hit, as a share of all. */
  readonly sensitivity: number;
  readonly falsePositivesPerVolume: number;
}

export interface Froc {
  /** One point for every distinct score, from the highest. */
  readonly points: readonly FrocPoint[];
  readonly volumes: number;
  readonly lesions: number;
}

/** Rates at which LUNA16 reads the curve; the mean of the sensitivities there is its score. */
export const FALSE_POSITIVE_RATES = [0.125, 0.25, 0.5, 1, 2, 4, 8] as const;

/**
 * Free-response ROC: a proposal that hits no lesion is a false positive, a lesion that any proposal hits is found. Further
 * proposals on a lesion that is found are neither (the convention of LUNA16).
 *
 * @returns null where no volume has a lesion: there is no sensitivity then.
 * @throws RangeError for a hit on a lesion that the volume does not have, or a score that is not finite.
 */
export function froc(volumes: readonly SearchedVolume[]): Froc | null {
  const lesions = volumes.reduce((sum, volume) => sum + volume.lesions, 0);
  if (lesions === 0) return null;
  const all = volumes
    .flatMap(({ proposals, lesions: own }, volume) =>
      proposals.map(({ score, hits }) => {
        if (!Number.isFinite(score)) throw new RangeError(`a score of ${score} cannot be ranked`);
        for (const hit of hits)
          if (!(Number.isInteger(hit) && hit >= 0 && hit < own)) throw new RangeError(`lesion ${hit} is not one of ${own}`);
        return { score, hits: hits.map((hit) => `${volume} ${hit}`) };
      }),
    )
    .sort((a, b) => b.score - a.score);
  const found = new Set<string>();
  const points: FrocPoint[] = [];
  let falsePositives = 0;
  for (const [i, { score, hits }] of all.entries()) {
    if (hits.length === 0) falsePositives++;
    for (const hit of hits) found.add(hit);
    if (i + 1 < all.length && all[i + 1].score === score) continue;
    points.push({
      threshold: score,
      sensitivity: found.size / lesions,
      falsePositivesPerVolume: falsePositives / volumes.length,
    });
  }
  return { points, volumes: volumes.length, lesions };
}

/** The greatest sensitivity with at most so many false positives per volume; 0 where even the best proposals bring more. */
export function sensitivityAt({ points }: Froc, falsePositivesPerVolume: number): number {
  return points.reduce(
    (best, point) =>
      point.falsePositivesPerVolume <= falsePositivesPerVolume && point.sensitivity > best ? point.sensitivity : best,
    0,
  );
}

/** Mean sensitivity at `FALSE_POSITIVE_RATES` (LUNA16's competition performance metric). */
export function meanSensitivity(curve: Froc): number {
  return FALSE_POSITIVE_RATES.reduce((sum, rate) => sum + sensitivityAt(curve, rate), 0) / FALSE_POSITIVE_RATES.length;
}
