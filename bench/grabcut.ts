/**
 * GrabCut beside OpenCV's native code (Python's cv2, one thread): `npm run bench -- grabcut`. On the lesions in
 * ../shared/data the ROIs are those of the marks on the key slice, as they are ("marks") and with the marks grown or
 * shrunk around their centre until the ROI has as many pixels as a square of 48, 96, 128, 192 or 256, where the slice has
 * room; without that data, synthetic pictures. The two programs take turns on every ROI, each repetition gives one ratio
 * of CPU times (all threads of the process, so that a busy machine matters little), and a class shows the median of its
 * ratios: below 1 means that ours takes less time. Python is `PYTHON` or `python3`; without cv2 that side stays empty.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cropSlice } from "../methods/imaging/crop.ts";
import { type Slice, sliceOf } from "../methods/imaging/volume.ts";
import { applyWindow8 } from "../methods/imaging/window.ts";
import { grabCut } from "../methods/labels/grabcut.ts";
import { centreOf, type Diameters, type Point, shiftedTo } from "../methods/labels/recist.ts";
import { roiOfMarks, type Trimap, trimapOfMarks } from "../methods/labels/trimap.ts";
import { picture } from "../test/labels/fixture.ts";
import { deepLesions, hasSharedData, lesionsWithMasks, type MaskedLesion } from "../test/labels/sharedData.ts";
import { median } from "./timing/median.ts";

const repeats = 5;
const sides = [48, 96, 128, 192, 256];
/** How far the side of a ROI that the slice has clipped may be from its class. */
const tolerance = 0.12;

interface Case {
  readonly sizeClass: string;
  readonly image: Slice<Uint8Array>;
  readonly trimap: Trimap;
}

interface Timed {
  readonly ms: number;
  readonly regions: Uint8Array;
}

interface Comparison {
  readonly sizeClass: string;
  readonly equal: boolean;
  readonly times: readonly { readonly ours: number; readonly native?: number }[];
}

function realCases(): Case[] {
  return [...lesionsWithMasks(), ...deepLesions()].flatMap((lesion) => {
    const asTheyAre = roi("marks", lesion, lesion.marks);
    const side = Math.sqrt(asTheyAre.image.data.length);
    const resized = sides.map((wanted) => roi(`${wanted}²`, lesion, resizedMarks(lesion, wanted / side)));
    const fits = ({ image: { data } }: Case, i: number): boolean => Math.abs(Math.sqrt(data.length) / sides[i] - 1) < tolerance;
    return [asTheyAre, ...resized.filter(fits)];
  });
}

function roi(sizeClass: string, { image, marks, window }: MaskedLesion, diameters: Diameters): Case {
  const slice = sliceOf(image, marks.slice) as Slice<Int16Array>;
  const box = roiOfMarks(diameters, slice.width, slice.height);
  const cropped = applyWindow8(cropSlice(slice, box), window);
  const inside = shiftedTo([box.x0, box.y0], diameters);
  return { sizeClass, image: cropped, trimap: trimapOfMarks(inside, cropped.width, cropped.height) };
}

/** The marks times `factor` around their centre, kept on the slice. */
function resizedMarks({ image, marks }: MaskedLesion, factor: number): Diameters {
  const [cx, cy] = centreOf(marks);
  const on = (value: number, size: number): number => Math.min(size - 1, Math.max(0, value));
  const moved = ([x, y]: Point): Point => [on(cx + factor * (x - cx), image.dims[0]), on(cy + factor * (y - cy), image.dims[1])];
  return { long: [moved(marks.long[0]), moved(marks.long[1])], short: [moved(marks.short[0]), moved(marks.short[1])] };
}

function syntheticCases(): Case[] {
  return sides.flatMap((size) =>
    [10, 40].map((noise) => {
      const image = picture({ width: size, height: size, seed: size + noise, base: 90, contrast: 40, noise });
      const middle = size / 2;
      const axes: Diameters = {
        long: [
          [middle - size / 4, middle],
          [middle + size / 4, middle],
        ],
        short: [
          [middle, middle - size / 4],
          [middle, middle + size / 4],
        ],
      };
      return { sizeClass: `${size}²`, image, trimap: trimapOfMarks(axes, size, size) };
    }),
  );
}

function ours({ image, trimap }: Case): Timed {
  const start = process.cpuUsage();
  const result = grabCut(image, trimap);
  const { user, system } = process.cpuUsage(start);
  if ("failure" in result) throw new Error(result.failure);
  return { ms: (user + system) / 1000, regions: result.regions.data };
}

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
        `${JSON.stringify({ width: image.width, height: image.height, image: text(image.data), trimap: text(trimap.data) })}\n`,
      );
      const { value, done } = await answers.next();
      if (done) return undefined;
      const answer = JSON.parse(value);
      return { ms: answer.milliseconds, regions: new Uint8Array(Buffer.from(answer.regions, "base64")) };
    },
    close: () => child.stdin.end(),
  };
}

function row(name: string, of: readonly Comparison[]): string {
  const times = of.flatMap(({ times }) => times);
  const paired = times.flatMap(({ ours, native }) => (native === undefined ? [] : [{ ours, native }]));
  const figures = [
    of.length.toFixed(0),
    median(times.map(({ ours }) => ours)).toFixed(2),
    paired.length === 0 ? "–" : median(paired.map(({ native }) => native)).toFixed(2),
    paired.length === 0 ? "–" : median(paired.map(({ ours, native }) => ours / native)).toFixed(3),
    paired.length === 0 ? "–" : `${of.filter(({ equal }) => equal).length}`,
  ];
  return `${name.padEnd(8)}${figures.map((figure) => figure.padStart(12)).join("")}`;
}

const cases = hasSharedData ? realCases() : syntheticCases();
const native = nativeOpenCv();
// The first calls compile.
for (let warm = 0; warm < 2; warm++) for (const of of cases) ours(of);

const compared: Comparison[] = [];
for (const of of cases) {
  const times: { ours: number; native?: number }[] = [];
  let equal = true;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const theirs = await native.time(of);
    const own = ours(of);
    times.push({ ours: own.ms, native: theirs?.ms });
    equal &&= theirs === undefined || Buffer.compare(own.regions, theirs.regions) === 0;
  }
  compared.push({ sizeClass: of.sizeClass, equal, times });
}
native.close();

console.log(
  `${"ROI".padEnd(8)}${["number", "ours ms", "OpenCV ms", "ratio", "same mask"].map((title) => title.padStart(12)).join("")}`,
);
for (const sizeClass of new Set(["marks", ...sides.map((side) => `${side}²`)])) {
  const of = compared.filter((each) => each.sizeClass === sizeClass);
  if (of.length > 0) console.log(row(sizeClass, of));
}
console.log(row("all", compared));
