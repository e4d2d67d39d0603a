import { type Random, randomStream } from "../random.ts";

/** One training image with its labels. */
export interface TrainingSample {
  /** The lesion's id; several slices of a lesion share it. */
  readonly id: string;
  /** What must not lie on both sides of the validation split; default: the lesion's id. */
  readonly patient?: string;
  /** Height and width. */
  readonly size: number;
  /** `[size, size, channels]`, of a stack `[planes, size, size, channels]`. */
  readonly pixels: Float32Array;
  /** `[size, size]`, of a stack `[planes, size, size]`: 0 background, 1 lesion, 255 = ignored. */
  readonly labels: Uint8Array;
}

/** The sample of a stack: its planes, one after the other. */
export function stackOf(planes: readonly Pick<TrainingSample, "pixels" | "labels">[]): Pick<TrainingSample, "pixels" | "labels"> {
  const pixels = concatenated(planes.map((plane) => plane.pixels));
  const labels = new Uint8Array(planes.length * planes[0].labels.length);
  planes.forEach((plane, i) => labels.set(plane.labels, i * plane.labels.length));
  return { pixels, labels };
}

/** Arrays of numbers, one after the other. */
export function concatenated(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Samples to train on; they may be read when they are asked for. */
export interface TrainingSet {
  readonly entries: readonly Pick<TrainingSample, "id" | "patient" | "size">[];
  sample(index: number): TrainingSample | Promise<TrainingSample>;
  /** The sample as one epoch trains on it; without this, `sample` changed by `augmented`. */
  drawn?(index: number, random: Random): TrainingSample | Promise<TrainingSample>;
}

/** A training set of samples in memory. */
export function trainingSet(samples: readonly TrainingSample[]): TrainingSet {
  return { entries: samples, sample: (index) => samples[index] };
}

/**
 * Indices to train on and to validate on: whole patients (or lesions), drawn by seed. At least one of each is kept for
 * validation where `fraction` > 0 and there are two or more.
 */
export function validationSplit(
  { entries }: TrainingSet,
  fraction: number,
  seed: number,
): { training: number[]; validation: number[] } {
  const groupOf = ({ id, patient }: TrainingSet["entries"][number]): string => patient ?? id;
  const groups = [...new Set(entries.map(groupOf))].sort();
  const wanted =
    fraction > 0 && groups.length > 1 ? Math.min(Math.max(1, Math.round(fraction * groups.length)), groups.length - 1) : 0;
  const drawn = new Set(
    [...randomStream(seed, "validation").permutation(groups.length).subarray(0, wanted)].map((g) => groups[g]),
  );
  const isValidation = (index: number): boolean => drawn.has(groupOf(entries[index]));
  const all = entries.map((_, index) => index);
  return { training: all.filter((index) => !isValidation(index)), validation: all.filter(isValidation) };
}

/** The batches of an epoch: `indices` in random order, each batch of one image size; a pure function of seed and epoch. */
export function epochBatches(
  set: TrainingSet,
  indices: readonly number[],
  batch: number,
  seed: number,
  epoch: number,
): number[][] {
  const order = [...randomStream(seed, "order", epoch).permutation(indices.length)].map((i) => indices[i]);
  return batchesBySize(order, batch, (index) => set.entries[index].size);
}

/** Batches of equal size in the given order: a batch stands where its last member does, incomplete ones at the end. */
export function batchesBySize(order: readonly number[], batch: number, sizeOf: (index: number) => number): number[][] {
  const batches: number[][] = [];
  const open = new Map<number, number[]>();
  for (const index of order) {
    const size = sizeOf(index);
    const members = [...(open.get(size) ?? []), index];
    if (members.length < batch) open.set(size, members);
    else {
      batches.push(members);
      open.delete(size);
    }
  }
  return [...batches, ...open.values()];
}
