/**
 * The cut with a shape prior on the real lesions in ../shared/data, with parameters chosen by leave-one-patient-out
 * cross validation (every lesion there is of another patient): `npx tsx bench/priorParameters.ts`. Marks are measured
 * on the true masks, exact and in DRAWS (4) draws of ±20 % noise; a setting's score is the mean of the Dice with exact
 * and with noisy marks. “shipped” are the parameters of methods/labels/priorCut.ts.
 */
import { withNoise } from "../methods/datasets/simulatedMarks.ts";
import { sliceOf } from "../methods/imaging/volume.ts";
import { initialMask } from "../methods/labels/initial.ts";
import { type PriorCutOptions, priorCut, priorCutVolume } from "../methods/labels/priorCut.ts";
import { type RecistMarks, validateMarks } from "../methods/labels/recist.ts";
import { segmentVolume } from "../methods/labels/volume.ts";
import { wilcoxon } from "../methods/metrics/wilcoxon.ts";
import { deepLesions, dice, hasSharedData, lesionsWithMasks, type MaskedLesion } from "../test/labels/sharedData.ts";

const draws = Number(process.env.DRAWS ?? 4);
const product = (axes: Readonly<Record<string, readonly number[]>>): PriorCutOptions[] =>
  Object.entries(axes).reduce<Record<string, number>[]>(
    (settings, [name, values]) => settings.flatMap((setting) => values.map((value) => ({ ...setting, [name]: value }))),
    [{}],
  );
const grids = {
  "2D": product({ likelihood: [0.35, 0.5, 0.75, 1], smoothness: [0.25, 0.5, 1] }),
  "3D": product({ likelihood: [0.5, 0.75, 1], observations: [4, 7, 10], ownSurroundings: [0.5, 0.8] }),
};

/** Dice per lesion with exact marks, and its mean over the draws of noisy ones. */
interface Scores {
  readonly exact: readonly number[];
  readonly noisy: readonly number[];
}
type Scorer = (lesion: MaskedLesion, marks: RecistMarks) => number;

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

function marksOf({ name, marks, image }: MaskedLesion): RecistMarks[] {
  const far = { dims: [1e9, 1e9, image.dims[2]] as const, spacingMm: image.spacingMm };
  const inside = (m: RecistMarks): RecistMarks => validateMarks(m, far);
  return [marks, ...Array.from({ length: draws }, (_, seed) => inside(withNoise(marks, 0.2, seed + 1, name)))];
}

const onSlice =
  (segment: (lesion: MaskedLesion, marks: RecistMarks) => Uint8Array): Scorer =>
  (lesion, marks) =>
    dice(segment(lesion, marks), sliceOf(lesion.truth, marks.slice).data);
const drawn = (method: "ellipse" | "grabcut-r"): Scorer =>
  onSlice(({ image, window }, marks) =>
    // What GrabCut ignores is no lesion.
    initialMask(method, sliceOf(image, marks.slice), marks, window).labels.data.map((label) => (label === 1 ? 1 : 0)),
  );
const cut2D = (options: PriorCutOptions): Scorer =>
  onSlice(
    ({ image, window }, marks) => priorCut(sliceOf(image, marks.slice), marks, image.spacingMm, window, options).labels.data,
  );
const inVolume =
  (method: "ellipsoid" | "grabcut-3de"): Scorer =>
  ({ image, truth, window }, marks) =>
    dice(segmentVolume(method, image, marks, window).mask.data, truth.data);
const cut3D =
  (options: PriorCutOptions): Scorer =>
  ({ image, truth, window }, marks) =>
    dice(priorCutVolume(image, marks, window, options).mask.data, truth.data);

if (!hasSharedData) {
  console.log("skipped: ../shared/data is absent");
} else {
  const lesions = [...lesionsWithMasks(), ...deepLesions()].map((lesion) => ({ lesion, marks: marksOf(lesion) }));
  const scores = (of: Scorer): Scores => {
    const all = lesions.map(({ lesion, marks }) => marks.map((m) => of(lesion, m)));
    return { exact: all.map(([exact]) => exact), noisy: all.map(([, ...noisy]) => mean(noisy)) };
  };
  /** Every lesion's scores under the setting that is best for all others. */
  const crossValidated = (settings: readonly Scores[]): Scores & { readonly picks: readonly number[] } => {
    const picks = lesions.map((_, left) => {
      const others = settings.map(({ exact, noisy }) =>
        mean(exact.flatMap((score, i) => (i === left ? [] : [(score + noisy[i]) / 2]))),
      );
      return others.indexOf(Math.max(...others));
    });
    return {
      picks,
      exact: picks.map((setting, i) => settings[setting].exact[i]),
      noisy: picks.map((setting, i) => settings[setting].noisy[i]),
    };
  };

  for (const [dimension, baselines, scorer] of [
    ["2D", { ellipse: drawn("ellipse"), "grabcut-r": drawn("grabcut-r") }, cut2D],
    ["3D", { ellipsoid: inVolume("ellipsoid"), "grabcut-3de": inVolume("grabcut-3de") }, cut3D],
  ] as const) {
    console.log(`\n${dimension}: mean Dice of every setting, exact and noisy marks`);
    const settings = grids[dimension].map((setting) => {
      const of = scores(scorer(setting));
      console.log(JSON.stringify(setting).padEnd(64), mean(of.exact).toFixed(3), mean(of.noisy).toFixed(3));
      return of;
    });
    const chosen = crossValidated(settings);
    const columns: Record<string, Scores> = {
      ...Object.fromEntries(Object.entries(baselines).map(([name, of]) => [name, scores(of)])),
      "cross-validated": chosen,
      shipped: scores(scorer({})),
    };
    const names = Object.keys(columns);
    const row = (title: string, cells: readonly string[]): void =>
      console.log(title.padEnd(34), cells.map((cell) => cell.padStart(16)).join(""));
    row("\nDice with exact / noisy marks", names);
    for (const [i, { lesion }] of lesions.entries()) {
      row(
        lesion.name,
        names.map((name) => `${columns[name].exact[i].toFixed(3)} / ${columns[name].noisy[i].toFixed(3)}`),
      );
    }
    row(
      "mean",
      names.map((name) => `${mean(columns[name].exact).toFixed(3)} / ${mean(columns[name].noisy).toFixed(3)}`),
    );
    const [first] = names;
    const p = (name: string, of: "exact" | "noisy"): string => wilcoxon(columns[name][of], columns[first][of]).p.toFixed(4);
    row(
      `Wilcoxon p against ${first}`,
      names.map((name) => (name === first ? "" : `${p(name, "exact")} / ${p(name, "noisy")}`)),
    );
    const picked = new Map<number, number>();
    for (const pick of chosen.picks) picked.set(pick, (picked.get(pick) ?? 0) + 1);
    for (const [pick, times] of picked) console.log(`chosen ${times} times: ${JSON.stringify(grids[dimension][pick])}`);
  }
}
