/**
 * What marks say about a lesion's shape before its picture is seen, learnt from the manual 3D masks of real lesions
 * with simulated marks, half of them exact, half with ±20 % noise: `npx tsx bench/shapePrior.ts` prints these numbers.
 */

/** Knots of the two curves: marks' radius (`marksRadius`). */
const RADII: readonly number[] = [0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 1.05, 1.15, 1.3, 1.55, 1.95];
/** P(lesion | radius) on the RECIST slice. */
const ON_SLICE: readonly number[] = [0.9814, 0.9765, 0.976, 0.957, 0.8659, 0.6314, 0.3093, 0.0956, 0.0173, 0.0018, 0.0003];
/** P(lesion | radius) on the other slices, where the radius is that of the half ellipsoid that fits the side best. */
const OFF_SLICE: readonly number[] = [0.9705, 0.9545, 0.9219, 0.8256, 0.6687, 0.4751, 0.2626, 0.1319, 0.0491, 0.0119, 0.0022];

/** Half axes along z that a side of a lesion may have, in half long diameters (L/2). */
export const REACHES: readonly number[] = Array.from({ length: 12 }, (_, i) => 0.25 * 1.25 ** i);
/** How often each of them fits a side of a real lesion best. */
export const REACH_WEIGHTS: readonly number[] = [
  0.076, 0.025, 0.044, 0.08, 0.117, 0.155, 0.161, 0.133, 0.091, 0.056, 0.03, 0.032,
];

/** Beyond this radius nothing is lesion. */
export const OUTERMOST_RADIUS = 1.8;

const STEPS = 256;
const onSlice = curve(ON_SLICE);
const offSlice = curve(OFF_SLICE);

/** P(lesion) on the RECIST slice at a marks' radius. */
export const probabilityOnSlice = (radius: number): number => at(onSlice, radius);

/** P(lesion) on another slice at radius √(r² + (dz/c)²), with r the marks' radius and c the side's half axis along z. */
export const probabilityOffSlice = (radius: number): number => at(offSlice, radius);

function at(table: Float64Array, radius: number): number {
  return table[Math.min(table.length - 1, Math.round(radius * STEPS))];
}

/** Probabilities at steps of 1/256 of the radius: log odds are linear between the knots and constant beyond them. */
function curve(probabilities: readonly number[]): Float64Array {
  const logOdds = probabilities.map((p) => Math.log(p / (1 - p)));
  const last = RADII.length - 1;
  return Float64Array.from({ length: Math.ceil(RADII[last] * STEPS) + 1 }, (_, i) => {
    const radius = Math.min(Math.max(i / STEPS, RADII[0]), RADII[last]);
    const upper = Math.max(
      1,
      RADII.findIndex((knot) => knot >= radius),
    );
    const share = (radius - RADII[upper - 1]) / (RADII[upper] - RADII[upper - 1]);
    return 1 / (1 + Math.exp(-(logOdds[upper - 1] * (1 - share) + logOdds[upper] * share)));
  });
}
