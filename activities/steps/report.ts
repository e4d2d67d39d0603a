import { putArtifact } from "../../artifacts/manifest.ts";
import { getRecord } from "../../artifacts/records.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { sliceOf } from "../../methods/imaging/volume.ts";
import { roiOfMarks, trimapOfMarks } from "../../methods/labels/trimap.ts";
import { offsetCurve } from "../../methods/metrics/offsetCurve.ts";
import { precisionRecall } from "../../methods/metrics/precisionRecall.ts";
import type { Model } from "../../methods/networks/model.ts";
import { chooseGallery, galleryPanels } from "../../report/gallery.ts";
import { isBaseline } from "../../report/numbers.ts";
import type { ReportInput } from "../../report/reportInput.ts";
import type { ArtifactRef } from "../../schemas/messages.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { type Dataset, type LesionImage, openDataset, readShard } from "../datasets.ts";
import { type Evaluation, openEvaluation } from "../evaluations.ts";
import { type Labels, openLabels } from "../labels.ts";
import { loadModel } from "../models.ts";
import { openPredictions, readPredictedMask } from "../predictions.ts";
import { namedInputs, type StepBody } from "./step.ts";

/** Everything that a report says but the campaign that it belongs to, which `campaign.page` adds when all is done. */
export type ReportContent = Omit<ReportInput, "campaign" | "environment" | "dag">;

type Named = Record<string, ArtifactRef>;

/** Collects the report's content: scores, curves, training, label counts, and a gallery with the worst lesions first. */
export const report: StepBody<StepParams<"report">> = {
  async run({ store, progress }, { params, inputs }) {
    const evaluations = await mapNamed(namedInputs(inputs, "evaluation"), (digest) => openEvaluation(store, digest));
    const datasets = await mapNamed(namedInputs(inputs, "lesions"), (digest) => openDataset(store, digest));
    const labels = await mapNamed(namedInputs(inputs, "labels"), (digest) => openLabels(store, digest));
    const models = await mapNamed(namedInputs(inputs, "models"), (digest) => loadModel(store, digest));
    const rounds = (await Promise.all(Object.values(namedInputs(inputs, "models")).map((ref) => roundsOf(store, ref)))).flat();
    const predictions = await mapNamed(namedInputs(inputs, "predictions"), (digest) => openPredictions(store, digest));
    const evaluation = merged(evaluations.map(({ value }) => value));
    const methods = evaluation.meta.methods.flatMap(({ name, dimension, predictions: digest }): ReportInput["methods"] => {
      const lines = evaluation.lines.filter(({ method }) => method === name);
      const of = (region: "slice" | "volume") => ({
        name,
        kind: isBaseline({ name, dimension: region === "slice" ? "2D" : "3D" }) ? ("baseline" as const) : ("ours" as const),
        digest,
        failures: counted(lines.flatMap(({ score }) => score.failures)),
        scores: lines.map(({ lesion, category, score }) => ({ lesion, category, ...score[region] })),
      });
      return dimension === "2D"
        ? [{ ...of("slice"), dimension: "2D" }]
        : [
            { ...of("slice"), dimension: "2D" },
            { ...of("volume"), dimension: "3D" },
          ];
    });
    const threeDimensional = evaluation.meta.methods.filter(({ dimension }) => dimension === "3D").map(({ name }) => name);
    const content: ReportContent = {
      datasets: datasets.map(({ name, value: { meta, lesions } }) => ({
        name: `${meta.name}, ${name}`,
        lesions: {
          train: lesions.filter(({ split }) => split === "train").length,
          test: lesions.filter(({ split }) => split === "test").length,
        },
        skipped: meta.skipped,
        notes: counted(lesions.flatMap(({ notes }) => notes)),
        origin: meta.origin,
      })),
      methods,
      offsets: threeDimensional.map((method) => ({
        method,
        points: offsetCurve(evaluation.lines.filter((line) => line.method === method).map(({ score }) => score.offsets)),
      })),
      training: trainingCurves([
        ...models.filter(({ digest }) => !rounds.some(({ model }) => model.digest === digest)),
        ...rounds.map(({ model }) => model),
      ]),
      harvest: rounds.flatMap(({ labels: { meta } }) => harvestCounts(meta)),
      precisionRecall: Object.entries(evaluation.histograms).flatMap(([method, { slice, volume }]) => [
        { method, dimension: "2D" as const, ...thinned(precisionRecall(slice)) },
        { method, dimension: "3D" as const, ...thinned(precisionRecall(volume)) },
      ]),
      gallery: [],
      remarks: remarksOf(evaluation),
      provenance: [
        ...datasets.map(({ name, digest }) => ({ what: `data set, ${name}`, digest })),
        ...labels.map(({ name, digest }) => ({ what: `labels, ${name}`, digest })),
        ...models.map(({ name, digest }) => ({ what: `model ${name}`, digest })),
        ...predictions.map(({ name, digest }) => ({ what: `masks, ${name}`, digest })),
        ...evaluations.map(({ digest }) => ({ what: "evaluation", digest })),
      ],
    };

    const shown = methods.filter(({ name, dimension }) => dimension === "3D" && predictions.some((one) => one.name === name));
    const perMethod = Math.max(1, Math.floor(params.gallery / Math.max(1, shown.length)));
    const choices =
      params.gallery === 0
        ? []
        : chooseGallery(shown, { worst: Math.max(1, perMethod - 2), median: perMethod > 1 ? 1 : 0, best: perMethod > 2 ? 1 : 0 });
    const lesions = new LesionReader(
      store,
      datasets.map(({ value }) => value),
    );
    const gallery: NonNullable<ReportContent["gallery"]> = [];
    for (const [done, choice] of choices.entries()) {
      progress({ unit: "pictures", done, total: choices.length });
      const shownLesion = await lesions.read(choice.lesion);
      if (shownLesion === null) continue;
      const { lesion, image, reference } = shownLesion;
      const mask = await readPredictedMask(store, predictions.find(({ name }) => name === choice.method)!.value, lesion.id);
      const slice = sliceOf(image, lesion.slice);
      const panels = galleryPanels({
        image: slice,
        window: lesion.window,
        marks: lesion,
        trimap: fullTrimap(lesion, slice.width, slice.height),
        prediction: sliceOf(mask, lesion.slice),
        reference: reference === undefined ? undefined : sliceOf(reference, lesion.slice),
      });
      const pictures = panels.map(({ label, png }) => ({ label, png: Buffer.from(png).toString("base64") }));
      gallery.push({ lesion: lesion.id, category: lesion.category, dice: choice.dice, title: choice.title, panels: pictures });
    }
    const complete = { title: params.title, content: { ...content, gallery } };
    const artifact = await putArtifact(store, {
      type: "report",
      meta: { title: params.title },
      files: [{ path: "content.json", bytes: Buffer.from(JSON.stringify(complete)), mediaType: "application/json" }],
    });
    return { outputs: { report: artifact }, summary: { methods: evaluation.meta.methods.length, pictures: gallery.length } };
  },
};

async function mapNamed<T>(
  refs: Named,
  open: (digest: Digest) => Promise<T>,
): Promise<{ name: string; digest: Digest; value: T }[]> {
  return Promise.all(
    Object.entries(refs).map(async ([name, { artifact }]) => ({
      name,
      digest: artifact as Digest,
      value: await open(artifact as Digest),
    })),
  );
}

function merged(evaluations: readonly Evaluation[]): Evaluation {
  const [first, ...others] = evaluations;
  return others.reduce(
    (all, next) => ({
      meta: { ...all.meta, methods: [...all.meta.methods, ...next.meta.methods] },
      lines: [...all.lines, ...next.lines],
      histograms: { ...all.histograms, ...next.histograms },
    }),
    first,
  );
}

function counted(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

interface Round {
  readonly labels: Labels;
  readonly model: { readonly name: string; readonly digest: Digest; readonly value: Model };
}

/** The rounds of Algorithm 1 that a model came from, by its record; none for a model that was trained once. */
async function roundsOf(store: Store, { record }: ArtifactRef): Promise<Round[]> {
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

function trainingCurves(models: readonly Round["model"][]): NonNullable<ReportContent["training"]> {
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

type HarvestRow = NonNullable<ReportContent["harvest"]>[number];

/** Where the labels of a round came from, by τ. */
function harvestCounts({ round, outcomes, unlabelled }: Awaited<ReturnType<typeof openLabels>>["meta"]): HarvestRow[] {
  const rows = new Map<number, HarvestRow>();
  const row = (offset: number): HarvestRow => {
    const existing = rows.get(offset) ?? { round, offset, grabcut: 0, marksOnly: 0, ignoredFallback: 0, notHarvested: 0 };
    rows.set(offset, existing);
    return existing;
  };
  const columns = { grabcut: "grabcut", "marks-only": "marksOnly", "ignored-fallback": "ignoredFallback" } as const;
  for (const [outcome, byOffset] of Object.entries(outcomes)) {
    for (const [offset, count] of Object.entries(byOffset))
      row(Number(offset))[columns[outcome as keyof typeof columns]] += count;
  }
  for (const [reason, count] of Object.entries(unlabelled)) {
    const offset = /^τ = (-?\d+)/.exec(reason);
    if (offset !== null) row(Number(offset[1])).notHarvested += count;
  }
  return [...rows.values()].sort((a, b) => a.offset - b.offset);
}

/** At most 64 points of a curve: enough to draw it. */
function thinned({ curve, best }: ReturnType<typeof precisionRecall>) {
  const step = Math.max(1, Math.ceil(curve.length / 64));
  return { curve: curve.filter((_, i) => i % step === 0 || i === curve.length - 1), best };
}

function remarksOf({ meta }: Evaluation): string[] {
  return meta.withoutReference === 0
    ? []
    : [`${meta.withoutReference} of ${meta.lesions} lesions have no reference mask and are not scored.`];
}

function fullTrimap(marks: LesionImage["lesion"], width: number, height: number) {
  const { x0, y0, x1, y1 } = roiOfMarks(marks, width, height);
  const moved = (axis: typeof marks.long): [[number, number], [number, number]] => [
    [axis[0][0] - x0, axis[0][1] - y0],
    [axis[1][0] - x0, axis[1][1] - y0],
  ];
  const roi = trimapOfMarks({ long: moved(marks.long), short: moved(marks.short) }, x1 - x0, y1 - y0);
  const data = new Uint8Array(width * height);
  for (let y = y0; y < y1; y++) data.set(roi.data.subarray((y - y0) * roi.width, (y - y0 + 1) * roi.width), y * width + x0);
  return { data, width, height };
}

/** Finds lesions by id in several data sets; keeps the shard that was read last. */
class LesionReader {
  readonly #store: Store;
  readonly #datasets: readonly Dataset[];
  readonly #shards = new Map<string, LesionImage[]>();

  constructor(store: Store, datasets: readonly Dataset[]) {
    this.#store = store;
    this.#datasets = datasets;
  }

  async read(id: string): Promise<LesionImage | null> {
    for (const dataset of this.#datasets) {
      const lesion = dataset.lesions.find((one) => one.id === id);
      if (lesion === undefined) continue;
      const key = `${dataset.digest}/${lesion.shard}`;
      if (!this.#shards.has(key)) {
        this.#shards.clear();
        this.#shards.set(key, await readShard(this.#store, dataset, lesion.shard));
      }
      return this.#shards.get(key)!.find((one) => one.lesion.id === id)!;
    }
    return null;
  }
}
