import type { Digest } from "../../artifacts/store.ts";
import { drawnOrder, foldsByPatient } from "../../methods/datasets/split.ts";
import { InputError } from "../../methods/inputError.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import type { Lesion } from "../../schemas/dataset.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { openDataset, putSubset } from "../datasets.ts";
import { joinPredictions, openPredictions } from "../predictions.ts";
import { namedInputs, type StepBody } from "./step.ts";

/** One fold of a cross validation. In its outputs a lesion's `split` is the side on which the fold puts it. */
export const datasetFold: StepBody<StepParams<"dataset.fold">> = {
  async run({ store }, { params, inputs }) {
    const dataset = await openDataset(store, inputs.lesions.artifact as Digest);
    const foldOf = foldsByPatient(dataset.lesions, params);
    const sideOf = ({ patient }: Lesion): Lesion["split"] => (foldOf.get(patient) === params.fold ? "test" : "train");
    const outputs: Record<string, Digest> = {};
    for (const split of ["train", "test"] as const) {
      const { name, origin, skipped } = dataset.meta;
      outputs[split] = await putSubset(store, dataset, { name, origin, skipped, split }, (lesion) =>
        sideOf(lesion) === split ? { ...lesion, split } : undefined,
      );
    }
    const test = dataset.lesions.filter((lesion) => sideOf(lesion) === "test").length;
    return { outputs, summary: { train: dataset.lesions.length - test, test } };
  },
};

/** Lesions by their properties; the reasons for which others were left out are added to what was left out before. */
export const datasetSelect: StepBody<StepParams<"dataset.select">> = {
  async run({ store }, { params, inputs }) {
    const dataset = await openDataset(store, inputs.lesions.artifact as Digest);
    const skipped = { ...dataset.meta.skipped };
    const leaveOut = (reason: string): void => {
      skipped[reason] = (skipped[reason] ?? 0) + 1;
    };
    const suitable = dataset.lesions.filter((lesion) => {
      const reason = reasonToLeaveOut(lesion, params);
      if (reason !== undefined) leaveOut(reason);
      return reason === undefined;
    });
    const taken = drawn(suitable, params);
    for (let i = taken.size; i < suitable.length; i++) leaveOut("not among the lesions that were drawn");
    if (taken.size === 0) {
      const reasons = Object.entries(skipped).map(([reason, count]) => `${count} × ${reason}`);
      throw new InputError("no lesion is left", dataset.meta.name, `left out: ${reasons.join(", ")}`);
    }
    const { name, origin, split } = dataset.meta;
    const lesions = await putSubset(store, dataset, { name, origin, skipped, split: params.split ?? split }, (lesion) =>
      taken.has(lesion.id) ? lesion : undefined,
    );
    return { outputs: { lesions }, summary: { lesions: taken.size, "left out": dataset.lesions.length - taken.size } };
  },
};

export const predictionsJoin: StepBody<StepParams<"predictions.join">> = {
  async run({ store }, { inputs }) {
    // By name: the order in which a pipeline lists its inputs is no part of the action's key.
    const named = Object.entries(namedInputs(inputs, "predictions")).sort(([a], [b]) => (a < b ? -1 : 1));
    const sets = [];
    for (const [name, { artifact }] of named) sets.push([name, await openPredictions(store, artifact as Digest)] as const);
    return joinPredictions(store, sets);
  },
};

function reasonToLeaveOut(
  { split, hasReference, category, long, spacingMm }: Lesion,
  params: StepParams<"dataset.select">,
): string | undefined {
  const longMm = lengthMm(long, spacingMm);
  if (params.split !== undefined && split !== params.split) return `not on the split's side ${params.split}`;
  if (params.hasReference !== undefined && hasReference !== params.hasReference)
    return hasReference ? "has a reference mask" : "has no reference mask";
  if (params.categories !== undefined && !params.categories.includes(category)) return `category ${category}`;
  if (params.minLongMm !== undefined && longMm < params.minLongMm) return `long diameter is less than ${params.minLongMm} mm`;
  if (params.maxLongMm !== undefined && longMm > params.maxLongMm) return `long diameter is more than ${params.maxLongMm} mm`;
  return undefined;
}

/** The ids of the first so many lesions, patients in a drawn order. */
function drawn(lesions: readonly Lesion[], { lesions: most, seed }: StepParams<"dataset.select">): Set<string> {
  if (most === undefined) return new Set(lesions.map(({ id }) => id));
  const place = new Map(drawnOrder(lesions, seed, "selection").map((patient, i) => [patient, i]));
  const ordered = [...lesions].sort((a, b) => place.get(a.patient)! - place.get(b.patient)!);
  return new Set(ordered.slice(0, most).map(({ id }) => id));
}
