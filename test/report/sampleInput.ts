import type { Slice } from "../../methods/imaging/volume.ts";
import type { ScoreColumns } from "../../methods/metrics/scoreColumns.ts";
import { Strata } from "../../methods/metrics/strata.ts";
import { randomStream } from "../../methods/random.ts";
import { galleryPanels } from "../../report/gallery.ts";
import type { ReportInput } from "../../report/reportInput.ts";
import { categories } from "../../schemas/dataset.ts";

const digest = (n: number): string => n.toString(16).padStart(2, "0").repeat(32);

/** What the sample's scores were measured with. */
export const sampleEvaluation: ReportInput["evaluations"][number] = {
  data: "phantoms",
  origin: "semi-synthetic",
  lesions: 24,
  withoutReference: 0,
  tolerancesMm: [1],
  sizesMm: [10, 20],
  bootstrap: { unit: "patient", resamples: 200, level: 0.95, seed: 1 },
};

type Scores = ReportInput["methods"][number]["scores"];

/** Scores with the summaries that an evaluation adds; slices by their offset where there are some. */
export function measured(
  scores: Scores,
  slices: readonly { offset: number; patient: string; inReference: boolean; scores: ScoreColumns }[] = [],
): Pick<ReportInput["methods"][number], "data" | "scores" | "strata"> {
  const strata = new Strata(sampleEvaluation);
  for (const { columns, ...lesion } of scores) strata.addLesion({ ...lesion, scores: columns });
  for (const slice of slices) strata.addSlice(slice);
  return { data: sampleEvaluation.data, scores, strata: strata.summaries() };
}

/** Invented scores around a mean, the same lesions for every method. */
function scores(method: number, mean: number, lesions = 24): Scores {
  return Array.from({ length: lesions }, (_, i) => {
    const random = randomStream(1, "sample scores", i);
    const hardness = random.normal();
    const own = randomStream(1, "sample scores of a method", method, i);
    const dice = Math.min(0.99, Math.max(0, mean + 0.06 * hardness + 0.03 * own.normal()));
    const lost = method === 3 && i === 5;
    return {
      lesion: `lesion-${String(i).padStart(3, "0")}`,
      patient: `patient-${Math.floor(i / 2)}`,
      category: categories[i % 8],
      longMm: 6 + i,
      shortMm: 5 + i / 2,
      columns: {
        recall: lost ? 0 : Math.min(1, dice + 0.03 * own.normal()),
        precision: lost ? null : Math.min(1, dice + 0.03 * own.normal()),
        dice: lost ? 0 : dice,
        iou: lost ? 0 : dice / (2 - dice),
        volumetricSimilarity: lost ? 0 : Math.min(1, dice + 0.04),
        avdVoxels: lost ? null : 2 * (1 - dice),
        avdMm: lost ? null : 1.6 * (1 - dice),
        hausdorffMm: lost ? null : 14 * (1 - dice),
        hausdorff95Mm: lost ? null : 8 * (1 - dice),
        surfaceDice1mm: lost ? 0 : dice,
        volumeDifferenceMm3: 400 * (dice - 0.8),
        absoluteVolumeDifferenceMm3: Math.abs(400 * (dice - 0.8)),
        absoluteRelativeVolumeDifference: Math.abs(dice - 0.8),
      },
    };
  });
}

/** Slices of twelve patients up to seven from the RECIST slice, worse the farther. */
function slices(k: number): { offset: number; patient: string; inReference: boolean; scores: ScoreColumns }[] {
  return Array.from({ length: 96 }, (_, i) => {
    const offset = (i % 15) - 7;
    const noise = 0.04 * randomStream(1, "sample slices", k, i).normal();
    const inReference = Math.abs(offset) < 6 || i % 2 === 0;
    return {
      offset,
      patient: `patient-${i % 12}`,
      inReference,
      scores: { dice: 0.92 - Math.abs(offset) * (0.08 - 0.015 * k) + noise },
    };
  });
}

function disc(side: number, cx: number, cy: number, radius: number): Slice<Uint8Array> {
  const data = Uint8Array.from({ length: side * side }, (_, i) =>
    Math.hypot((i % side) - cx, Math.floor(i / side) - cy) <= radius ? 1 : 0,
  );
  return { data, width: side, height: side };
}

function gallery(): NonNullable<ReportInput["gallery"]> {
  return ["worst", "median", "best"].map((rank, n) => {
    const side = 64;
    const random = randomStream(2, "sample image", n);
    const reference = disc(side, 32, 30, 11);
    const prediction = disc(side, 36 - 2 * n, 31, 7 + 2 * n);
    const image = {
      width: side,
      height: side,
      data: Float32Array.from(reference.data, (v) => (v === 1 ? 70 : -40) + 18 * random.normal()),
    };
    const trimap = {
      width: side,
      height: side,
      data: Uint8Array.from(
        { length: side * side },
        (_, i) =>
          [1, 1, 3, 2, 0, 0, 0, 0, 0][Math.min(8, Math.floor(Math.hypot((i % side) - 32, Math.floor(i / side) - 30) / 4))],
      ),
    };
    const panels = galleryPanels({
      image,
      window: { low: -160, high: 240 },
      marks: {
        long: [
          [21, 30],
          [43, 30],
        ],
        short: [
          [32, 20],
          [32, 41],
        ],
      },
      trimap,
      prediction,
      reference,
    });
    return {
      lesion: `lesion-00${n}`,
      category: categories[n],
      dice: [0.41, 0.78, 0.93][n],
      title: `WSSS-GC 3D, ${rank}`,
      panels: panels.map(({ label, png }) => ({ label, png: Buffer.from(png).toString("base64") })),
    };
  });
}

const galleryOnce = gallery();

/** An invented campaign with something in every section. */
export function sampleInput(): ReportInput {
  const method = (name: string, dimension: "2D" | "3D", mean: number, n: number): ReportInput["methods"][number] => ({
    name,
    dimension,
    kind: name.startsWith("ellips") ? "baseline" : "ours",
    ...measured(scores(n, mean), dimension === "3D" ? slices(n - 5) : []),
    failures: n === 3 ? { "empty prediction": 1 } : {},
    digest: digest(n + 16),
  });
  const step = (
    name: string,
    uses: string,
    after: string[],
    seconds: number | null,
    cached = false,
  ): ReportInput["dag"]["steps"][number] => ({
    name,
    uses,
    cached,
    state: "done",
    seconds,
    outputs: { output: digest(name.length) },
    after,
  });
  return {
    campaign: { id: "demo-2026", pipeline: "demo", started: "2026-03-01T09:30:05Z", finished: "2026-03-01T11:42:50.250Z" },
    environment: { version: "0.1.0", commit: "f30a438", backend: "tfjs-node 4.22.0", machine: "2 cores" },
    dag: {
      steps: [
        step("lesions", "dataset.import", [], 12.4, true),
        step("masks", "labels.initial", ["lesions"], 31, true),
        step("theta0", "network.train", ["lesions", "masks"], 2712),
        step("wsss", "segmentation.self-paced", ["lesions", "theta0"], 4120.6),
        step("masks3d", "segmentation.predict", ["lesions", "wsss"], 96),
        step("ellipsoids", "segmentation.classical", ["lesions"], 0.9),
        step("scores", "evaluate", ["masks3d", "ellipsoids", "lesions"], 8),
      ],
    },
    datasets: [
      {
        name: "phantoms",
        lesions: { train: 96, test: 24 },
        skipped: { "image file is absent": 7 },
        notes: { "z spacing was negative": 2 },
        origin: "semi-synthetic",
      },
    ],
    evaluations: [sampleEvaluation],
    methods: [
      method("RECIST", "2D", 0.54, 0),
      method("GrabCut", "2D", 0.62, 3),
      method("GrabCut-R", "2D", 0.89, 1),
      method("HNN-GC", "2D", 0.93, 2),
      method("ellipse", "2D", 0.91, 4),
      method("GrabCut-3DE", "3D", 0.66, 5),
      method("HNN", "3D", 0.72, 6),
      method("WSSS-GC", "3D", 0.78, 7),
      method("ellipsoid", "3D", 0.68, 8),
    ],
    training: ["θ⁰", "θ¹", "θ²"].map((model, k) => ({
      model,
      digest: digest(40 + k),
      epochs: Array.from({ length: 12 }, (_, e) => ({
        epoch: e + 1,
        trainLoss: 0.6 / (1 + 0.5 * e) + 0.1 / (k + 1),
        validationLoss: 0.62 / (1 + 0.45 * e) + 0.14 / (k + 1),
        rate: e < 9 ? 5e-5 : 1e-5,
      })),
    })),
    harvest: [1, 2]
      .flatMap((round) =>
        [-2, -1, 0, 1, 2].map((offset) => ({
          round,
          offset,
          grabcut: 80 - 8 * Math.abs(offset) + 2 * round,
          marksOnly: 3 * Math.abs(offset),
          ignoredFallback: 4,
          notHarvested: 9 * Math.abs(offset) - round,
        })),
      )
      .map((h) => ({ ...h, notHarvested: Math.max(0, h.notHarvested) })),
    precisionRecall: [
      {
        data: "phantoms",
        method: "HNN",
        dimension: "3D",
        curve: Array.from({ length: 40 }, (_, i) => ({
          threshold: 1 - i / 40,
          recall: i / 39,
          precision: 1 - 0.6 * (i / 39) ** 4,
        })),
        best: { threshold: 0.4, precision: 0.8, recall: 0.76, f: 0.779 },
        half: { threshold: 0.5, precision: 0.84, recall: 0.7, f: 0.764 },
      },
      {
        data: "phantoms",
        method: "WSSS-GC",
        dimension: "3D",
        curve: Array.from({ length: 40 }, (_, i) => ({
          threshold: 1 - i / 40,
          recall: i / 39,
          precision: 1 - 0.5 * (i / 39) ** 6,
        })),
        best: { threshold: 0.45, precision: 0.83, recall: 0.8, f: 0.815 },
        half: null,
      },
    ],
    volumes: ["WSSS-GC", "ellipsoid"].flatMap((name, k) =>
      (["volume", "change"] as const).map((quantity) => ({
        method: name,
        quantity,
        points: Array.from({ length: 18 }, (_, i) => {
          const referenceMl = quantity === "volume" ? 0.4 * (i + 1) : 0.4 * (i - 9);
          return {
            lesion: `lesion-${i}`,
            referenceMl,
            measuredMl: referenceMl * (1 - 0.2 * k) + 0.5 * randomStream(3, "sample volumes", i, k).normal(),
          };
        }),
      })),
    ),
    gallery: galleryOnce,
    remarks: ["The GAN's perceptual loss used a fixed, randomly initialised feature network: no VGG weights were given."],
    provenance: [
      { what: "data set phantoms", digest: digest(60) },
      { what: "model θ²", digest: digest(61) },
      { what: "masks of WSSS-GC", digest: digest(62) },
    ],
  };
}
