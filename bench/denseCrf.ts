/**
 * The dense CRF beside the authors' code (pydensecrf, one thread) on the RECIST slices of the lesions in ../shared/data, or on
 * synthetic pictures where that is absent: `PYTHON=… npx tsx bench/denseCrf.ts`. Both get the same picture and priors and
 * take turns; ratios below 1 mean that ours takes less time. Without pydensecrf that column stays empty.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cropSlice } from "../methods/imaging/crop.ts";
import { type Slice, sliceOf } from "../methods/imaging/volume.ts";
import { applyWindow8 } from "../methods/imaging/window.ts";
import { BOX_CRF, priorOfBox } from "../methods/labels/boxCrf.ts";
import { denseCrf } from "../methods/labels/denseCrf.ts";
import { type Diameters, shiftedTo } from "../methods/labels/recist.ts";
import { roiOfMarks } from "../methods/labels/trimap.ts";
import { picture } from "../test/labels/fixture.ts";
import { deepLesions, hasSharedData, lesionsWithMasks } from "../test/labels/sharedData.ts";
import { median } from "./timing/median.ts";

const repeats = 5;

interface Case {
  readonly name: string;
  readonly image: Slice<Uint8Array>;
  readonly prior: Float64Array;
}

interface Timed {
  readonly ms: number;
  readonly marginals: ArrayLike<number>;
}

function realCases(): Case[] {
  return [...lesionsWithMasks(), ...deepLesions()].map(({ name, image, marks, window }) => {
    const slice = sliceOf(image, marks.slice) as Slice<Int16Array>;
    const roi = roiOfMarks(marks, slice.width, slice.height);
    const cropped = applyWindow8(cropSlice(slice, roi), window);
    return { name, image: cropped, prior: priorOfBox(cropped, shiftedTo([roi.x0, roi.y0], marks), BOX_CRF.confidence) };
  });
}

function syntheticCases(): Case[] {
  return [64, 128, 256].map((size) => {
    const image = picture({ width: size, height: size, seed: size, base: 90, contrast: 40, noise: 20 });
    const middle = size / 2;
    const marks: Diameters = {
      long: [
        [middle - size / 4, middle],
        [middle + size / 4, middle],
      ],
      short: [
        [middle, middle - size / 5],
        [middle, middle + size / 5],
      ],
    };
    return { name: `synthetic ${size}²`, image, prior: priorOfBox(image, marks, BOX_CRF.confidence) };
  });
}

function ours({ image, prior }: Case): Timed {
  const times: number[] = [];
  let marginals: Float64Array = new Float64Array();
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    marginals = denseCrf(image, prior, BOX_CRF);
    times.push(performance.now() - start);
  }
  return { ms: median(times), marginals };
}

/** Asks pydensecrf for one case after the other; every answer is undefined once it is seen to be missing. */
function authors(): { time(of: Case): Promise<Timed | undefined>; close(): void } {
  const child = spawn(process.env.PYTHON ?? "python3", [fileURLToPath(new URL("denseCrf.py", import.meta.url))], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async time({ image, prior }) {
      const { data, width, height } = image;
      child.stdin.write(`${JSON.stringify({ width, height, image: [...data], prior: [...prior], options: BOX_CRF, repeats })}\n`);
      const { value, done } = await answers.next();
      if (done) return undefined;
      const { milliseconds, marginals } = JSON.parse(value);
      return { ms: median(milliseconds), marginals };
    },
    close: () => child.stdin.end(),
  };
}

const cases = hasSharedData ? realCases() : syntheticCases();
const reference = authors();
// The first calls compile.
for (const warm of cases.slice(0, 2)) ours(warm);

console.log(`${"picture".padEnd(36)}      size   ours ms  authors' ms  ratio   largest difference   other label`);
let [sumOurs, sumTheirs] = [0, 0];
for (const of of cases) {
  const theirs = await reference.time(of);
  const own = ours(of);
  sumOurs += own.ms;
  sumTheirs += theirs?.ms ?? Number.NaN;
  let [largest, other] = [0, 0];
  for (let p = 0; theirs !== undefined && p < theirs.marginals.length; p++) {
    largest = Math.max(largest, Math.abs(own.marginals[p] - theirs.marginals[p]));
    if (own.marginals[p] > 0.5 !== theirs.marginals[p] > 0.5) other++;
  }
  console.log(
    of.name.padEnd(36),
    `${of.image.width}×${of.image.height}`.padStart(9),
    own.ms.toFixed(1).padStart(9),
    (theirs?.ms.toFixed(1) ?? "–").padStart(12),
    (theirs === undefined ? "–" : (own.ms / theirs.ms).toFixed(2)).padStart(6),
    (theirs === undefined ? "–" : largest.toExponential(1)).padStart(20),
    (theirs === undefined ? "–" : String(other)).padStart(13),
  );
}
reference.close();
console.log(`\nin total: ${Number.isNaN(sumTheirs) ? "–" : (sumOurs / sumTheirs).toFixed(2)} of the authors' code's time`);
