import type { Digest } from "../../artifacts/store.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { openDataset, putSubset } from "../datasets.ts";
import { answersTo } from "../decisions.ts";
import { openPredictions, putPredictionSubset } from "../predictions.ts";
import type { StepBody } from "./step.ts";

/** A case is called after its proposal. What is dismissed or not answered is counted. */
export const lesionsConfirm: StepBody<StepParams<"lesions.confirm">> = {
  async run({ store }, { params, inputs }) {
    const [lesions, predictions, cases, decisions] = ["lesions", "predictions", "cases", "decisions"].map(
      (name) => inputs[name].artifact as Digest,
    );
    const dataset = await openDataset(store, lesions);
    const answers = await answersTo(store, decisions, cases);
    const confirmed = dataset.lesions.filter(({ id }) => answers.get(id) === params.confirm).map(({ id }) => id);
    const unanswered = dataset.lesions.filter(({ id }) => !answers.has(id)).length;
    const dismissed = dataset.lesions.length - confirmed.length - unanswered;
    const { name, origin, split } = dataset.meta;
    const skipped = {
      ...dataset.meta.skipped,
      ...(dismissed > 0 && { "proposal was dismissed": dismissed }),
      ...(unanswered > 0 && { "proposal was not answered": unanswered }),
    };
    const kept = new Set(confirmed);
    return {
      outputs: {
        lesions: await putSubset(store, dataset, { name, origin, split, skipped }, (lesion) =>
          kept.has(lesion.id) ? lesion : undefined,
        ),
        predictions: await putPredictionSubset(store, await openPredictions(store, predictions), confirmed),
      },
      summary: { confirmed: confirmed.length, dismissed, "not answered": unanswered },
    };
  },
};
