import { getRecord } from "../artifacts/records.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { Model } from "../methods/networks/model.ts";
import type { Enhancer } from "../methods/networks/sgan/enhancer.ts";
import type { ReportInput } from "../report/reportInput.ts";
import type { ArtifactRef } from "../schemas/messages.ts";
import { type Labels, openLabels } from "./labels.ts";
import { loadModel } from "./models.ts";

/** A round of Algorithm 1: what it harvested and the model that it trained. */
export interface Round {
  readonly labels: Labels;
  readonly model: NamedModel;
}

export interface NamedModel {
  readonly name: string;
  readonly digest: Digest;
  readonly value: Model;
}

/** The rounds of Algorithm 1 that a model came from, by its record; none for a model that was trained once. */
export async function roundsOf(store: Store, { record }: ArtifactRef): Promise<Round[]> {
  if (record === undefined) return [];
  const { kind, parts } = await getRecord(store, record as Digest);
  if (kind !== "segmentation.self-paced") return [];
  const records = await Promise.all(parts.map((part) => getRecord(store, part as Digest)));
  const outputs = (of: string): Digest[] =>
    records.filter((one) => one.kind === of).map((one) => Object.values(one.outputs)[0] as Digest);
  const labels = outputs("labels.harvest");
  return Promise.all(
    outputs("network.train").map(async (digest, i) => ({
      labels: await openLabels(store, labels[i]),
      model: { name: `θ${superscript(i + 1)}`, digest, value: await loadModel(store, digest) },
    })),
  );
}

const superscript = (n: number): string => [...String(n)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("");

export function trainingCurves(models: readonly NamedModel[]): NonNullable<ReportInput["training"]> {
  return models.flatMap(({ name, digest, value: { training } }) => {
    if (training === null) return [];
    const epochs = training.history.map(({ epoch, trainingLoss, validationLoss, rate }) => ({
      epoch,
      trainLoss: trainingLoss,
      validationLoss,
      rate,
    }));
    return [{ model: name, digest, epochs }];
  });
}

/** What is told of a stage of the stacked GAN. */
export function enhancementOf({
  name,
  digest,
  value: { stage, features, training },
}: {
  readonly name: string;
  readonly digest: Digest;
  readonly value: Enhancer;
}): NonNullable<ReportInput["enhancement"]>[number] {
  const { pictures, slices, options, history } = training;
  const steps = { pretraining: options.pretraining.steps, adversarial: options.adversarial.steps };
  const validation = history.at(-1)?.validation ?? null;
  return { name, stage, digest, pictures, slices, steps, features: features?.origin ?? null, validation };
}

type HarvestRow = NonNullable<ReportInput["harvest"]>[number];

/** Columns of the harvest's table by the outcome of `labels.harvest`. */
const outcomeColumns = {
  grabcut: "grabcut",
  "prior-cut": "priorCut",
  "marks-only": "marksOnly",
  "ignored-fallback": "ignoredFallback",
  "beyond the marks": "beyondMarks",
} as const;

/**
 * Where the labels of a round came from, by τ.
 *
 * @throws RangeError where the labels came about in a way that the table has no column for.
 */
export function harvestCounts({ round, outcomes, unlabelled }: Labels["meta"]): HarvestRow[] {
  const rows = new Map<number, Required<HarvestRow>>();
  const row = (offset: number): Required<HarvestRow> => {
    const none = { grabcut: 0, priorCut: 0, marksOnly: 0, ignoredFallback: 0, beyondMarks: 0, notHarvested: 0 };
    const existing = rows.get(offset) ?? { round, offset, ...none };
    rows.set(offset, existing);
    return existing;
  };
  for (const [outcome, byOffset] of Object.entries(outcomes)) {
    if (!(outcome in outcomeColumns)) throw new RangeError(`the harvest has no column for labels by "${outcome}"`);
    const column = outcomeColumns[outcome as keyof typeof outcomeColumns];
    for (const [offset, count] of Object.entries(byOffset)) row(Number(offset))[column] += count;
  }
  for (const [reason, count] of Object.entries(unlabelled)) {
    const offset = /^τ = (-?\d+)/.exec(reason);
    if (offset !== null) row(Number(offset[1])).notHarvested += count;
  }
  return [...rows.values()].sort((a, b) => a.offset - b.offset);
}
