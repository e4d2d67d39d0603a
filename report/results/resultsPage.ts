import { meanSd, NONE, pValue, score } from "../format.ts";
import { paperCategories } from "../paperFigures.ts";
import { paperRow, type Reversal, reversals, shownMethods } from "./order.ts";
import type { AnsweredSection, resultMetrics } from "./resultsInput.ts";
import { volumesNote, volumesTable } from "./volumesTable.ts";

type ResultMetric = (typeof resultMetrics)[number];

const METRIC_TITLES: Readonly<Record<ResultMetric, string>> = {
  recall: "Recall",
  precision: "Precision",
  dice: "Dice",
  iou: "IoU",
  volumetricSimilarity: "VS",
  avdVoxels: "AVD (voxels)",
  avdMm: "AVD (mm)",
};

/**
 * The results page in Markdown: a section per table or figure of the paper, each figure beside the paper's, the command
 * that gives it, and every pair of methods whose order differs from the paper's. A pure function of what campaigns
 * reported and of the declared texts.
 */
export function resultsPage(sections: readonly AnsweredSection[]): string {
  return `${[
    "# Results",
    "Written by `npm run reproduce`: every figure comes from the campaign named above its table, none is written by hand. " +
      "Mean ± standard deviation over lesions, in brackets the 95 % bootstrap interval of the mean over patients; the paper is " +
      "Cai et al. 2018. An order differs where two methods' mean Dice stand the other way round than in the paper; p is " +
      "Wilcoxon's signed-rank test between the two, corrected for all pairs of the table (Holm); it takes lesions for independent, also where several are of one patient.",
    ...sections.map(sectionText),
    originsText(sections),
  ].join("\n\n")}\n`;
}

function sectionText(answered: AnsweredSection): string {
  const { section, command } = answered;
  return [
    `## ${section.title}`,
    ...(section.text === undefined ? [] : [section.text.trim()]),
    `${dataText(answered)} \`${command}\``,
    tables[section.show](answered),
    ...(section.paper === undefined ? [] : [orderText(reversals(answered))]),
  ].join("\n\n");
}

/** Code, machine and arithmetic behind each campaign: trained networks are the same to the bit where all three are. */
function originsText(sections: readonly AnsweredSection[]): string {
  const campaigns = new Map(sections.map(({ command, figures }) => [command, figures.environment]));
  const rows = [...campaigns].map(([command, { version, machine, numerics }]) => [`\`${command}\``, version, machine, numerics]);
  return `## What computed the figures\n\n${markdownTable(["Campaign", "Code", "Machine", "Arithmetic"], rows, "left")}`;
}

function dataText({ section, figures }: AnsweredSection): string {
  const evaluation = figures.evaluations.find(({ data }) => data === section.data)!;
  const { origin, lesions, withoutReference } = evaluation;
  const patients = Math.max(0, ...shownMethods(section, figures).map((method) => method.patients));
  const missing = withoutReference === 0 ? "" : `, ${withoutReference} more without a reference mask`;
  return `${origin[0].toUpperCase()}${origin.slice(1)} data, ${lesions - withoutReference} lesions of ${patients} patients${missing}.`;
}

const tables: Readonly<Record<AnsweredSection["section"]["show"], (answered: AnsweredSection) => string>> = {
  totals: totalsTable,
  categories: categoriesTable,
  offsets: offsetsTable,
  "precision-recall": precisionRecallTable,
  volumes: (answered) => `${markdownTable(...volumesTable(answered))}\n\n${volumesNote}`,
};

/** A row per method: n, and each metric here and in the paper. */
function totalsTable({ section, figures }: AnsweredSection): string {
  const { metrics, paper } = section;
  const head = ["Method", "n", ...metrics.flatMap((metric) => [METRIC_TITLES[metric], ...(paper ? ["paper"] : [])])];
  const rows = shownMethods(section, figures).map((method) => {
    const printed = paperRow(method, paper);
    return [
      method.name,
      String(method.lesions),
      ...metrics.flatMap((metric) => {
        const { mean, sd, interval, undefined: missing } = method.total[metric];
        const bounds = interval === null ? "" : ` [${score(interval.low)}, ${score(interval.high)}]`;
        const ours = `${meanSd(mean, sd)}${bounds}${missing > 0 ? ` (${missing} undefined)` : ""}`;
        return paper ? [ours, printedText(printed, metric)] : [ours];
      }),
    ];
  });
  return markdownTable(head, rows);
}

function printedText(row: ReturnType<typeof paperRow>, metric: ResultMetric): string {
  if (row === undefined || metric === "iou" || metric === "avdMm") return NONE;
  return row[metric]?.text ?? NONE;
}

/** Dice by category in the paper's order; the paper's own row beneath each method's. */
function categoriesTable({ section, figures }: AnsweredSection): string {
  const methods = shownMethods(section, figures);
  const present = [...paperCategories, "unknown" as const].filter((category) =>
    methods.some((method) => (method.categories[category]?.dice.n ?? 0) > 0),
  );
  const rows = methods.flatMap((method) => {
    const cells = present.map((category) => {
      const dice = method.categories[category]?.dice;
      return dice === undefined ? NONE : meanSd(dice.mean, dice.sd, 2);
    });
    const ours = [method.name, ...cells, meanSd(method.total.dice.mean, method.total.dice.sd)];
    const printed = paperRow(method, section.paper);
    if (printed?.categories === undefined) return [ours];
    const theirs = present.map((category) => (category === "unknown" ? NONE : (printed.categories?.[category]?.text ?? NONE)));
    return [ours, ["– paper", ...theirs, printed.dice.text]];
  });
  const counts = present.map((category) => Math.max(...methods.map((method) => method.categories[category]?.dice.n ?? 0)));
  return markdownTable(["Method", ...present.map((category, i) => `${category} (${counts[i]})`), "all"], rows);
}

/** Mean Dice of the slices with lesion at each distance from the RECIST slice, as far as there are ten, and what masks reach beyond. */
function offsetsTable({ section, figures }: AnsweredSection): string {
  const curves = figures.offsets.filter(({ data }) => data === section.data);
  const reached = curves.flatMap(({ points }) => points.filter(({ n }) => n >= LEAST_SLICES).map(({ offset }) => offset));
  const offsets = [...new Set(reached)].sort((a, b) => a - b);
  const rows = curves.map(({ method, points }) => [
    method,
    ...offsets.map((offset) => {
      const point = points.find((one) => one.offset === offset);
      return point === undefined ? NONE : `${score(point.mean)} (+${point.beyond})`;
    }),
  ]);
  const slices = (offset: number): number =>
    Math.max(...curves.flatMap(({ points }) => points.filter((one) => one.offset === offset).map(({ n }) => n)));
  return markdownTable(["Dice at offset (slices)", ...offsets.map((offset) => `${offset} (${slices(offset)})`)], rows);
}

const LEAST_SLICES = 10;

/** The best F-measure of each curve, where it is reached, and that at ½. */
function precisionRecallTable({ section, figures }: AnsweredSection): string {
  const rows = figures.precisionRecall
    .filter(({ data, dimension }) => data === section.data && dimension === section.dimension)
    .map(({ method, best, half }) => [
      method,
      ...(best === null ? [NONE, NONE, NONE, NONE] : [best.f, best.precision, best.recall, best.threshold].map((v) => score(v))),
      half === null ? NONE : score(half.f),
    ]);
  return markdownTable(["Method", "best F", "precision", "recall", "at threshold", "F at ½"], rows);
}

/** Every reversal once, those that have the same explanation together. */
function orderText(found: readonly Reversal[]): string {
  if (found.length === 0) return "The order of the methods is the paper's.";
  const explanations = [...new Set(found.map(({ because }) => because))];
  const items = explanations.map((because) => {
    const pairs = found.filter((reversal) => reversal.because === because).map(pairText);
    return `- ${pairs.join("; ")}: ${because ?? "not explained yet."}`;
  });
  return [
    "The order differs from the paper's (first the method that the paper has above; mean Dice there and here):",
    "",
    ...items,
  ].join("\n");
}

function pairText({ above, below, p }: Reversal): string {
  const test = p === null ? "" : `, p ${p < 0.001 ? "" : "= "}${pValue(p)}`;
  return `${above.method} and ${below.method} (${above.paper} and ${below.paper}; ${score(above.ours)} and ${score(below.ours)}${test})`;
}

/** Columns after the first hold figures, to the right, unless they are texts. */
function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: "left" | "right" = "right",
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = columns === "left" ? "---" : "--:";
  return [line(head), `|${head.map((_, i) => (i === 0 ? "---" : rule)).join("|")}|`, ...rows.map(line)].join("\n");
}
