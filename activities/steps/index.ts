import type { Action } from "../../schemas/messages.ts";
import { kindOf, type StepKindName, type StepParams, type WorkflowKindName } from "../../schemas/stepKinds.ts";
import { campaignPage } from "./campaignPage.ts";
import { datasetImplant, datasetImport, datasetSynthesize, timepointsConstruct } from "./datasets.ts";
import { enhancementApply } from "./enhancementApply.ts";
import { enhancementCases } from "./enhancementCases.ts";
import { enhancementMeasure } from "./enhancementMeasure.ts";
import { enhancementTrain } from "./enhancementTrain.ts";
import { evaluate } from "./evaluate.ts";
import { imagesImport, imagesSynthesize } from "./images.ts";
import { labelsHarvest } from "./labelsHarvest.ts";
import { labelsInitial } from "./labelsInitial.ts";
import { labelsRevise } from "./labelsRevise.ts";
import { lesionsConfirm } from "./lesionsConfirm.ts";
import { lesionsPropose } from "./lesionsPropose.ts";
import { networkTrain } from "./networkTrain.ts";
import { predictionsCases } from "./predictionsCases.ts";
import { readingPolicy } from "./readingPolicy.ts";
import { report } from "./report.ts";
import { responseAssess } from "./responseAssess.ts";
import { segmentationClassical } from "./segmentationClassical.ts";
import { segmentationPredict } from "./segmentationPredict.ts";
import { datasetFold, datasetSelect, predictionsJoin } from "./selection.ts";
import type { StepBody, StepInput } from "./step.ts";
import { studyEvaluate } from "./studyEvaluate.ts";
import { studyPrepare } from "./studyPrepare.ts";
import { timepointsLink } from "./timepointsLink.ts";
import { timepointsSuggest } from "./timepointsSuggest.ts";
import { volumesMeasure } from "./volumesMeasure.ts";

/** How each kind is carried out; those that are workflows (Algorithm 1) have no body of their own. */
const bodies: { [K in Exclude<StepKindName, WorkflowKindName>]: StepBody<StepParams<K>> } = {
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
  "study.prepare": studyPrepare,
  "study.evaluate": studyEvaluate,
  "enhancement.cases": enhancementCases,
  "reading.policy": readingPolicy,
  evaluate,
  report,
  "campaign.page": campaignPage,
};

export function bodyOf(name: string): StepBody<unknown> {
  const body = (bodies as Record<string, unknown>)[kindOf(name).kind];
  if (body === undefined) throw new RangeError(`step kind ${name} is a workflow: it has no body`);
  return body as StepBody<unknown>;
}

/** The action's parameters, checked by the schema of its kind. */
export function parseInput({
  kind,
  params,
  inputs,
  part,
}: Pick<Action, "kind" | "params" | "inputs" | "part">): StepInput<unknown> {
  return { params: kindOf(kind).params.parse(params), inputs, part };
}
