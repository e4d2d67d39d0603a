import type { Mask, Vec3 } from "../../imaging/volume.ts";
import { InputError } from "../../inputError.ts";
import { type Random, randomStream } from "../../random.ts";
import type { FollowUp, LesionCase, VolumeLesions, VolumeSource } from "../lesionCase.ts";
import { choiceOf, shapeOf } from "../semiSynthetic.ts";
import { type Material, openMaterial } from "./material.ts";
import { checkOptions, type SemiSyntheticOptions } from "./options.ts";
import { paintedCase } from "./painting.ts";
import type { Pose } from "./partialVolume.ts";
import { drawTissue, type Placed, placed, placedAt } from "./placement.ts";
import { drawLength, drawPose, longMmOf, posed } from "./pose.ts";
import type { ShapeChoice } from "./shapeChoice.ts";

/** How constructed lesions change. `SemiSyntheticOptions.lesions` is the number of lesions, each at every time point. */
export interface CourseOptions extends Omit<SemiSyntheticOptions, "cutBoneAndAir"> {
  /** Time points after the first one. Default 1. */
  readonly followUps?: number;
  /** Days between time points. Default 56. */
  readonly intervalDays?: number;
  /** Smallest and largest factor of the volume from one time point to the next; log-uniform between them. Default 0.3 to 3. */
  readonly growth?: readonly [number, number];
  /** Each axis grows by up to this more or less than the others (in logarithms), the volume's factor kept. Default 0.15. */
  readonly unevenness?: number;
  /** Share of the lesions that do not change, for repeatability. Default 0.2. */
  readonly stable?: number;
}

const ATTEMPTS = 200;
/** A patient does not lie twice the same: turned by so much (radians), moved by so many pixels. */
const TURN = 0.15;
const MOVE_PX = 3;
const PLACES = 12;
/** Long axes that a follow-up may have, pixels. */
const FOLLOW_UP_PX = [7, 130] as const;
const HU_SD = 6;

/**
 * Constructed courses: lesions `course-00000` … at two or more time points, made as those of `openSemiSynthetic` and then grown
 * or shrunk by known factors in the same place of the same CT, slightly turned and moved, painted and marked anew. Nothing
 * else of the CT changes, so that noise and surroundings are more alike than in two scans of a patient.
 *
 * @throws InputError where an option is out of range or files cannot be understood.
 */
export async function openConstructedCourses(
  folders: { readonly shapes: string; readonly backgrounds: string },
  options: CourseOptions,
): Promise<VolumeSource> {
  checkOptions(options);
  const { shapes, files, backgrounds } = await openMaterial(folders);
  const choice = choiceOf(shapes, options);
  return {
    entries: Array.from({ length: options.lesions }, (_, index) => ({ ...entryOf(index, shapes, choice, options), files })),
    skipped: {},
    load: async (index) => constructedCourse(index, { shapes, backgrounds: await backgrounds() }, options, choice),
  };
}

/** One lesion at all its time points, a pure function of (seed, index, options, material). */
export function constructedCourse(
  index: number,
  material: Material,
  options: CourseOptions,
  choice: ShapeChoice = choiceOf(material.shapes, options),
): VolumeLesions {
  const { seed, intervalDays = 56, longAxisPx } = options;
  const { id, patient, officialSplit } = entryOf(index, material.shapes, choice, options);
  const number = shapeOf(index, choice, options);
  const { set, name } = material.shapes.entries[number];
  const mask = material.shapes.load(number);
  const shapeLongMm = longMmOf(mask);
  const growth = drawGrowth(randomStream(seed, "growth of the constructed course", index), options);
  const painting = { ...options, cutBoneAndAir: false };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const random = randomStream(seed, "constructed course", index, attempt);
    const { tissue, background } = drawTissue(random, material.backgrounds);
    const longPx = drawLength(random, mask, shapeLongMm, background.spacingMm, options);
    const pose = drawPose(random, shapeLongMm, longPx, background.spacingMm, options);
    const lesion = placed(random, background, tissue, posed(mask, pose, longPx, background.spacingMm), false);
    if (lesion === undefined) continue;
    const common = { patient, officialSplit, set, name };
    const first = paintedCase(
      { ...common, id: `${id}-0`, random, lesion, longPx },
      material,
      painting,
      choice,
      longAxisPx ?? [0, Infinity],
    );
    if (first === undefined) continue;
    const meanHu = meanWithin(first);
    const cases: LesionCase[] = [{ ...first, followUp: followUpOf(id, 0, 0, 1) }];
    for (const [k, { factor, axes }] of growth.entries()) {
      const again = randomStream(seed, "follow-up of the constructed course", index, attempt, k);
      const grownPx = longPx * factor ** (1 / 3);
      const there = placedAgain(again, lesion, mask, grown(again, pose, axes), grownPx);
      const next =
        there &&
        paintedCase(
          { ...common, id: `${id}-${k + 1}`, random: again, lesion: there, longPx: grownPx },
          material,
          painting,
          choice,
          FOLLOW_UP_PX,
          meanHu + HU_SD * again.normal(),
        );
      if (!next) break;
      cases.push({ ...next, category: first.category, followUp: followUpOf(id, k + 1, (k + 1) * intervalDays, factor) });
    }
    if (cases.length === growth.length + 1) return { cases, skipped: {} };
  }
  throw new InputError(
    `no place was found for ${set}/${name} at every time point in ${ATTEMPTS} attempts`,
    id,
    "give larger backgrounds, a shorter longAxisPx or less growth",
  );
}

/** For every follow-up: the factor of the volume since the first time point, and of each axis. */
function drawGrowth(
  random: Random,
  { followUps = 1, growth: [least, most] = [0.3, 3], unevenness = 0.15, stable = 0.2 }: CourseOptions,
): { factor: number; axes: Vec3 }[] {
  const changes = random.uniform() >= stable;
  let factor = 1;
  let logs = [0, 0, 0];
  return Array.from({ length: followUps }, () => {
    const step = least * (most / least) ** random.uniform();
    const uneven = [0, 0, 0].map(() => random.between(-unevenness, unevenness));
    if (changes) {
      // A lesion that would leave what fits into a CT turns back.
      const kept = factor * step > most ** 1.5 || factor * step < least ** 1.5 ? 1 / step : step;
      const mean = (uneven[0] + uneven[1] + uneven[2]) / 3;
      logs = logs.map((log, axis) => log + uneven[axis] - mean);
      factor *= kept;
    }
    const [x, y, z] = logs.map((log) => factor ** (1 / 3) * Math.exp(log));
    return { factor, axes: [x, y, z] };
  });
}

function grown(random: Random, pose: Pose, [gx, gy, gz]: Vec3): Pose {
  const [x, y, z] = pose.scale;
  const phase = (): number => random.between(-0.5, 0.5);
  return {
    ...pose,
    scale: [x * gx, y * gy, z * gz],
    angle: pose.angle + random.between(-TURN, TURN),
    phase: [phase(), phase(), phase()],
  };
}

/** The lesion where it was, or a few pixels beside. */
function placedAgain(random: Random, { background, tissue, patch }: Placed, mask: Mask, pose: Pose, longPx: number) {
  const alpha = posed(mask, pose, longPx, background.spacingMm);
  const [x, y, z] = patch.start.map((start, axis) => start + (patch.dims[axis] - 1) / 2);
  const moved = (at: number): number => at + random.integer(2 * MOVE_PX + 1) - MOVE_PX;
  for (let attempt = 0; attempt < PLACES; attempt++) {
    const found = placedAt(random, background, tissue, alpha, [moved(x), moved(y), z], false);
    if (found !== undefined) return found;
  }
  return undefined;
}

function meanWithin({ image, reference }: LesionCase): number {
  let sum = 0;
  let voxels = 0;
  for (let i = 0; i < image.data.length; i++) {
    if (reference!.data[i] === 0) continue;
    sum += image.data[i];
    voxels++;
  }
  return sum / voxels;
}

const followUpOf = (lesion: string, timePoint: number, day: number, constructedFactor: number): FollowUp => ({
  lesion,
  timePoint,
  day,
  constructedFactor,
});

function entryOf(index: number, shapes: Material["shapes"], choice: ShapeChoice, options: CourseOptions) {
  const { patient } = shapes.entries[shapeOf(index, choice, options)];
  return { id: `course-${String(index).padStart(5, "0")}`, patient, officialSplit: choice.sideOf(index) };
}
