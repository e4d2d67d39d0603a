/**
 * What a sliding search finds in real CT: FROC on the 11 volumes of ../shared/data/ct-with-masks, with a small network trained on
 * semi-synthetic lesions, with and without samples beside lesions. `npx tsx bench/proposals.ts '{"lesions": 600}'`; settings
 * are those of `defaults`. The volumes are cut around their tumours, one each, so that they hold less to go wrong in than whole
 * scans. The CT of LUNG1-001 is also one of the three that lesions were put into (not where its tumour is); the rows say what is
 * left without it.
 */
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { openSemiSynthetic } from "../methods/datasets/semiSynthetic.ts";
import { largestComponent } from "../methods/imaging/components.ts";
import { readNiftiMask } from "../methods/imaging/nifti.ts";
import { openImage } from "../methods/imaging/openImage.ts";
import { type PlacedMask, placedTightly } from "../methods/imaging/placedMask.ts";
import { type Mask, sliceOf, type Volume } from "../methods/imaging/volume.ts";
import { FALSE_POSITIVE_RATES, froc, meanSensitivity, type SearchedVolume, sensitivityAt } from "../methods/metrics/froc.ts";
import { hitCriteria, proposalHits } from "../methods/metrics/proposalHits.ts";
import { augmentationSchema } from "../methods/networks/augment.ts";
import { openBackend } from "../methods/networks/backend.ts";
import { lesionTrainingSet } from "../methods/networks/lesionSet.ts";
import { encodeModel, type Model } from "../methods/networks/model.ts";
import { preprocessingSchema } from "../methods/networks/preprocess.ts";
import { defaultSearch, type Proposal, type ScoreParts, slidingSearch } from "../methods/networks/search/slidingSearch.ts";
import type { NetworkSpec } from "../methods/networks/spec.ts";
import { train } from "../methods/networks/train.ts";
import { keptForTraining, type TrainingLesion } from "../methods/networks/trainingLesion.ts";
import { trainingOptionsSchema } from "../methods/networks/trainingOptions.ts";
import { initialWeights } from "../methods/networks/weights.ts";
import { hasSharedData, sharedData } from "../test/labels/sharedData.ts";

const defaults = {
  lesions: 600,
  epochs: 40,
  seed: 1,
  /** Shares of samples beside lesions; a network for each. */
  beside: [0, 0.4],
  width: 0.25,
  rate: 2e-3,
  /** Of the search; the tumours are 32 to 103 mm long, and the time of a search goes with the third power of the smallest length. */
  search: { lengthsMm: [32, 45, 64, 90, 128] },
  /** Folder that gets the model of the last share. */
  keep: "",
};
type Settings = typeof defaults;

/** The machine may have other work. */
const processorMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Patients of lesions that are tested on. */
const excluded = ["lidcidri_195_", "000001_", "000002_", "000009_", "000010_", "000015_"];
const channels = ["window", "relative", "relative-1", "relative+1"] as const;
const preprocessing = preprocessingSchema.parse({ crop: { size: 64 }, channels });
const augmentationFor = (beside: number) =>
  augmentationSchema.parse({
    from: "image",
    flip: true,
    rotation: "any",
    window: 0.06,
    intensity: { gain: 0.15, shift: 0.1, noise: 0.12 },
    // A search meets lesions off the middle of its places, by up to a quarter of its own length along each axis.
    marks: { absent: 1, boxLength: 0.35, boxShift: 0.12, beside },
  });

async function trainingLesions({ lesions, seed }: Settings, beside: number): Promise<TrainingLesion[]> {
  const folders = { shapes: path.join(sharedData, "lesion-shapes"), backgrounds: path.join(sharedData, "ct-background") };
  const reach = { inSlice: 2.5, acrossSlices: 0.75 };
  const source = await openSemiSynthetic(folders, { lesions, seed: 10 + seed, testFraction: 0, exclude: excluded, reach });
  const kept: TrainingLesion[] = [];
  for (let i = 0; i < lesions; i++) {
    const { id, patient, image, marks, window, reference } = await source.load(i);
    const labels = new Map(Array.from({ length: image.dims[2] }, (_, z) => [z, sliceOf(reference as Mask, z)]));
    kept.push(keptForTraining({ id, patient, image, marks, window, labels }, preprocessing, augmentationFor(beside)));
  }
  return kept;
}

async function trained(settings: Settings, beside: number): Promise<Model> {
  const { seed, epochs, rate, width } = settings;
  const backend = await openBackend();
  const lesions = await trainingLesions(settings, beside);
  const spec: NetworkSpec = { network: "hnn", width, channels: channels.length, norm: "batch" };
  const options = trainingOptionsSchema.parse({
    seed,
    batch: 32,
    maxEpochs: epochs,
    rate,
    lowRate: rate / 100,
    schedule: "cosine",
    warmupSteps: 50,
    validationFraction: 0,
    adam: { weightDecay: 1e-4 },
    loss: { dice: 0.5 },
    augmentation: augmentationFor(beside),
    sampling: { per: "lesion", keySlice: 0.3 },
  });
  const samples = lesionTrainingSet(lesions, preprocessing, options);
  const started = processorMs();
  const { weights, history } = await train({
    spec,
    preprocessing,
    init: initialWeights(spec, seed, "small"),
    samples,
    options,
    backend,
  });
  console.log(
    `\n${beside * 100} % of the samples beside lesions: ${lesions.length * epochs} images in ${((processorMs() - started) / 1000).toFixed(0)} s of processor time`,
  );
  return { spec, preprocessing, training: { options, history: [...history] }, weights };
}

interface Real {
  readonly name: string;
  readonly volume: Volume;
  readonly lesions: readonly PlacedMask[];
}

async function* realVolumes(): AsyncGenerator<Real> {
  const root = path.join(sharedData, "ct-with-masks");
  const first = (name: string, files: readonly string[]): string | undefined =>
    files.map((file) => path.join(root, name, file)).find(existsSync);
  for (const name of (await readdir(root)).sort()) {
    const image = first(name, ["CT_image.nii.gz", "nifti/image/phantom.nii.gz"]);
    const mask = first(name, ["CT_mask.nii.gz", "mask_GTV-1.nii.gz", "nifti/mask/mask.nii.gz"]);
    if (image === undefined || mask === undefined) continue;
    const { volume } = await openImage(image);
    const all = readNiftiMask(await readFile(mask), mask);
    const lesion = placedTightly({ ...all, data: largestComponent(all.data, all.dims, 26) }, [0, 0, 0])!;
    yield { name, volume, lesions: [lesion] };
  }
}

/** Scores that could have been, beside the one that is declared. */
const scores: Readonly<Record<string, (parts: ScoreParts) => number>> = {
  "the product": ({ probability, contrast, agreement, plausibility }) => probability * contrast * agreement * plausibility,
  "mean Ŷ alone": ({ probability }) => probability,
  "mean Ŷ × plausibility": ({ probability, plausibility }) => probability * plausibility,
};

if (!hasSharedData) {
  console.log("skipped: ../shared/data is absent");
} else {
  const settings: Settings = { ...defaults, ...JSON.parse(process.argv[2] ?? "{}") };
  console.log(JSON.stringify(settings));
  const backend = await openBackend();
  for (const beside of settings.beside) {
    const model = await trained(settings, beside);
    if (settings.keep !== "")
      for (const [name, bytes] of Object.entries(encodeModel(model))) await writeFile(path.join(settings.keep, name), bytes);
    const searched: (Real & { proposals: Proposal[] })[] = [];
    for await (const real of realVolumes()) {
      const started = processorMs();
      let places = 0;
      const proposals = await slidingSearch(model, backend, real.volume, { ...defaultSearch, ...settings.search }, (at) => {
        if (at.phase === "looking") places = at.total;
      });
      searched.push({ ...real, proposals });
      const rank = proposals.findIndex(({ mask }) => proposalHits(mask, real.lesions, "centre").length > 0) + 1;
      const seconds = ((processorMs() - started) / 1000).toFixed(1);
      const mm = real.volume.dims.map((n, axis) => (n * real.volume.spacingMm[axis]).toFixed(0)).join(" × ");
      console.log(
        `${real.name.padEnd(34)} ${mm.padEnd(16)} mm, ${places} places in ${seconds} s of processor time, ${proposals.length} proposals, the tumour is ${rank === 0 ? "not among them" : `number ${rank}`}`,
      );
    }
    for (const criterion of hitCriteria)
      for (const [name, scoreOf] of Object.entries(scores))
        for (const without of criterion === "centre" && name === "the product" ? ["", "LUNG1-001"] : [""]) {
          const volumes = searched
            .filter((real) => without === "" || !real.name.includes(without))
            .map(({ proposals, lesions }): SearchedVolume => {
              const scored = proposals.map(({ parts, mask }) => ({
                score: scoreOf(parts),
                hits: proposalHits(mask, lesions, criterion),
              }));
              return { proposals: scored, lesions: lesions.length };
            });
          const curve = froc(volumes)!;
          const read = FALSE_POSITIVE_RATES.map((rate) => `${rate}: ${sensitivityAt(curve, rate).toFixed(2)}`).join("  ");
          const who = `${criterion}, ${name}${without === "" ? "" : `, without ${without}`}, ${curve.lesions} lesions`;
          const all = (Math.max(0, ...curve.points.map(({ sensitivity }) => sensitivity)) * curve.lesions).toFixed(0);
          console.log(`${who.padEnd(52)} ${read}  mean ${meanSensitivity(curve).toFixed(2)}; found in all ${all}`);
        }
  }
}
