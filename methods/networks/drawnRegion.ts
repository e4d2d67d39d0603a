import { intersection, lengthMm, type Point, type RecistMarks } from "../labels/recist.ts";
import type { Random } from "../random.ts";
import type { Augmentation } from "./augment.ts";
import { centreAndLength, type UnmarkedRegion } from "./lesionRegion.ts";

/** The marks as another reader might have drawn them, or, where the draw says so, a place without marks. */
export function drawnRegion(
  marks: RecistMarks,
  { length, lengthShare, shiftPx, shiftShare, absent, boxLength, boxShift, beside = 0 }: Augmentation["marks"],
  random: Random,
): RecistMarks | UnmarkedRegion {
  // Every number is drawn whatever the switches say, so that one switch does not change another's numbers.
  const isAbsent = random.uniform() < absent;
  const stretches = random.uniform() < lengthShare;
  const shifts = random.uniform() < shiftShare;
  const factors = [1 + random.between(-1, 1) * length, 1 + random.between(-1, 1) * length];
  const box = roughBox(marks, { boxLength, boxShift }, random);
  const moves = Array.from({ length: 8 }, () => random.normal());
  // Drawn only where asked for: it came later, and must not change the numbers of trainings that know nothing of it.
  if (beside > 0 && random.uniform() < beside) return placeBeside(marks, box.lengthPx, random);
  if (isAbsent) return box;
  const [ox, oy] = intersection(marks);
  const end = (axis: "long" | "short", which: 0 | 1): Point => {
    const a = axis === "long" ? 0 : 1;
    const k = stretches ? factors[a] : 1;
    const [x, y] = marks[axis][which];
    const at = 4 * a + 2 * which;
    const [dx, dy] = shifts ? [shiftPx * moves[at], shiftPx * moves[at + 1]] : [0, 0];
    return [ox + (x - ox) * k + dx, oy + (y - oy) * k + dy];
  };
  const [long, short] = (["long", "short"] as const).map((axis) => [end(axis, 0), end(axis, 1)] as const);
  const isLonger = lengthMm(long, [1, 1, 1]) >= lengthMm(short, [1, 1, 1]);
  return { slice: marks.slice, ...(isLonger ? { long, short } : { long: short, short: long }) };
}

/** Distance from the lesion's middle, in long diameters: beyond its own edge, and at most so far. */
export const BESIDE = [0.75, 1.5] as const;

/** A place as long as the lesion that does not have it in its middle, in any direction. */
function placeBeside(marks: RecistMarks, length: number, random: Random): UnmarkedRegion {
  const { centre, lengthPx } = centreAndLength(marks);
  const angle = random.between(0, 2 * Math.PI);
  const away = random.between(...BESIDE) * lengthPx;
  const at = [centre[0] + away * Math.cos(angle), centre[1] + away * Math.sin(angle)] as const;
  return { slice: marks.slice, centre: at, lengthPx: length };
}

/** A box around the lesion as someone draws it who does not measure: its side × exp(± `boxLength`), its centre moved by a normal of `boxShift` long diameters. */
export function roughBox(
  marks: RecistMarks,
  { boxLength, boxShift }: Pick<Augmentation["marks"], "boxLength" | "boxShift">,
  random: Random,
): UnmarkedRegion {
  const { centre, lengthPx } = centreAndLength(marks);
  const factor = Math.exp(random.between(-1, 1) * boxLength);
  const sd = boxShift * lengthPx;
  const moved = centre.map((at) => at + sd * random.normal());
  return { slice: marks.slice, centre: [moved[0], moved[1]], lengthPx: lengthPx * factor };
}
