import { z } from "zod";
import { openDataset, readShard } from "../../activities/datasets.ts";
import { openPredictions, readPredictedMask } from "../../activities/predictions.ts";
import { asDigest } from "../../artifacts/digest.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import { getRecord } from "../../artifacts/records.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import type { Mask, Volume } from "../../methods/imaging/volume.ts";
import { rememberLast } from "../../methods/rememberLast.ts";
import type { Manifest } from "../../schemas/artifacts.ts";
import type { StepProgress } from "../../schemas/messages.ts";
import { decisionSchema, decisionsMetaSchema } from "../../schemas/reading.ts";
import type { CampaignResults } from "../../schemas/review.ts";
import { NotFoundError } from "./notFound.ts";

/** Of a model's card, how its training went. */
const cardSchema = z.object({
  training: z
    .object({
      history: z.array(
        z.object({ epoch: z.number(), trainingLoss: z.number(), validationLoss: z.number().nullable().optional() }),
      ),
    })
    .nullable(),
});

const KEPT_OUTPUTS = 200;
type Shown = Omit<CampaignResults, "withheld">;
const NOTHING: Shown = { curves: [], decisions: [], reports: [], volumes: [] };

/**
 * Whether masks of this campaign are being read blind: a reader who compares what is judged with masks called by their
 * sources knows which is which.
 */
export function isReadBlind(steps: readonly Pick<StepProgress, "kind" | "state">[]): boolean {
  const ended = ["done", "cached", "not-needed"];
  return (
    steps.some(({ kind }) => kind === "study.prepare") &&
    steps.some(({ kind, state }) => kind === "reading" && !ended.includes(state))
  );
}

/** What the outputs of finished steps have to show. */
export class Results {
  readonly #store: Store;
  readonly #shown: (output: Digest, step: string, campaign: string) => Promise<Shown>;

  constructor(store: Store) {
    this.#store = store;
    this.#shown = rememberLast(
      KEPT_OUTPUTS,
      (...about) => about.join("/"),
      (output, step, campaign) => this.#ofOutput(output, step, campaign),
    );
  }

  async of(campaign: string, steps: readonly StepProgress[]): Promise<CampaignResults> {
    const outputs = steps.flatMap(({ name, outputs }) =>
      [...new Set(Object.values(outputs ?? {}))].map((output) => [name, output]),
    );
    const shown = await Promise.all(outputs.map(([name, output]) => this.#shown(asDigest(output), name, campaign)));
    const withheld = isReadBlind(steps);
    return {
      curves: shown.flatMap(({ curves }) => curves),
      decisions: withheld ? [] : shown.flatMap(({ decisions }) => decisions),
      reports: withheld ? [] : shown.flatMap(({ reports }) => reports),
      volumes: withheld ? [] : shown.flatMap(({ volumes }) => volumes),
      withheld,
    };
  }

  /** Crop, mask and reference mask (where there is one) of a lesion that a step has segmented. @throws NotFoundError */
  async volume(
    { name, outputs, record }: StepProgress,
    lesion: string,
  ): Promise<{ image: Volume; mask: Mask; reference?: Mask }> {
    const digest = outputs?.predictions;
    if (digest === undefined || record === undefined) throw new NotFoundError(`step "${name}" has no masks`);
    const predictions = await openPredictions(this.#store, asDigest(digest));
    if (!predictions.lines.has(lesion)) throw new NotFoundError(`step "${name}" has no mask of ${lesion}`);
    const { inputs } = await getRecord(this.#store, asDigest(record));
    const dataset = await openDataset(this.#store, asDigest(inputs.lesions.artifact));
    const shard = dataset.lesions.find(({ id }) => id === lesion)?.shard;
    const found = shard === undefined ? [] : await readShard(this.#store, dataset, shard);
    const { image, reference } = found.find((one) => one.lesion.id === lesion) ?? {};
    if (image === undefined) throw new NotFoundError(`the images of ${lesion} are not in the data set of step "${name}"`);
    return { image, mask: await readPredictedMask(this.#store, predictions, lesion), reference };
  }

  async #ofOutput(output: Digest, step: string, campaign: string): Promise<Shown> {
    const manifest = await getManifest(this.#store, output);
    switch (manifest.type) {
      case "model":
        return { ...NOTHING, curves: await this.#curves(step, manifest) };
      case "decisions":
        return { ...NOTHING, decisions: [await this.#decisions(step, manifest)] };
      case "report": {
        const isPage = manifest.blobs.some(({ path }) => path === "report.html");
        const address = `/reports/${encodeURIComponent(campaign)}/${encodeURIComponent(step)}/report.html`;
        return { ...NOTHING, reports: isPage ? [{ step, address }] : [] };
      }
      case "predictions": {
        const { meta, lines } = await openPredictions(this.#store, output);
        return { ...NOTHING, volumes: [{ step, method: meta.method, lesions: [...lines.keys()] }] };
      }
      default:
        return NOTHING;
    }
  }

  async #curves(step: string, manifest: Manifest): Promise<CampaignResults["curves"]> {
    if (!manifest.blobs.some(({ path }) => path === "model.json")) return [];
    const card = cardSchema.safeParse(JSON.parse((await readFile(this.#store, manifest, "model.json")).toString("utf8")));
    const epochs = (card.data?.training?.history ?? []).map(({ epoch, trainingLoss, validationLoss }) => ({
      epoch,
      training: trainingLoss,
      validation: validationLoss ?? null,
    }));
    return epochs.length === 0 ? [] : [{ step, epochs }];
  }

  async #decisions(step: string, manifest: Manifest): Promise<CampaignResults["decisions"][number]> {
    const { title, decidedBy, readers, closedBy } = decisionsMetaSchema.parse(manifest.meta);
    const answers: Record<string, number> = {};
    const lines = (await readFile(this.#store, manifest, "answers.jsonl")).toString("utf8").split("\n").filter(Boolean);
    for (const line of lines) {
      const { answer } = decisionSchema.parse(JSON.parse(line));
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
    const verdicts = readers.flatMap(({ verdict }) => (verdict === null ? [] : [verdict]));
    return { step, title, decidedBy, closedBy, answers, verdicts, readers: readers.map(({ reader }) => reader) };
  }
}
