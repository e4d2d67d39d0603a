/**
 * Training on semi-synthetic lesions, testing on the 14 real ones in ../shared/data, without an engine: for asking what a
 * setting does before a campaign is spent on it. `npx tsx bench/realCt.ts '{"lesions": 400, "epochs": 40}'`; settings
 * are those of `defaults`; `'{"seeds": []}'` trains nothing and prints what needs no network. A network of whole lesions:
 * `'{"stack": {"planes": 15}, "size": 48, "batch": 4, "lesions": 1000, "epochs": 6}'`. Networks of a campaign,
 * exported to folders, are tested with `'{"models": ["folder", …]}'`. The 14 lesions are 11 of ct-with-masks (imported as
 * by dataset.import) and 3 of DeepLesion (marks measured in their masks); what is chosen by their scores is chosen with
 * them in view.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { z } from "zod";
import type { LesionCase } from "../methods/datasets/lesionCase.ts";
import { caseOfMask } from "../methods/datasets/maskedLesion.ts";
import { openNiftiMasks } from "../methods/datasets/niftiMasks.ts";
import { openSemiSynthetic } from "../methods/datasets/semiSynthetic.ts";
import { cropVolume } from "../methods/imaging/crop.ts";
import { type Mask, sliceOf } from "../methods/imaging/volume.ts";
import { rangeOfMask } from "../methods/imaging/voxelRange.ts";
import { priorCutVolume } from "../methods/labels/priorCut.ts";
import { segmentVolume } from "../methods/labels/volume.ts";
import { augmentationSchema } from "../methods/networks/augment.ts";
import { type Backend, openBackend } from "../methods/networks/backend.ts";
import { centreAndLength } from "../methods/networks/lesionRegion.ts";
import { lesionTrainingSet } from "../methods/networks/lesionSet.ts";
import { decodeModel, encodeModel, type Model } from "../methods/networks/model.ts";
import { predictVolume, type VolumePredictionOptions } from "../methods/networks/predictVolume.ts";
import { preprocessingSchema, type stackSchema } from "../methods/networks/preprocess.ts";
import type { NetworkSpec } from "../methods/networks/spec.ts";
import { train } from "../methods/networks/train.ts";
import { keptForTraining, type TrainingLesion } from "../methods/networks/trainingLesion.ts";
import { trainingOptionsSchema } from "../methods/networks/trainingOptions.ts";
import { initialWeights } from "../methods/networks/weights.ts";
import { deepLesions, dice, hasSharedData, sharedData } from "../test/labels/sharedData.ts";

/** Those of pipelines/real-ct.yaml, but for a smaller and shorter training. */
const defaults = {
  lesions: 400,
  epochs: 40,
  seeds: [1],
  draws: [1, 2],
  labels: "reference" as "reference" | "prior",
  network: "unet" as NetworkSpec["network"],
  /** Planes and reach of a network of stacks; if absent, it looks at single slices. */
  stack: undefined as z.input<typeof stackSchema> | undefined,
  /** Side of the network's input in pixels. */
  size: 64,
  /** Slices, or stacks, in a step of training. */
  batch: 32,
  width: 0.25,
  rate: 2e-3,
  dice: 0.5,
  /** Other options of the semi-synthetic lesions, e.g. {"markNoise": 0}, as the upper bound has it. */
  images: {},
  /** Other options of the augmentation, and of its marks. */
  augment: {},
  augmentMarks: {},
  /** A folder for the networks that are trained. */
  out: null as string | null,
  /** Folders of exported models (`recist3d export CAMPAIGN/STEP.model --out FOLDER`) to test instead of training. */
  models: [] as string[],
};
type Settings = typeof defaults;

/** Patients of lesions that are tested on. */
const excluded = ["lidcidri_195_", "000001_", "000002_", "000009_", "000010_", "000015_"];
const channels = ["window", "relative", "relative-1", "relative+1", "relative@key", "ellipsoid", "ellipse", "distance"] as const;
/** Planes of a stack see each other without channels of neighbours. */
const stackChannels = channels.filter((name) => name !== "relative-1" && name !== "relative+1");
const preprocessingOf = ({ stack, size }: Settings) =>
  preprocessingSchema.parse({ crop: { size }, channels: stack === undefined ? channels : stackChannels, stack });
const augmentation = {
  from: "image",
  flip: true,
  rotation: "any",
  window: 0.06,
  intensity: { gain: 0.15, shift: 0.1, noise: 0.12 },
  marks: { length: 0.2, lengthShare: 0.2, shiftPx: 0.3, shiftShare: 0.3, absent: 0.2, boxLength: 0.25, boxShift: 0.06 },
} as const;
const augmentationOf = ({ augment, augmentMarks }: Settings): z.output<typeof augmentationSchema> =>
  augmentationSchema.parse({ ...augmentation, ...augment, marks: { ...augmentation.marks, ...augmentMarks } });
const looking: VolumePredictionOptions = { testTimeFlip: true, extent: 0.9 };

async function trainingLesions(settings: Settings): Promise<TrainingLesion[]> {
  const { lesions, labels, images } = settings;
  const augmentation = augmentationOf(settings);
  const preprocessing = preprocessingOf(settings);
  const folders = { shapes: path.join(sharedData, "lesion-shapes"), backgrounds: path.join(sharedData, "ct-background") };
  const options = {
    lesions,
    seed: 11,
    testFraction: 0,
    markNoise: 0.2,
    exclude: excluded,
    longAxisPx: [14, 110],
    reach: { inSlice: 1, acrossSlices: 1.1 },
    ...images,
  } as const;
  const source = await openSemiSynthetic(folders, options);
  const kept: TrainingLesion[] = [];
  for (let i = 0; i < lesions; i++) {
    const { id, patient, image, marks, window, reference } = await source.load(i);
    const mask = labels === "reference" ? (reference as Mask) : priorCutVolume(image, marks, window).mask;
    const maps = new Map(Array.from({ length: image.dims[2] }, (_, slice) => [slice, sliceOf(mask, slice)]));
    kept.push(keptForTraining({ id, patient, image, marks, window, labels: maps }, preprocessing, augmentation));
  }
  return kept;
}

async function realLesions(noise: number, seed: number): Promise<LesionCase[]> {
  const source = await openNiftiMasks(path.join(sharedData, "ct-with-masks"), { seed, noise });
  const cases: LesionCase[] = [];
  for (let i = 0; i < source.entries.length; i++) cases.push(...(await source.load(i)).cases);
  for (const { name, image, truth } of deepLesions()) {
    const { start, end } = rangeOfMask(truth.data, truth.dims)!;
    const about = { id: name, patient: name, category: "unknown", series: name, window: "auto", notes: [] } as const;
    cases.push(caseOfMask(image, cropVolume(truth, start, end), start, about, { seed, noise })!);
  }
  return cases;
}

/** Dice on the RECIST slice and in the volume, and how much too large (> 1) the section and the volume are. */
interface Score {
  readonly id: string;
  readonly slice: number;
  readonly volume: number;
  readonly area: number;
  readonly size: number;
  /** Dice in the volume if the mask ended where the lesion does across slices. */
  readonly cutOff: number;
  /** Dice of the lesion's own mask if it ended where the found one does. */
  readonly extent: number;
}

function scoreOf({ id, marks, reference }: LesionCase, mask: Mask): Score {
  const truth = reference as Mask;
  const [found, drawn] = [mask, truth].map((m) => sliceOf(m, marks.slice).data);
  const size = (data: Uint8Array): number => data.reduce((sum, v) => sum + v, 0);
  return {
    id,
    slice: dice(found, drawn),
    volume: dice(mask.data, truth.data),
    area: size(found) / size(drawn),
    size: size(mask.data) / size(truth.data),
    cutOff: dice(withinSlicesOf(truth, mask), truth.data),
    extent: dice(withinSlicesOf(mask, truth), truth.data),
  };
}

/** `mask` on the slices on which `other` is not empty. */
function withinSlicesOf(other: Mask, mask: Mask): Uint8Array {
  const perSlice = mask.dims[0] * mask.dims[1];
  const kept = Array.from({ length: mask.dims[2] }, (_, z) => other.data.subarray(z * perSlice, (z + 1) * perSlice).includes(1));
  return mask.data.map((inside, i) => (kept[Math.floor(i / perSlice)] ? inside : 0));
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
const dices = (scores: readonly Score[]): string =>
  `${mean(scores.map(({ slice }) => slice)).toFixed(3)} / ${mean(scores.map(({ volume }) => volume)).toFixed(3)}`;

interface TestLesions {
  readonly exact: readonly LesionCase[];
  readonly noisy: readonly { readonly draw: number; readonly cases: readonly LesionCase[] }[];
}

/** Trains one network. */
async function trained(settings: Settings, lesions: TrainingLesion[], seed: number, backend: Backend): Promise<Model> {
  const preprocessing = preprocessingOf(settings);
  const spec: NetworkSpec = {
    network: settings.network,
    width: settings.width,
    channels: preprocessing.channels.length,
    norm: "batch",
    planes: settings.stack?.planes,
  };
  const options = trainingOptionsSchema.parse({
    seed,
    batch: settings.batch,
    maxEpochs: settings.epochs,
    rate: settings.rate,
    lowRate: settings.rate / 100,
    schedule: "cosine",
    warmupSteps: 50,
    validationFraction: 0,
    adam: { weightDecay: 1e-4 },
    loss: { dice: settings.dice },
    augmentation: augmentationOf(settings),
    sampling: { per: "lesion", keySlice: 0.3 },
  });
  const samples = lesionTrainingSet(lesions, preprocessing, options);
  const init = initialWeights(spec, seed, spec.network === "unet" ? "he" : "small");
  const started = performance.now();
  const { weights } = await train({ spec, preprocessing, init, samples, options, backend });
  const seconds = (performance.now() - started) / 1000;
  console.log(`\nseed ${seed}: ${lesions.length * settings.epochs} images in ${seconds.toFixed(0)} s`);
  return { spec, preprocessing, training: null, weights };
}

async function writeModel(folder: string, model: Model): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(encodeModel(model))) await writeFile(path.join(folder, name), content);
}

/** Prints what needs no network, at the same marks. */
function testedWithoutLearning({ exact, noisy }: TestLesions): void {
  for (const method of ["ellipsoid", "grabcut-prior-3d"] as const) {
    const scores = (cases: readonly LesionCase[]): Score[] =>
      cases.map((lesion) => scoreOf(lesion, segmentVolume(method, lesion.image, lesion.marks, lesion.window).mask));
    console.log(`${method}, exact`.padEnd(24), "14 lesions:", dices(scores(exact)));
    const draws = noisy.map(({ draw, cases }) => ({ draw, of: scores(cases) }));
    for (const { draw, of } of draws) console.log(`… noisy, draw ${draw}`.padEnd(24), "14 lesions:", dices(of));
    console.log("… mean over the draws".padEnd(24), "14 lesions:", dices(draws.flatMap(({ of }) => of)));
  }
}

/** Prints Dice on the RECIST slice / in the volume. */
async function tested(model: Model, { exact, noisy }: TestLesions, backend: Backend): Promise<void> {
  const scores = async (cases: readonly LesionCase[], more: VolumePredictionOptions, boxed = false): Promise<Score[]> => {
    const all: Score[] = [];
    for (const lesion of cases) {
      const { image, marks, window } = lesion;
      const region = boxed ? { slice: marks.slice, ...centreAndLength(marks) } : marks;
      const { mask } = await predictVolume(model, backend, { image, marks: region, window }, { ...looking, ...more });
      all.push(scoreOf(lesion, mask));
    }
    return all;
  };
  const plain = await scores(exact, {});
  const row = (name: string, of: readonly Score[]): void =>
    console.log(name.padEnd(24), "14 lesions:", dices(of), "  the 11 of ct-with-masks:", dices(of.slice(0, 11)));
  row("exact", plain);
  row("exact, prior's cut", await scores(exact, { postprocess: "prior" }));
  for (const { draw, cases } of noisy) {
    row(`noisy, draw ${draw}`, await scores(cases, {}));
    row("… prior's cut", await scores(cases, { postprocess: "prior" }));
  }
  console.log(
    `exact, 3D: ${mean(plain.map(({ cutOff }) => cutOff)).toFixed(3)} on the lesions' own slices alone; their own masks on the slices found: ${mean(plain.map(({ extent }) => extent)).toFixed(3)}`,
  );
  row("without marks", await scores(exact, {}, true));
  row("… that it measures", await scores(exact, { measured: true }, true));
  for (const { id, slice, volume, area, size } of plain)
    console.log(id.padEnd(48), slice.toFixed(3), volume.toFixed(3), `area × ${area.toFixed(2)}, volume × ${size.toFixed(2)}`);
}

if (!hasSharedData) {
  console.log("skipped: ../shared/data is absent");
} else {
  const settings: Settings = { ...defaults, ...JSON.parse(process.argv[2] ?? "{}") };
  console.log(JSON.stringify(settings));
  const backend = await openBackend();
  const exact = await realLesions(0, 1);
  const noisy = await Promise.all(settings.draws.map(async (draw) => ({ draw, cases: await realLesions(0.2, draw) })));
  testedWithoutLearning({ exact, noisy });
  for (const folder of settings.models) {
    console.log(`\n${folder}`);
    const names = ["model.json", "weights.safetensors"];
    const files = await Promise.all(names.map(async (name) => [name, await readFile(path.join(folder, name))] as const));
    await tested(decodeModel(Object.fromEntries(files), folder), { exact, noisy }, backend);
  }
  if (settings.models.length === 0) {
    const lesions = await trainingLesions(settings);
    for (const seed of settings.seeds) {
      const model = await trained(settings, lesions, seed, backend);
      if (settings.out !== null) await writeModel(path.join(settings.out, String(seed)), model);
      await tested(model, { exact, noisy }, backend);
    }
  }
}
