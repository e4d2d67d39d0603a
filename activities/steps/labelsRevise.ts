import { inParallel } from "../../artifacts/inParallel.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { checkSameGrid } from "../../methods/imaging/sameGrid.ts";
import type { Mask } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { segmentVolume } from "../../methods/labels/volume.ts";
import type { Revision } from "../../schemas/revision.ts";
import { volumeRemakers } from "../../schemas/stepKinds/revision.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { countShards, type LesionImage, openDataset, putSubset, readPart } from "../datasets.ts";
import { openDrawnMask } from "../drawnMasks.ts";
import { editsOf, judgementsOf, verdictOf } from "../judgements.ts";
import { gatherLabels, type LabelledSlice, labelledSlices, putLabelPart } from "../labels.ts";
import { openPredictions, type Predictions, readPredictedMask } from "../predictions.ts";
import { readRevisions, revisionFile } from "../revisions.ts";
import type { StepBody } from "./step.ts";

type Params = StepParams<"labels.revise">;

/** What a lesion's mask becomes; without a mask the lesion is left out. */
interface Revised extends Pick<Revision, "became" | "how" | "edit"> {
  readonly mask?: Mask;
  readonly slices?: Params["slices"];
}

/** The loop that the paper leaves open: what readers rejected is not learnt from as it is. */
export const labelsRevise: StepBody<Params> = {
  parts: ({ store }, { inputs }) => countShards(store, inputs.lesions.artifact as Digest),

  async run({ store, progress }, { params, inputs, part }) {
    const lesions = await readPart(store, inputs.lesions.artifact as Digest, part!);
    const predictions = await openPredictions(store, inputs.masks.artifact as Digest);
    if (predictions.meta.dimension === "2D" && params.slices !== "key")
      throw new InputError("have masks of the RECIST slice alone", "masks", "give `slices: key`");
    const judged = await judgementsOf(store, inputs.decisions.artifact as Digest, predictions.digest);
    const edits = inputs.edits && (await editsOf(store, inputs.edits.artifact as Digest, predictions.digest));
    const labels: LabelledSlice[] = [];
    const revisions: Revision[] = [];
    const unlabelled: Record<string, number> = {};
    for (const [done, one] of lesions.entries()) {
      progress({ unit: "lesions", done, total: lesions.length });
      const { lesion } = one;
      const answers = judged.get(lesion.id) ?? [];
      const verdict = verdictOf(answers, params);
      const { mask, slices, ...became } = await revised(store, params, verdict, one, predictions, edits?.get(lesion.id));
      revisions.push({ lesion: lesion.id, verdict, answers, ...became });
      if (mask === undefined) unlabelled[became.how] = (unlabelled[became.how] ?? 0) + 1;
      else labels.push(...labelledSlices(lesion, mask, slices ?? params.slices, `${became.became}: ${became.how}`));
    }
    const put = await putLabelPart(store, labels, unlabelled, [revisionFile(revisions)]);
    return { outputs: { labels: put }, summary: counts(revisions) };
  },

  async gather({ store }, { inputs }, parts) {
    const revisions = (await inParallel(parts, ({ labels }) => readRevisions(store, labels))).flat();
    const learnt = new Set(revisions.flatMap(({ lesion, became }) => (became === "left out" ? [] : [lesion])));
    if (learnt.size === 0)
      throw new InputError("no mask is left to learn from", undefined, "see who rejected what in the decisions");
    const { outputs } = await gatherLabels(store, parts, { method: "revised", round: 0 }, [revisionFile(revisions)]);
    const dataset = await openDataset(store, inputs.lesions.artifact as Digest);
    const { name, origin, split } = dataset.meta;
    const skipped = { ...dataset.meta.skipped };
    for (const { became, how } of revisions) if (became === "left out") skipped[how] = (skipped[how] ?? 0) + 1;
    const lesions = await putSubset(store, dataset, { name, origin, skipped, split }, (lesion) =>
      learnt.has(lesion.id) ? lesion : undefined,
    );
    return { outputs: { ...outputs, lesions }, summary: counts(revisions) };
  },
};

/** Where the rule sends one mask. */
async function revised(
  store: Store,
  params: Params,
  verdict: Revision["verdict"],
  one: LesionImage,
  predictions: Predictions,
  edit: { answer: string; mask?: string } | undefined,
): Promise<Revised> {
  const { id } = one.lesion;
  if (!predictions.lines.has(id)) return { became: "left out", how: "has no mask" };
  const kept = async (how: string): Promise<Revised> => {
    const mask = await readPredictedMask(store, predictions, id);
    checkSameGrid(mask, one.image, `the mask of ${id}`, "its image");
    return { became: "kept", how, mask };
  };
  if (verdict === "accepted" || (verdict === "not judged" && params.unjudged === "keep")) return kept(verdict);
  if (verdict === "not judged" || params.rejected === "exclude") return { became: "left out", how: verdict };
  if (params.rejected === "reinitialise") return madeAgain(params.method, one);
  if (edit === undefined) return { became: "left out", how: "rejected, and not corrected" };
  if (edit.mask !== undefined) return edited(store, edit.mask, one);
  return edit.answer === params.excludes
    ? { became: "left out", how: "rejected, and left out by who corrects" }
    : kept(`rejected, but left as it is: ${edit.answer}`);
}

/** The mask that a person drew, with who it was. @throws InputError where it is of another grid */
async function edited(store: Store, digest: string, { lesion, image }: LesionImage): Promise<Revised> {
  const { meta, shape, data } = await openDrawnMask(store, digest as Digest);
  const { dims, spacingMm, affine } = image;
  if ([...shape].reverse().join() !== dims.join())
    throw new InputError(
      `was drawn on ${shape.join(" × ")} voxels, z first, and its lesion has ${[...dims].reverse().join(" × ")}`,
      `the mask of ${lesion.id}`,
    );
  const edit = { artifact: digest, author: meta.author, at: meta.at };
  return { became: "edited", how: "by hand", mask: { dims, spacingMm, affine, data }, edit };
}

function madeAgain(method: Params["method"], { lesion, image }: LesionImage): Revised {
  const { mask, outcomes } = segmentVolume(method, image, lesion, lesion.window);
  const how = `${method}, ${Object.keys(outcomes).sort().join(", ")}`;
  // An empty mask would teach that a marked lesion is none.
  if (!mask.data.includes(1)) return { became: "left out", how: `rejected, and made again in vain (${how})` };
  const isVolume = (volumeRemakers as readonly string[]).includes(method);
  return { became: "made again", how, mask, ...(isVolume ? {} : { slices: "key" as const }) };
}

/** Number of lesions by what became of them. */
function counts(revisions: readonly Revision[]): Record<string, number> {
  const by: Record<string, number> = { kept: 0, "left out": 0 };
  for (const { became } of revisions) by[became] = (by[became] ?? 0) + 1;
  return by;
}
