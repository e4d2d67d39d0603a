import { putArtifact } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { InputError } from "../../methods/inputError.ts";
import { precisionRecall } from "../../methods/metrics/precisionRecall.ts";
import { scoreColumns } from "../../methods/metrics/scoreColumns.ts";
import { chooseGallery, chooseUnmeasured, type GalleryChoice } from "../../report/gallery.ts";
import { isBaseline } from "../../report/numbers.ts";
import type { ReportInput } from "../../report/reportInput.ts";
import type { ArtifactRef } from "../../schemas/messages.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { type Dataset, openDataset } from "../datasets.ts";
import { loadEnhancer } from "../enhancers.ts";
import { type Evaluation, openEvaluation, regionOf } from "../evaluations.ts";
import { openLabels } from "../labels.ts";
import { loadModel } from "../models.ts";
import { openPredictions, type Predictions } from "../predictions.ts";
import { openQuality, qualityOf } from "../quality.ts";
import { GalleryPainter } from "../reportGallery.ts";
import { enhancementOf, harvestCounts, roundsOf, trainingCurves } from "../reportTraining.ts";
import { responseData, volumeData, volumeRemarks } from "../reportVolumes.ts";
import { revisionRemarks } from "../revisions.ts";
import { openStudy } from "../studies.ts";
import { openVolumes } from "../volumes.ts";
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
    const enhancers = await mapNamed(namedInputs(inputs, "enhancers"), (digest) => loadEnhancer(store, digest));
    const predictions = await mapNamed(namedInputs(inputs, "predictions"), (digest) => openPredictions(store, digest));
    const quality = await mapNamed(namedInputs(inputs, "quality"), (digest) => openQuality(store, digest));
    const volumes = await mapNamed(namedInputs(inputs, "volumes"), (digest) => openVolumes(store, digest));
    const studies = await mapNamed(namedInputs(inputs, "studies"), (digest) => openStudy(store, digest));
    const measured = measuredOn(evaluations);
    // Tables of no lesion would say nothing: that none has a reference mask stands in the remarks.
    const scored = measured.filter((one) => one.evaluations.some(({ lines }) => lines.length > 0));
    const methods = scored.flatMap(methodsOf);
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
      evaluations: scored.map(({ data, evaluations: [{ meta }] }) => ({
        data,
        origin: meta.reference.origin,
        lesions: meta.lesions,
        withoutReference: meta.withoutReference,
        tolerancesMm: meta.tolerancesMm,
        ...meta.statistics,
      })),
      methods,
      training: trainingCurves([
        ...models.filter(({ digest }) => !rounds.some(({ model }) => model.digest === digest)),
        ...rounds.map(({ model }) => model),
      ]),
      harvest: rounds.flatMap(({ labels: { meta } }) => harvestCounts(meta)),
      ...(enhancers.length === 0 ? {} : { enhancement: enhancers.map(enhancementOf) }),
      precisionRecall: scored.flatMap(curvesOf),
      ...(quality.length === 0 ? {} : { quality: quality.map(qualityOf) }),
      ...(studies.length === 0 ? {} : { studies: studies.map(({ name, value }) => ({ name, ...value })) }),
      gallery: [],
      ...(volumes.length === 0 ? {} : { volumes: volumeData(volumes), responses: responseData(volumes) }),
      remarks: [
        ...measured.flatMap(remarksOf),
        ...volumeRemarks(volumes),
        ...(await Promise.all(labels.map((one) => revisionRemarks(store, one)))).flat(),
      ],
      provenance: [
        ...datasets.map(({ name, digest }) => ({ what: `data set, ${name}`, digest })),
        ...labels.map(({ name, digest }) => ({ what: `labels, ${name}`, digest })),
        ...models.map(({ name, digest }) => ({ what: `model ${name}`, digest })),
        ...enhancers.map(({ name, digest }) => ({ what: `enhancer ${name}`, digest })),
        ...predictions.map(({ name, digest }) => ({ what: `masks, ${name}`, digest })),
        ...evaluations.map(({ digest }) => ({ what: "evaluation", digest })),
        ...quality.map(({ name, digest }) => ({ what: `image quality, ${name}`, digest })),
        ...volumes.map(({ name, digest }) => ({ what: `volumes, ${name}`, digest })),
        ...studies.map(({ name, digest }) => ({ what: `study of readers, ${name}`, digest })),
      ],
    };

    // The masks that were scored: another data set's masks may have the same display name.
    const masksOf = ({ digest }: Pick<ReportInput["methods"][number], "digest">) =>
      predictions.find((one) => one.digest === digest);
    const shown = methods.filter((method) => method.dimension === "3D" && masksOf(method) !== undefined);
    const perMethod = Math.max(1, Math.floor(params.gallery / Math.max(1, shown.length)));
    const share = { worst: Math.max(1, perMethod - 2), median: perMethod > 1 ? 1 : 0, best: perMethod > 2 ? 1 : 0 };
    const choices =
      params.gallery === 0
        ? []
        : methods.some(({ scores }) => scores.length > 0)
          ? shown.flatMap((method) => chooseGallery([method], share).map((choice) => ({ choice, masks: masksOf(method)!.value })))
          : unmeasured(predictions, datasets, params.gallery);
    const painter = new GalleryPainter(
      store,
      datasets.map(({ value }) => value),
    );
    const gallery: NonNullable<ReportContent["gallery"]> = [];
    for (const [done, { choice, masks }] of choices.entries()) {
      progress({ unit: "pictures", done, total: choices.length });
      const picture = await painter.paint(choice, masks);
      if (picture !== null) gallery.push(picture);
    }
    const complete = { title: params.title, content: { ...content, gallery } };
    const artifact = await putArtifact(store, {
      type: "report",
      meta: { title: params.title },
      files: [{ path: "content.json", bytes: Buffer.from(JSON.stringify(complete)), mediaType: "application/json" }],
    });
    return { outputs: { report: artifact }, summary: { methods: methods.length, pictures: gallery.length } };
  },
};

/** What to show where no lesion has a reference mask: masks all the same. */
function unmeasured(
  predictions: readonly { readonly name: string; readonly value: Predictions }[],
  datasets: readonly { readonly value: Dataset }[],
  most: number,
): { choice: GalleryChoice; masks: Predictions }[] {
  const categories = new Map(datasets.flatMap(({ value }) => value.lesions.map(({ id, category }) => [id, category] as const)));
  const lesions = Array.from(categories, ([lesion, category]) => ({ lesion, category }));
  const volumes = predictions.filter(({ value }) => value.meta.dimension === "3D");
  const perMethod = Math.max(1, Math.floor(most / Math.max(1, volumes.length)));
  return volumes.flatMap(({ name, value: masks }) => {
    const own = lesions.filter(({ lesion }) => masks.lines.has(lesion));
    return chooseUnmeasured({ name, dimension: "3D", lesions: own }, perMethod).map((choice) => ({ choice, masks }));
  });
}

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

/** Evaluations on one data set, under a name that no other data set of the report has. */
interface Measured {
  readonly data: string;
  readonly evaluations: readonly Evaluation[];
}

/**
 * A report on one data set calls it by its own name; of several, each has the display name of its evaluation, or its own
 * where several evaluations were made on it.
 *
 * @throws InputError where evaluations on one data set share a method's name, or were not made in the same way.
 */
function measuredOn(evaluations: readonly { readonly name: string; readonly value: Evaluation }[]): Measured[] {
  const groups = new Map<string, Evaluation[]>();
  const displayNames = new Map<Evaluation, string>();
  for (const { name, value } of evaluations) {
    const { digest } = value.meta.reference;
    groups.set(digest, [...(groups.get(digest) ?? []), value]);
    displayNames.set(value, name);
  }
  const nameOf = ({ meta: { reference } }: Evaluation): string =>
    reference.split === "all" ? reference.name : `${reference.name}, ${reference.split}`;
  const names = [...groups.values()].map((group) =>
    groups.size > 1 && group.length === 1 ? displayNames.get(group[0])! : nameOf(group[0]),
  );
  return [...groups.values()].map((group, i) => {
    const { reference, methods, tolerancesMm, statistics } = group[0].meta;
    const settings = JSON.stringify({ tolerancesMm, statistics });
    const seen = new Set(methods.map(({ name }) => name));
    for (const { meta } of group.slice(1)) {
      if (JSON.stringify({ tolerancesMm: meta.tolerancesMm, statistics: meta.statistics }) !== settings) {
        const remedy = "give all evaluations of a data set the same tolerancesMm, sizesMm and bootstrap";
        throw new InputError("was evaluated in two ways, which one table cannot hold", nameOf(group[0]), remedy);
      }
      for (const { name } of meta.methods) {
        if (seen.has(name)) {
          throw new InputError(`has two methods named "${name}"`, nameOf(group[0]), "give each its own name in `predictions`");
        }
        seen.add(name);
      }
    }
    const unique = names.indexOf(names[i]) === names.lastIndexOf(names[i]);
    return { data: unique ? names[i] : `${names[i]} (${reference.digest.slice(0, 8)})`, evaluations: group };
  });
}

function methodsOf({ data, evaluations }: Measured): ReportInput["methods"] {
  return evaluations.flatMap(({ meta, lines, strata }) =>
    strata.map(({ method, dimension, strata: own }): ReportInput["methods"][number] => {
      const ours = lines.filter((line) => line.method === method);
      return {
        data,
        name: method,
        dimension,
        kind: isBaseline({ name: method, dimension }) ? "baseline" : "ours",
        digest: meta.methods.find(({ name }) => name === method)!.predictions,
        failures: counted(ours.flatMap(({ failures }) => failures)),
        scores: ours.map((line) => {
          const { lesion, patient, category, longMm, shortMm } = line;
          return { lesion, patient, category, longMm, shortMm, columns: scoreColumns(regionOf(line, dimension)!) };
        }),
        strata: [...own],
      };
    }),
  );
}

function curvesOf({ data, evaluations }: Measured): NonNullable<ReportContent["precisionRecall"]> {
  return evaluations.flatMap(({ histograms }) =>
    Object.entries(histograms).flatMap(([method, { slice, volume }]) => [
      { data, method, dimension: "2D" as const, ...thinned(precisionRecall(slice)) },
      ...(volume === null ? [] : [{ data, method, dimension: "3D" as const, ...thinned(precisionRecall(volume)) }]),
    ]),
  );
}

function counted(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

/** At most 64 points of a curve: enough to draw it. */
function thinned({ curve, ...points }: ReturnType<typeof precisionRecall>) {
  const step = Math.max(1, Math.ceil(curve.length / 64));
  return { curve: curve.filter((_, i) => i % step === 0 || i === curve.length - 1), ...points };
}

function remarksOf({ data, evaluations: [{ meta }] }: Measured): string[] {
  return meta.withoutReference === 0
    ? []
    : [`${data}: ${meta.withoutReference} of ${meta.lesions} lesions have no reference mask and are not scored.`];
}
