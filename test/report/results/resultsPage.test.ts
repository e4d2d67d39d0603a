import { describe, expect, test } from "vitest";
import { reversals } from "../../../report/results/order.ts";
import { type AnsweredSection, type ReportFigures, sectionSchema } from "../../../report/results/resultsInput.ts";
import { resultsPage } from "../../../report/results/resultsPage.ts";

const summary = (mean: number | null, missing = 0) => ({
  n: 3,
  undefined: missing,
  mean,
  sd: mean === null ? null : 0.1,
  interval: null,
});

function method(name: string, dice: number | null, paper?: number): ReportFigures["methods"][number] {
  const printed = (mean: number) => ({ mean, sd: 0.05, text: `${mean} ± 0.05` });
  const total = Object.fromEntries(
    ["recall", "precision", "dice", "iou", "volumetricSimilarity", "avdVoxels", "avdMm"].map((metric) => [metric, summary(dice)]),
  ) as ReportFigures["methods"][number]["total"];
  return {
    data: "shapes",
    name,
    dimension: "2D",
    lesions: 3,
    patients: 2,
    total,
    categories: { liver: { dice: summary(dice) } },
    paper:
      paper === undefined
        ? []
        : [{ dataset: "DeepLesion", table: "Table 1", dice: printed(paper), categories: { liver: printed(paper) } }],
  };
}

function answered(
  show: "totals" | "categories" | "offsets" | "precision-recall" | "volumes",
  methods: ReportFigures["methods"],
): AnsweredSection {
  const section = sectionSchema.parse({
    title: "Table 1",
    pipeline: "table1.yaml",
    paper: "DeepLesion",
    show,
    dimension: "2D",
    explanations: [{ above: ["B"], below: ["C"], because: "the lesions are smaller." }],
  });
  const figures: ReportFigures = {
    campaign: { id: "t1" },
    environment: { version: "recist3d 1 (abc)", machine: "a CPU, 2 cores", numerics: "v8 11.3; tensorflow-cpu isa=avx2" },
    evaluations: [{ data: "shapes", origin: "semi-synthetic", lesions: 4, withoutReference: 1 }],
    methods,
    comparisons: [{ data: "shapes", dimension: "2D", first: "C", second: "B", meanDifference: 0.2, pHolm: 0.04 }],
    offsets: [
      {
        data: "shapes",
        method: "A",
        points: [0, 1].map((offset) => ({ offset, beyond: 3, mean: 0.9 - offset / 10, sd: 0.1, n: 12 - 5 * offset })),
      },
    ],
    precisionRecall: [
      {
        data: "shapes",
        method: "A",
        dimension: "2D",
        best: { threshold: 0.4, precision: 0.8, recall: 0.9, f: 0.847 },
        half: { f: 0.812 },
      },
    ],
    volumes: [
      volumes("πLW²/6 of the marks", "change", 0.8),
      volumes("GrabCut-3DE", "change", 0.85),
      volumes("πLW²/6 of the marks", "volume", 0.7),
      volumes("GrabCut-3DE", "volume", 0.75),
      volumes("WSSS", "volume", 0.9),
    ],
  };
  return { section: { ...section, data: "shapes" }, figures, command: "recist3d run table1.yaml" };
}

function volumes(name: string, quantity: "volume" | "change", rSquared: number): ReportFigures["volumes"][number] {
  return {
    ...{ data: "", method: name, quantity, n: 8, patients: 5, slope: 0.9, slopeInterval: { low: 0.7, high: 1.1 } },
    ...{
      rSquared,
      rSquaredInterval: null,
      rSquaredAdvantage: name.startsWith("πLW²/6") ? null : { difference: -0.05, interval: { low: -0.2, high: 0.1 } },
      differences: { bias: -1.25, limits: { low: -9, high: 6.5 } },
    },
    unchanged: quantity === "volume" ? 4 : 0,
    repeatability:
      name === "GrabCut-3DE" && quantity === "volume" ? { lesions: 3, ratio: 1.344, interval: { low: 1.2, high: 1.851 } } : null,
  };
}

describe("order", () => {
  test("a pair that stands the other way round is found once, with what was said about it", () => {
    const methods = [method("A", 0.9, 0.95), method("B", 0.6, 0.9), method("C", 0.8, 0.7)];
    expect(reversals(answered("totals", methods))).toEqual([
      {
        above: { method: "B", paper: 0.9, ours: 0.6 },
        below: { method: "C", paper: 0.7, ours: 0.8 },
        p: 0.04,
        because: "the lesions are smaller.",
      },
    ]);
  });

  test("methods that the paper prints as equal, or does not have, are in no order", () => {
    expect(reversals(answered("totals", [method("A", 0.5, 0.9), method("B", 0.6, 0.9), method("ellipse", 0.99)]))).toEqual([]);
  });

  test("a method without a single defined score is in no order", () => {
    expect(reversals(answered("totals", [method("A", null, 0.9), method("B", 0.6, 0.8)]))).toEqual([]);
  });
});

describe("page", () => {
  const page = (show: Parameters<typeof answered>[0]): string =>
    resultsPage([answered(show, [method("A", 0.9, 0.95), method("B", 0.6, 0.9), method("C", 0.8, 0.7)])]);

  test("every figure stands beside the paper's, below the command that gives it", () => {
    const text = page("totals");
    expect(text).toContain("`recist3d run table1.yaml`");
    expect(text).toContain("| A | 3 | 0.900 ± 0.100 | 0.95 ± 0.05 |");
    expect(text).toContain("Semi-synthetic data, 3 lesions of 2 patients, 1 more without a reference mask.");
  });

  test("a different order is said in a sentence, explained or marked as unexplained", () => {
    expect(page("totals")).toContain("- B and C (0.9 and 0.7; 0.600 and 0.800, p = 0.040): the lesions are smaller.");
    const unexplained = resultsPage([answered("totals", [method("A", 0.7, 0.95), method("C", 0.8, 0.7)])]);
    expect(unexplained).toContain("not explained yet");
  });

  test("code, machine and arithmetic of each campaign are told once, however many sections show it", () => {
    const both = resultsPage([answered("totals", [method("A", 0.9)]), answered("categories", [method("A", 0.9)])]);
    expect(both.split("## What computed the figures\n\n")[1]).toBe(
      "| Campaign | Code | Machine | Arithmetic |\n|---|---|---|---|\n" +
        "| `recist3d run table1.yaml` | recist3d 1 (abc) | a CPU, 2 cores | v8 11.3; tensorflow-cpu isa=avx2 |\n",
    );
  });

  test("categories stand with the paper's row beneath", () => {
    expect(page("categories")).toContain("| A | 0.90 ± 0.10 | 0.900 ± 0.100 |\n| – paper | 0.95 ± 0.05 | 0.95 ± 0.05 |");
  });

  test("offsets end where there are fewer than ten slices", () => {
    expect(page("offsets")).toContain("| Dice at offset (slices) | 0 (12) |");
    expect(page("offsets")).toContain("| A | 0.900 (+3) |");
  });

  test("curves are told by their best F, and by that at ½", () => {
    expect(page("precision-recall")).toContain("| A | 0.847 | 0.800 | 0.900 | 0.400 | 0.812 |");
  });

  test("Figure 7: the asked-for quantity alone, R² beside the paper's, limits of agreement, repeatability of the volumes or why there is none", () => {
    const [page] = resultsPage([answered("volumes", [])]).split("## What computed");
    expect(page).toMatch(/^Repeatability: volumes of one unchanged lesion .* differ by less than this factor/m);
    expect(page.split("\n").filter((line) => line.startsWith("|"))).toEqual([
      "| Method | n, volume changes | R² | paper | R² − πLW²/6's | slope | bias (limits of agreement), ml | repeatability |",
      "|---|--:|--:|--:|--:|--:|--:|--:|",
      "| πLW²/6 of the marks | 8 of 5 patients | 0.800 | 0.62 | – | 0.900 [0.700, 1.100] | −1.3 (−9.0 to 6.5) | found at two time points: none of 4 unchanged lesions |",
      "| GrabCut-3DE | 8 of 5 patients | 0.850 | – | −0.050 [−0.200, 0.100] | 0.900 [0.700, 1.100] | −1.3 (−9.0 to 6.5) | × 1.34 [1.20, 1.85] (3 of 4 unchanged lesions) |",
    ]);
  });
});
