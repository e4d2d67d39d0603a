import { InputError } from "../inputError.ts";
import type { Augmentation } from "./augment.ts";
import { drawnSample, drawnStack } from "./drawnSample.ts";
import { planeInputs } from "./planeStack.ts";
import { networkInput, type Preprocessing } from "./preprocess.ts";
import type { TrainingLesion } from "./trainingLesion.ts";
import type { TrainingOptions } from "./trainingOptions.ts";
import { stackOf, type TrainingSet } from "./trainingSet.ts";

/**
 * Lesions to train on, as `keptForTraining` leaves them, whose inputs are drawn from their images when they are asked
 * for. Sampled by slice, every labelled slice is seen once an epoch; by lesion, every lesion gives one slice: the RECIST
 * slice (or the labelled one nearest to it) with probability `keySlice`, else any labelled one. Validation looks at these
 * slices as they are. A network of stacks sees every lesion once an epoch, as a whole.
 *
 * @throws InputError where crops keep the image's own pixels: these cannot be turned.
 */
export function lesionTrainingSet(
  lesions: readonly TrainingLesion[],
  preprocessing: Preprocessing,
  { augmentation, sampling }: Pick<TrainingOptions, "augmentation" | "sampling">,
): TrainingSet {
  const { size } = preprocessing.crop;
  if (typeof size !== "number")
    throw new InputError(
      "samples can only be drawn from the image with a fixed number of pixels",
      "crop.size",
      "give a side in pixels",
    );
  if (preprocessing.stack !== undefined) return stackTrainingSet(lesions, size, preprocessing, augmentation);
  const members = lesions.flatMap((lesion) => {
    const slices = [...lesion.labels.keys()];
    if (sampling.per === "slice") return slices.map((z) => ({ lesion, z, slices: [z] }));
    const fromKey = (z: number): number => Math.abs(z - lesion.marks.slice);
    return [{ lesion, z: slices.reduce((nearest, z) => (fromKey(z) < fromKey(nearest) ? z : nearest)), slices }];
  });
  return {
    entries: members.map(({ lesion: { id, patient } }) => ({ id, patient, size })),
    sample(index) {
      const { lesion, z } = members[index];
      const { id, patient, image, marks, window, labels } = lesion;
      const input = networkInput(image, z, marks, window, preprocessing);
      return { id, patient, size, pixels: input.pixels, labels: input.labels(labels.get(z)!) };
    },
    drawn(index, random) {
      const { lesion, z, slices } = members[index];
      const isKey = random.uniform() < sampling.keySlice;
      const any = slices[random.integer(slices.length)];
      return drawnSample(lesion, isKey ? z : any, preprocessing, augmentation, random);
    },
  };
}

function stackTrainingSet(
  lesions: readonly TrainingLesion[],
  size: number,
  preprocessing: Preprocessing,
  augmentation: Augmentation,
): TrainingSet {
  return {
    entries: lesions.map(({ id, patient }) => ({ id, patient, size })),
    sample(index) {
      const { id, patient, image, marks, window, labels } = lesions[index];
      const inputs = planeInputs(image, marks, window, preprocessing);
      return {
        id,
        patient,
        size,
        ...stackOf(inputs.map((input, plane) => ({ pixels: input.pixels, labels: input.labels(labels.get(plane)!) }))),
      };
    },
    drawn: (index, random) => drawnStack(lesions[index], preprocessing, augmentation, random),
  };
}
