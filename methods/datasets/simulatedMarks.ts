import { largestComponent } from "../imaging/components.ts";
import { type Mask, sliceOf } from "../imaging/volume.ts";
import { diametersOfMask } from "../labels/diameters.ts";
import { type Axis, intersection, lengthMm, type Point, type RecistMarks } from "../labels/recist.ts";
import { randomStream } from "../random.ts";

/** The RECIST slice lies this near to the largest section. */
const SLICES_FROM_LARGEST = 2;

/**
 * RECIST marks of a 3D lesion mask (READINGS 13): of the sections within two slices of the largest one, the one with
 * the longest axis; measured in the section's largest part. undefined where no section has two diameters.
 *
 * @param mask one lesion, `[z, y, x]`.
 */
export function marksOfMask(mask: Mask): RecistMarks | undefined {
  const [width, height, depth] = mask.dims;
  const areas = Array.from({ length: depth }, (_, z) =>
    mask.data.subarray(z * width * height, (z + 1) * width * height).reduce((sum, value) => sum + value, 0),
  );
  const largest = areas.indexOf(Math.max(...areas));
  let longest: RecistMarks | undefined;
  for (let z = Math.max(0, largest - SLICES_FROM_LARGEST); z <= Math.min(depth - 1, largest + SLICES_FROM_LARGEST); z++) {
    const section = sliceOf(mask, z);
    const diameters = diametersOfMask(
      { ...section, data: largestComponent(section.data, [width, height, 1], 8) },
      mask.spacingMm,
    );
    if (diameters === null || lengthMm(diameters.short, mask.spacingMm) === 0) continue;
    if (longest === undefined || lengthMm(diameters.long, mask.spacingMm) > lengthMm(longest.long, mask.spacingMm))
      longest = { ...diameters, slice: z };
  }
  return longest;
}

/** Lengthens or shortens each axis about the intersection, by its own factor uniform in 1 ± noise. */
export function withNoise(marks: RecistMarks, noise: number, seed: number, id: string): RecistMarks {
  if (noise === 0) return marks;
  const random = randomStream(seed, `noise of the marks of ${id}`);
  const centre = intersection(marks);
  const scaled = ([p, q]: Axis): Axis => {
    const factor = random.between(1 - noise, 1 + noise);
    const move = ([x, y]: Point): Point => [centre[0] + (x - centre[0]) * factor, centre[1] + (y - centre[1]) * factor];
    return [move(p), move(q)];
  };
  return { slice: marks.slice, long: scaled(marks.long), short: scaled(marks.short) };
}
