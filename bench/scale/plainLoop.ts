import { openDeepLesion } from "../../methods/datasets/deeplesion.ts";
import type { LesionSource } from "../../methods/datasets/lesionCase.ts";
import { openSemiSynthetic } from "../../methods/datasets/semiSynthetic.ts";
import { sliceOf } from "../../methods/imaging/volume.ts";
import { initialMask } from "../../methods/labels/initial.ts";
import { segmentVolume, type VolumeMethod } from "../../methods/labels/volume.ts";
import { scoreLesion } from "../../methods/metrics/lesionScores.ts";
import type { CompiledPipeline } from "../../schemas/pipeline.ts";
import { type StepParams, stepKinds } from "../../schemas/stepKinds.ts";

/**
 * What pipelines/scale.yaml computes, as a person would write it who keeps nothing: one lesion after the other in one
 * process, no store, no engine, no records. @returns the mean Dice on the RECIST slice by name in the evaluation
 */
export async function plainLoop({ steps }: CompiledPipeline): Promise<Record<string, number>> {
  const { tolerancesMm } = stepKinds.evaluate.params.parse(steps.find(({ kind }) => kind === "evaluate")!.params);
  const source = await sourceOf(steps);
  const methods = steps
    .find(({ kind }) => kind === "evaluate")!
    .inputs.predictions.map(({ name, step }) => {
      const { params } = steps.find((one) => one.name === step)!;
      return { name: name!, method: (params as StepParams<"segmentation.classical">).method as VolumeMethod };
    });
  const sums = new Map<string, number>(methods.map(({ name }) => [name, 0]));
  for (let index = 0; index < source.entries.length; index++) {
    const { image, reference, marks, window } = await source.load(index);
    initialMask("grabcut-r", sliceOf(image, marks.slice), marks, window);
    for (const { name, method } of methods) {
      const { mask } = segmentVolume(method, image, marks, window);
      const { dims, spacingMm } = image;
      const masks = { prediction: mask.data, reference: reference!.data, dims, spacingMm, marks };
      const { slice } = scoreLesion(masks, { tolerancesMm }, "slice");
      sums.set(name, sums.get(name)! + slice.dice!);
    }
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, sum / source.entries.length]));
}

async function sourceOf(steps: CompiledPipeline["steps"]): Promise<LesionSource> {
  const { kind, params } = steps.find(({ name }) => name === "lesions")!;
  if (kind === "dataset.import") return openDeepLesion(stepKinds[kind].params.parse(params).root);
  const { shapes, backgrounds, ...options } = stepKinds["dataset.implant"].params.parse(params);
  return openSemiSynthetic({ shapes, backgrounds }, options);
}
