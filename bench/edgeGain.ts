/**
 * How well the rule by which an unattended round selects enhanced slices (`edge-gain`) tells better pictures from worse ones, where
 * the true picture is known: photographs and CT slices, degraded as §3.4 does, and what may have been made of them.
 *
 *   npx tsx bench/edgeGain.ts [--denoiser DIR --enhancers DIR,DIR] [--tuning]
 *
 * Real gains are differences of PSNR and SSIM to the true picture after the least-squares match of contrast and brightness, which the
 * rule leaves aside. The rule's costs were chosen on every eighth photograph of BSDS500's train folder and every fourth CT slice
 * (`--tuning`); figures are of its test folder and the other slices. DIR holds a model that bench/enhancement.ts trained.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Slice } from "../methods/imaging/volume.ts";
import { edgeGain } from "../methods/metrics/edgeGain.ts";
import { psnr, ssim } from "../methods/metrics/imageQuality.ts";
import { rankCorrelation } from "../methods/metrics/rankCorrelation.ts";
import { openBackend } from "../methods/networks/backend.ts";
import { createSliceEnhancer, type SliceEnhancer } from "../methods/networks/sgan/enhance.ts";
import { decodeEnhancer, type Enhancer } from "../methods/networks/sgan/enhancer.ts";
import { hasSharedData } from "../test/labels/sharedData.ts";
import { candidates, ctSlices, degradedPair, type KnownPair, matched, photographs } from "../test/metrics/knownPairs.ts";
import { firstRule } from "./edgeGain/firstRule.ts";

const { values } = parseArgs({
  options: { denoiser: { type: "string" }, enhancers: { type: "string" }, tuning: { type: "boolean", default: false } },
});

interface Row {
  readonly pair: number;
  readonly kind: KnownPair["kind"];
  readonly candidate: string;
  readonly score: number;
  /** By the rule's first revision. */
  readonly first: number;
  /** Real gains: dB, and structural similarity. */
  readonly psnr: number;
  readonly ssim: number;
}

/** No finite PSNR, or one beyond it, counts as this many dB. */
const MOST_DB = 60;
/** Grey levels of 255. */
const NOISES = [0, 12];
/** The first revision looked along a lesion's boundary: where it lies in a ROI of twice its size. */
const MARKS = {
  long: [
    [32, 64],
    [96, 64],
  ],
  short: [
    [64, 32],
    [64, 96],
  ],
} as const;

function model(folder: string): Enhancer {
  const read = (name: string): Buffer => readFileSync(path.join(folder, name));
  return decodeEnhancer({ "enhancer.json": read("enhancer.json"), "weights.safetensors": read("weights.safetensors") }, folder);
}

async function enhancers(): Promise<[string, SliceEnhancer][]> {
  const { denoiser, enhancers } = values;
  if (denoiser === undefined || enhancers === undefined) return [];
  const [backend, first] = [await openBackend(), model(denoiser)];
  return enhancers.split(",").map((folder) => [path.basename(folder), createSliceEnhancer(first, model(folder), backend)]);
}

function gains(pair: KnownPair): (picture: Slice<Float32Array>) => { psnr: number; ssim: number } {
  const quality = (picture: Slice<Float32Array>): { psnr: number; ssim: number } => {
    const even = matched(picture, pair.truth);
    return { psnr: Math.min(psnr(even, pair.truth) ?? MOST_DB, MOST_DB), ssim: ssim(even, pair.truth) };
  };
  const before = quality(pair.original);
  return (picture) => {
    const after = quality(picture);
    return { psnr: after.psnr - before.psnr, ssim: after.ssim - before.ssim };
  };
}

const middle = (numbers: number[]): number => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const mean = (numbers: number[]): number => numbers.reduce((sum, v) => sum + v, 0) / numbers.length;
const share = (rows: readonly Row[], holds: (row: Row) => boolean): string =>
  rows.length === 0 ? "–" : (rows.filter(holds).length / rows.length).toFixed(2);
const told = (value: number | null, digits = 2): string => (value === null ? "–" : value.toFixed(digits)).padStart(7);

function printCandidates(rows: readonly Row[]): void {
  console.log(
    "\nmade of it: mean gain in dB, in SSIM, share that is better | first rule, score (medians), share of scores above 0",
  );
  for (const name of new Set(rows.map(({ candidate }) => candidate))) {
    const of = rows.filter(({ candidate }) => candidate === name);
    const figures = [told(mean(of.map((row) => row.psnr))), told(mean(of.map((row) => row.ssim)), 3), share(of, better)];
    const scores = [told(middle(of.map(({ first }) => first))), told(middle(of.map(({ score }) => score)))];
    console.log(`  ${name.padEnd(40)} ${figures.join(" ")} | ${scores.join(" ")} ${share(of, ({ score }) => score > 0)}`);
  }
}

/** Mean over the groups of the rank correlation within each. */
function printCorrelations(rows: readonly Row[], groupOf: (row: Row) => number): void {
  const groups = new Map<number, Row[]>();
  for (const row of rows) groups.set(groupOf(row), [...(groups.get(groupOf(row)) ?? []), row]);
  for (const rule of ["first", "score"] as const) {
    const within = (gain: "psnr" | "ssim"): string => {
      const found = [...groups.values()].map((of) =>
        rankCorrelation(
          of.map((row) => row[rule]),
          of.map((row) => row[gain]),
        ),
      );
      return told(mean(found.filter((value) => value !== null)));
    };
    console.log(`  ${rule.padEnd(6)} PSNR ${within("psnr")}  SSIM ${within("ssim")}`);
  }
}

const better = ({ psnr }: Row): boolean => psnr > 0;
/** What is neither better nor worse says nothing about a threshold. */
const changed = ({ psnr }: Row): boolean => Math.abs(psnr) > 0.05;

if (!hasSharedData) {
  console.log("skipped: ../shared/data is absent");
} else {
  const networks = await enhancers();
  const photos = values.tuning ? (await photographs("train")).filter((_, i) => i % 8 === 0) : await photographs("test");
  const pictures = [...photos, ...ctSlices().filter((_, i) => (i % 4 === 0) === values.tuning)];
  const rows: Row[] = [];
  let pairs = 0;
  for (const picture of pictures) {
    for (const [draw, noise] of NOISES.entries()) {
      const pair = degradedPair(picture, draw, noise);
      const made = candidates(pair);
      for (const [name, network] of networks) made[name] = await network.enhance(await network.denoise(pair.small), pair.zoom);
      const gainOf = gains(pair);
      for (const [candidate, enhanced] of Object.entries(made)) {
        const { score } = edgeGain(pair.original, enhanced, pair.zoom);
        const first = firstRule(pair.original, enhanced, MARKS, pair.zoom);
        if (score !== null && first !== null)
          rows.push({ pair: pairs, kind: pair.kind, candidate, score, first, ...gainOf(enhanced) });
      }
      pairs++;
    }
  }
  console.log(`${pictures.length} pictures, ${pairs} degraded ones, ${rows.length} candidates`);
  printCandidates(rows);
  for (const kind of ["photograph", "CT"] as const) {
    console.log(`\n${kind}: Spearman's ρ of rule and real gain among the candidates of one picture, mean`);
    printCorrelations(
      rows.filter((row) => row.kind === kind),
      ({ pair }) => pair,
    );
  }
  for (const [name] of networks) {
    console.log(`\n${name}: Spearman's ρ of rule and real gain over the pictures`);
    printCorrelations(
      rows.filter(({ candidate }) => candidate === name),
      () => 0,
    );
  }
  console.log("\nabove: share of what it takes that is better, share of what is better that it takes");
  const clear = rows.filter(changed);
  for (const above of [-1, -0.5, -0.25, 0, 0.1, 0.25, 0.5]) {
    const taken = clear.filter(({ score }) => score > above);
    console.log(`  ${told(above)}  ${share(taken, better)}  ${share(clear.filter(better), ({ score }) => score > above)}`);
  }
}
