/**
 * GrabCut beside OpenCV, native (Python's cv2, one thread) and as WebAssembly, on the key slices of the lesions in
 * ../shared/data, or on synthetic pictures where that is absent: `npx tsx bench/grabcut.ts`. The three take turns on
 * every picture; ratios below 1 mean that ours takes less time. Python is `PYTHON` or `python3`; without cv2 that column
 * stays empty.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cropSlice } from "../methods/imaging/crop.ts";
import { type Slice, sliceOf } from "../methods/imaging/volume.ts";
import { applyWindow8 } from "../methods/imaging/window.ts";
import { grabCut } from "../methods/labels/grabcut.ts";
import { type Diameters, shiftedTo } from "../methods/labels/recist.ts";
import { roiOfMarks, type Trimap, trimapOfMarks } from "../methods/labels/trimap.ts";
import { picture } from "../test/labels/fixture.ts";
import { loadOpenCv, type OpenCv, openCvGrabCut } from "../test/labels/openCv.ts";
import { deepLesions, hasSharedData, lesionsWithMasks } from "../test/labels/sharedData.ts";

const repeats = 5;

interface Case {
  readonly name: string;
  readonly image: Slice<Uint8Array>;
  readonly trimap: Trimap;
}

interface Timed {
  readonly ms: number;
  readonly regions: Uint8Array;
}

function realCases(): Case[] {
  return [...lesionsWithMasks(), ...deepLesions()].map(({ name, image, marks, window }) => {
    const slice = sliceOf(image, marks.slice) as Slice<Int16Array>;
    const roi = roiOfMarks(marks, slice.width, slice.height);
    const cropped = applyWindow8(cropSlice(slice, roi), window);
    return { name, image: cropped, trimap: trimapOfMarks(shiftedTo([roi.x0, roi.y0], marks), cropped.width, cropped.height) };
  });
}

function syntheticCases(): Case[] {
  return [64, 128, 256].flatMap((size) =>
    [10, 40].map((noise) => {
      const image = picture({ width: size, height: size, seed: size + noise, base: 90, contrast: 40, noise });
      const middle = size / 2;
      const axes: Diameters = {
        long: [
          [middle - size / 3, middle],
          [middle + size / 3, middle],
        ],
        short: [
          [middle, middle - size / 4],
          [middle, middle + size / 4],
        ],
      };
      return { name: `synthetic ${size}², noise ±${noise}`, image, trimap: trimapOfMarks(axes, size, size) };
    }),
  );
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

function timed(run: () => Uint8Array): Timed {
  const times: number[] = [];
  let regions: Uint8Array = new Uint8Array();
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    regions = run();
    times.push(performance.now() - start);
  }
  return { ms: median(times), regions };
}

function ours({ image, trimap }: Case): Timed {
  return timed(() => {
    const result = grabCut(image, trimap);
    if ("failure" in result) throw new Error(result.failure);
    return result.regions.data;
  });
}

const webAssembly = (cv: OpenCv, { image, trimap }: Case): Timed => timed(() => openCvGrabCut(cv, image, trimap.data, 1));

/** Asks Python's OpenCV for one case after the other; every answer is undefined once it is seen to be missing. */
function nativeOpenCv(): { time(of: Case): Promise<Timed | undefined>; close(): void } {
  const child = spawn(process.env.PYTHON ?? "python3", [fileURLToPath(new URL("grabcut.py", import.meta.url))], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return {
    async time({ image, trimap }) {
      child.stdin.write(
        `${JSON.stringify({ width: image.width, height: image.height, image: text(image.data), trimap: text(trimap.data), repeats })}\n`,
      );
      const { value, done } = await answers.next();
      if (done) return undefined;
      const answer = JSON.parse(value);
      return { ms: median(answer.milliseconds), regions: new Uint8Array(Buffer.from(answer.regions, "base64")) };
    },
    close: () => child.stdin.end(),
  };
}

const agreement = (a: Uint8Array, b: Uint8Array): string => {
  const different = a.reduce((n, region, p) => n + (region === b[p] ? 0 : 1), 0);
  return different === 0 ? "all" : `all but ${different}`;
};

const cases = hasSharedData ? realCases() : syntheticCases();
const cv = await loadOpenCv();
const native = nativeOpenCv();
// The first calls compile.
for (const warm of cases.slice(0, 2)) ours(warm);

console.log(`${"picture".padEnd(36)}      size   ours ms  native ms  ratio   wasm ms  ratio   pixels equal`);
let [sumOurs, sumNative, sumWasm] = [0, 0, 0];
for (const of of cases) {
  const theirs = await native.time(of);
  const own = ours(of);
  const wasm = webAssembly(cv, of);
  sumOurs += own.ms;
  sumNative += theirs?.ms ?? Number.NaN;
  sumWasm += wasm.ms;
  console.log(
    of.name.padEnd(36),
    `${of.image.width}×${of.image.height}`.padStart(9),
    own.ms.toFixed(1).padStart(9),
    (theirs?.ms.toFixed(1) ?? "–").padStart(10),
    (theirs === undefined ? "–" : (own.ms / theirs.ms).toFixed(2)).padStart(6),
    wasm.ms.toFixed(1).padStart(9),
    (own.ms / wasm.ms).toFixed(2).padStart(6),
    "  ",
    agreement(own.regions, (theirs ?? wasm).regions),
  );
}
native.close();
const ratio = (sum: number): string => (Number.isNaN(sum) ? "–" : (sumOurs / sum).toFixed(2));
console.log(`\nin total: ${ratio(sumNative)} of native OpenCV's time, ${ratio(sumWasm)} of its WebAssembly build's`);
