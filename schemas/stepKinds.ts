import type { z } from "zod";
import { enhancementCases, enhancementCurate } from "./stepKinds/curation.ts";
import { datasetImport, datasetSynthesize } from "./stepKinds/datasets.ts";
import { enhancementApply, enhancementMeasure } from "./stepKinds/enhancement.ts";
import { enhancementTrain } from "./stepKinds/enhancementTraining.ts";
import { campaignPage, evaluate, report } from "./stepKinds/evaluation.ts";
import { imagesImport, imagesSynthesize } from "./stepKinds/images.ts";
import { labelsHarvest, labelsInitial } from "./stepKinds/labels.ts";
import { lesionsConfirm, lesionsPropose } from "./stepKinds/proposals.ts";
import { reading, readingPolicy } from "./stepKinds/reading.ts";
import { labelsRevise, predictionsCases } from "./stepKinds/revision.ts";
import { segmentationClassical, segmentationPredict } from "./stepKinds/segmentation.ts";
import { datasetFold, datasetSelect, predictionsJoin } from "./stepKinds/selection.ts";
import { segmentationSelfPaced } from "./stepKinds/selfPaced.ts";
import { datasetImplant } from "./stepKinds/semiSynthetic.ts";
import type { StepKind } from "./stepKinds/stepKind.ts";
import { studyEvaluate, studyPrepare } from "./stepKinds/study.ts";
import { timepointsConstruct, timepointsLink, timepointsSuggest } from "./stepKinds/timepoints.ts";
import { networkTrain } from "./stepKinds/training.ts";
import { responseAssess, volumesMeasure } from "./stepKinds/volumes.ts";

export type { StepInputPort, StepKind } from "./stepKinds/stepKind.ts";

/** Every step kind by the name that `uses:` gives. */
export const stepKinds = {
  "dataset.import": datasetImport,
  "dataset.synthesize": datasetSynthesize,
  "dataset.implant": datasetImplant,
  "timepoints.construct": timepointsConstruct,
  "timepoints.suggest": timepointsSuggest,
  "timepoints.link": timepointsLink,
  "dataset.fold": datasetFold,
  "dataset.select": datasetSelect,
  "labels.initial": labelsInitial,
  "labels.harvest": labelsHarvest,
  "labels.revise": labelsRevise,
  "network.train": networkTrain,
  "segmentation.self-paced": segmentationSelfPaced,
  "segmentation.predict": segmentationPredict,
  "segmentation.classical": segmentationClassical,
  "lesions.propose": lesionsPropose,
  "lesions.confirm": lesionsConfirm,
  "predictions.join": predictionsJoin,
  "predictions.cases": predictionsCases,
  "volumes.measure": volumesMeasure,
  "response.assess": responseAssess,
  "images.import": imagesImport,
  "images.synthesize": imagesSynthesize,
  "enhancement.train": enhancementTrain,
  "enhancement.apply": enhancementApply,
  "enhancement.measure": enhancementMeasure,
  "enhancement.cases": enhancementCases,
  "enhancement.curate": enhancementCurate,
  reading,
  "reading.policy": readingPolicy,
  "study.prepare": studyPrepare,
  "study.evaluate": studyEvaluate,
  evaluate,
  report,
  "campaign.page": campaignPage,
} as const;

export type StepKindName = keyof typeof stepKinds;

/** Kinds that a workflow of their own carries out, not an action. */
export type WorkflowKindName = {
  [K in StepKindName]: (typeof stepKinds)[K]["shape"] extends "workflow" ? K : never;
}[StepKindName];

/** Parameters of a kind as its body gets them: checked, defaults filled in. */
export type StepParams<K extends StepKindName> = z.output<(typeof stepKinds)[K]["params"]>;

/** A kind with the one thing that is derived from it. */
export interface RegisteredKind extends StepKind {
  /** The parameters that enter an action key: all but paths, for which the content that lies there enters as input `source`. */
  keyParams<V>(params: Readonly<Record<string, V>>): Record<string, V>;
}

export function isStepKind(name: string): name is StepKindName {
  return Object.hasOwn(stepKinds, name);
}

/** @throws RangeError when no kind is called `name`: the caller holds an action of another version of this program. */
export function kindOf(name: string): RegisteredKind {
  if (!isStepKind(name)) throw new RangeError(`no step kind is called "${name}"; there are ${Object.keys(stepKinds).join(", ")}`);
  const kind: StepKind = stepKinds[name];
  return {
    ...kind,
    keyParams: (params) => keyParams(params, kind.external),
  };
}

/** The parameters that enter an action's key: not the paths in `external`, whose content does. */
export function keyParams<V>(params: Readonly<Record<string, V>>, external: readonly string[]): Record<string, V> {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !external.includes(name)));
}
