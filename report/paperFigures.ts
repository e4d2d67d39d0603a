import type { Category } from "../methods/datasets/lesionCase.ts";
import type { Dimension } from "./reportInput.ts";

/** A score of the paper: mean and standard deviation, and the two as they are printed there. */
export interface Printed {
  readonly mean: number;
  readonly sd: number;
  readonly text: string;
}

/** A row of a table of Cai et al. 2018. */
export interface PaperRow {
  readonly method: string;
  readonly dimension: Dimension;
  readonly dataset: "DeepLesion" | "lymph nodes";
  readonly table: string;
  readonly dice: Printed;
  readonly precision?: Printed;
  readonly recall?: Printed;
  readonly volumetricSimilarity?: Printed;
  readonly avdVoxels?: Printed;
  readonly categories?: Readonly<Partial<Record<Category, Printed>>>;
}

/** R² of volume changes against manual ones (4.1, Fig. 7), over 22 pairs of lesions, by how the method's name begins. */
export const paperRSquared: readonly (readonly [method: string, rSquared: number])[] = [
  ["WSSS", 0.78],
  ["πLW²/6", 0.62],
];

/** The paper's column order (Tables 4 and 5). */
export const paperCategories = [
  "bone",
  "abdomen",
  "mediastinum",
  "liver",
  "lung",
  "kidney",
  "soft-tissue",
  "pelvis",
] as const satisfies readonly Category[];

/** Scores as the paper prints them, one after the other: "0.53±0.14 0.77±0.20". */
function read(line: string): Printed[] {
  return line.split(" ").map((cell) => {
    const [mean, sd] = cell.split("±");
    return { mean: Number(mean), sd: Number(sd), text: `${mean} ± ${sd}` };
  });
}

/** Tables 1 and 6: recall, precision, Dice of the masks that initialise training. */
function initial(dataset: PaperRow["dataset"], table: string, method: string, line: string): PaperRow {
  const [recall, precision, dice] = read(line);
  return { method, dimension: "2D", dataset, table, recall, precision, dice };
}

/** Table 2: Dice. */
function trained(dataset: PaperRow["dataset"], method: string, line: string): PaperRow {
  return { method, dimension: "2D", dataset, table: "Table 2", dice: read(line)[0] };
}

/** Table 3: recall, precision, AVD, VS, Dice. */
function ablation(line: string): Pick<PaperRow, "recall" | "precision" | "avdVoxels" | "volumetricSimilarity" | "dice"> {
  const [recall, precision, avdVoxels, volumetricSimilarity, dice] = read(line);
  return { recall, precision, avdVoxels, volumetricSimilarity, dice };
}

/** Tables 4 and 5: Dice of the eight categories and in total. */
function byCategory(dimension: Dimension, table: string, method: string, line: string): PaperRow {
  const cells = read(line);
  return {
    method,
    dimension,
    dataset: "DeepLesion",
    table,
    dice: cells[8],
    categories: Object.fromEntries(paperCategories.map((c, i) => [c, cells[i]])),
  };
}

/**
 * What the paper prints, under the names that campaigns use for the same method. Table 4's "GrabCut" is GrabCut-R
 * (its total is Table 1's GrabCut-R); "WSSS" is WSSS-5. Where two tables give a method's Dice, it is the one with more
 * digits.
 */
export const paperRows: readonly PaperRow[] = [
  initial("DeepLesion", "Table 1", "RECIST", "0.39±0.13 0.92±0.14 0.53±0.14"),
  initial("DeepLesion", "Table 1", "DCRF", "0.72±0.26 0.90±0.15 0.77±0.20"),
  initial("DeepLesion", "Table 1", "GrabCut", "0.62±0.46 0.68±0.44 0.62±0.46"),
  initial("DeepLesion", "Table 1", "GrabCut-i", "0.94±0.11 0.81±0.16 0.86±0.11"),
  {
    ...byCategory(
      "2D",
      "Tables 1, 4",
      "GrabCut-R",
      "0.88±0.07 0.92±0.07 0.88±0.09 0.86±0.13 0.92±0.08 0.93±0.06 0.93±0.07 0.91±0.08 0.91±0.09",
    ),
    ...initial("DeepLesion", "Tables 1, 4", "GrabCut-R", "0.94±0.10 0.89±0.10 0.91±0.08"),
  },
  initial("DeepLesion", "Table 6", "GrabCut-R-SR", "0.94±0.11 0.90±0.10 0.91±0.09"),
  initial("lymph nodes", "Table 1", "RECIST", "0.35±0.09 0.99±0.05 0.51±0.09"),
  initial("lymph nodes", "Table 1", "DCRF", "0.29±0.20 0.98±0.05 0.41±0.21"),
  initial("lymph nodes", "Table 1", "GrabCut", "0.10±0.25 0.32±0.37 0.11±0.26"),
  initial("lymph nodes", "Table 1", "GrabCut-i", "0.53±0.24 0.92±0.10 0.63±0.17"),
  initial("lymph nodes", "Table 1", "GrabCut-R", "0.83±0.11 0.86±0.11 0.83±0.06"),
  trained("lymph nodes", "full HNN", "0.710±0.18"),
  trained("lymph nodes", "full HNN-GC", "0.845±0.06"),
  trained("lymph nodes", "RECIST HNN", "0.614±0.17"),
  trained("lymph nodes", "RECIST HNN-GC", "0.844±0.06"),
  trained("lymph nodes", "HNN", "0.702±0.17"),
  trained("lymph nodes", "HNN-GC", "0.844±0.06"),
  trained("DeepLesion", "full UNet", "0.728±0.18"),
  trained("DeepLesion", "full UNet-GC", "0.838±0.16"),
  trained("DeepLesion", "full HNN", "0.837±0.16"),
  trained("DeepLesion", "full HNN-GC", "0.909±0.10"),
  trained("DeepLesion", "RECIST HNN", "0.644±0.14"),
  trained("DeepLesion", "RECIST HNN-GC", "0.801±0.12"),
  {
    ...byCategory(
      "2D",
      "Tables 3, 4",
      "HNN",
      "0.88±0.06 0.91±0.09 0.89±0.08 0.85±0.15 0.91±0.09 0.93±0.06 0.93±0.06 0.91±0.07 0.91±0.09",
    ),
    ...ablation("0.933±0.095 0.893±0.111 0.230±1.070 0.942±0.073 0.906±0.089"),
  },
  {
    ...byCategory(
      "2D",
      "Tables 3, 4",
      "HNN-SR",
      "0.89±0.06 0.93±0.09 0.91±0.08 0.88±0.14 0.92±0.07 0.94±0.05 0.94±0.05 0.92±0.08 0.92±0.08",
    ),
    ...ablation("0.911±0.097 0.940±0.091 0.189±1.030 0.951±0.067 0.920±0.082"),
  },
  {
    ...byCategory(
      "2D",
      "Tables 2, 4",
      "HNN-GC",
      "0.90±0.08 0.92±0.11 0.90±0.08 0.87±0.14 0.92±0.11 0.93±0.11 0.94±0.06 0.92±0.07 0.92±0.10",
    ),
    dice: read("0.915±0.10")[0],
  },
  byCategory(
    "2D",
    "Table 4",
    "HNN-SR-GC",
    "0.92±0.07 0.93±0.06 0.90±0.08 0.88±0.11 0.94±0.07 0.94±0.06 0.95±0.06 0.92±0.08 0.93±0.07",
  ),
  byCategory(
    "3D",
    "Table 5",
    "GrabCut-3D",
    "0.221±0.13 0.294±0.23 0.268±0.15 0.358±0.18 0.192±0.18 0.340±0.16 0.364±0.15 0.234±0.16 0.292±0.18",
  ),
  byCategory(
    "3D",
    "Table 5",
    "GrabCut-3DE",
    "0.654±0.08 0.628±0.20 0.693±0.15 0.697±0.15 0.667±0.14 0.747±0.15 0.726±0.13 0.580±0.14 0.675±0.16",
  ),
  byCategory(
    "3D",
    "Table 5",
    "HNN",
    "0.666±0.11 0.766±0.12 0.745±0.11 0.768±0.07 0.742±0.15 0.777±0.07 0.791±0.08 0.736±0.08 0.756±0.11",
  ),
  byCategory(
    "3D",
    "Table 5",
    "WSSS-5",
    "0.685±0.10 0.766±0.14 0.776±0.10 0.773±0.06 0.757±0.15 0.800±0.06 0.780±0.10 0.728±0.09 0.762±0.11",
  ),
  byCategory(
    "3D",
    "Table 5",
    "WSSS-GC",
    "0.683±0.12 0.774±0.15 0.771±0.07 0.765±0.08 0.773±0.15 0.800±0.08 0.787±0.10 0.722±0.10 0.764±0.11",
  ),
];

/** Other names under which a campaign may run the paper's methods. */
const ALIASES: Readonly<Record<string, string>> = { wsss: "wsss-5", "wsss-5-gc": "wsss-gc", grabcutⁱ: "grabcut-i" };

function canonical(method: string): string {
  const name = method.trim().toLowerCase();
  return ALIASES[name] ?? name;
}

/** The paper's rows for a method, DeepLesion first; empty where the paper has none. Letter case does not matter. */
export function paperRowsOf(method: string, dimension: Dimension): PaperRow[] {
  return paperRows
    .filter((row) => row.dimension === dimension && canonical(row.method) === canonical(method))
    .sort((a, b) => a.dataset.localeCompare(b.dataset));
}
