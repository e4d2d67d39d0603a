import type { Category } from "../methods/datasets/lesionCase.ts";
import type { Summary } from "../methods/metrics/summary.ts";
import { meanSd, NONE, pValue, score, signed } from "./format.ts";
import { type Html, html } from "./html.ts";
import {
  type Advantage,
  baselineFirst,
  baselineOf,
  isBaseline,
  type MethodNumbers,
  type Metric,
  type ReportNumbers,
} from "./numbers.ts";
import { type PaperRow, type Printed, paperCategories, paperRows } from "./paperFigures.ts";
import type { Dimension } from "./reportInput.ts";

/** Columns of the table of totals; distances have heavy tails, so their median always stands beside the mean. */
const COLUMNS: readonly { metric: Metric; title: string; digits: number }[] = [
  { metric: "recall", title: "Recall", digits: 3 },
  { metric: "precision", title: "Precision", digits: 3 },
  { metric: "volumetricSimilarity", title: "VS", digits: 3 },
  { metric: "avdVoxels", title: "AVD (voxels)", digits: 3 },
  { metric: "avdMm", title: "AVD (mm)", digits: 3 },
  { metric: "hausdorff95Mm", title: "HD95 (mm)", digits: 2 },
];

/** Which of the paper's data sets a row is printed for: lymph nodes only beside lymph nodes. */
export function paperRowIsShown(row: PaperRow, lymphNodes: boolean): boolean {
  return row.dataset === "DeepLesion" || lymphNodes;
}

/** All lesions of a dimension: mean ± sd, median and what is undefined, per method, with the paper's rows beneath. */
export function totalsTable(numbers: ReportNumbers, dimension: Dimension, lymphNodes: boolean): Html {
  const methods = ordered(numbers, dimension);
  const best = bestDice(methods);
  const rows = methods.map((m) => {
    const paper = m.paper.filter((row) => paperRowIsShown(row, lymphNodes));
    return html`<tr class="${rowClass(m, paper)}"><th scope="row">${m.name}</th><td>${m.lesions}</td>${totalCell(m.total.dice, 3, m === best)}<td>${advantageText(m.advantage)}</td>${COLUMNS.map(({ metric, digits }) => totalCell(m.total[metric], digits))}<td class="text failures">${failuresText(m)}</td></tr>
${paper.map((row) => paperTotalRow(row))}`;
  });
  return html`<div class="wide"><table><caption>${dimension === "2D" ? "RECIST slice" : "Whole lesion"}, all categories: mean ± sd over lesions, median beneath, undefined scores counted. Dice of the best method in bold. Δ: mean paired difference to the ${baselineOf[dimension]} with its 95 % bootstrap interval, and p of Wilcoxon's signed-rank test.</caption>
<thead><tr><th scope="col" class="text">Method</th><th scope="col">n</th><th scope="col">Dice</th><th scope="col">Δ Dice to<br>${baselineOf[dimension]}</th>${COLUMNS.map((c) => html`<th scope="col">${c.title}</th>`)}<th scope="col" class="text">Failures</th></tr></thead>
<tbody>${missingRow(numbers, dimension, COLUMNS.length + 5)}${rows}</tbody></table></div>`;
}

/** Dice by lesion category, in the paper's order. */
export function categoriesTable(numbers: ReportNumbers, dimension: Dimension, lymphNodes: boolean): Html {
  const methods = ordered(numbers, dimension);
  const present = new Set(methods.flatMap((m) => Object.keys(m.categories)));
  const columns: Category[] = [...paperCategories, "unknown" as const].filter((c) => present.has(c));
  const lesions = (category: Category): number => Math.max(...methods.map((m) => m.categories[category]?.dice.n ?? 0));
  const all = Math.max(...methods.map((m) => m.total.dice.n));
  const rows = methods.map((m) => {
    const paper = m.paper.filter((row) => row.categories !== undefined && paperRowIsShown(row, lymphNodes));
    return html`<tr class="${rowClass(m, paper)}"><th scope="row">${m.name}</th>${columns.map((c) => categoryCell(m.categories[c]?.dice, lesions(c)))}${categoryCell(m.total.dice, all)}</tr>
${paper.map((row) => html`<tr class="paper"><th scope="row">paper (${row.dataset})</th>${columns.map((c) => html`<td>${printed(row.categories?.[c])}</td>`)}<td>${printed(row.dice)}</td></tr>`)}`;
  });
  return html`<div class="wide"><table><caption>Dice by lesion category: mean ± sd. A count in a cell says that the method has fewer lesions than the column.</caption>
<thead><tr><th scope="col" class="text">Method</th>${columns.map((c) => html`<th scope="col">${title(c)}<br>n = ${lesions(c)}</th>`)}<th scope="col">Total<br>n = ${all}</th></tr></thead>
<tbody>${missingRow(numbers, dimension, columns.length + 1)}${rows}</tbody></table></div>`;
}

/** The paper's rows that no method of the campaign answers, so that nothing is left out by silence. */
export function unansweredTable(numbers: ReportNumbers, dimension: Dimension, lymphNodes: boolean): Html | null {
  const answered = new Set(numbers.methods.flatMap((m) => m.paper));
  const rows = paperRows.filter((row) => row.dimension === dimension && !(answered.has(row) && paperRowIsShown(row, lymphNodes)));
  if (rows.length === 0) return null;
  return html`<details><summary>The paper's ${dimension} rows without a counterpart in this campaign (${rows.length})</summary>
<div class="wide"><table><thead><tr><th scope="col" class="text">Method</th><th scope="col" class="text">Data</th><th scope="col" class="text">Where</th><th scope="col">Recall</th><th scope="col">Precision</th><th scope="col">Dice</th></tr></thead>
<tbody>${rows.map((r) => html`<tr><th scope="row">${r.method}</th><td class="text">${r.dataset}</td><td class="text">${r.table}</td><td>${printed(r.recall)}</td><td>${printed(r.precision)}</td><td>${printed(r.dice)}</td></tr>`)}</tbody></table></div></details>`;
}

/** Of the methods that are not baselines, the one with the highest mean Dice. */
export function bestDice(methods: readonly MethodNumbers[]): MethodNumbers | undefined {
  const ours = methods.filter((m) => m.kind === "ours" && m.total.dice.mean !== null);
  return ours.reduce<MethodNumbers | undefined>(
    (best, m) => (best === undefined || (m.total.dice.mean as number) > (best.total.dice.mean as number) ? m : best),
    undefined,
  );
}

function ordered(numbers: ReportNumbers, dimension: Dimension): MethodNumbers[] {
  return baselineFirst(numbers.methods.filter((m) => m.dimension === dimension));
}

function missingRow(numbers: ReportNumbers, dimension: Dimension, columns: number): Html | null {
  const missing = numbers.missingBaselines.find((b) => b.dimension === dimension);
  return missing === undefined
    ? null
    : html`<tr class="missing"><th scope="row">${missing.name}</th><td class="text" colspan="${columns - 1}">NOT RUN – without the ${missing.name} on the marks, no row of this table says whether a method adds anything to the marks</td></tr>`;
}

function rowClass(method: MethodNumbers, paper: readonly PaperRow[]): string {
  return [isBaseline(method) ? "baseline" : "", paper.length > 0 ? "followed" : ""].filter((c) => c !== "").join(" ");
}

function totalCell(summary: Summary, digits: number, best = false): Html {
  return html`<td${best ? html` class="best"` : null}>${meanSd(summary.mean, summary.sd, digits)}${summary.median !== null && html`<small>median ${score(summary.median, digits)}</small>`}${summary.undefined > 0 && html`<small>${summary.undefined} undefined</small>`}</td>`;
}

function categoryCell(summary: Summary | undefined, lesions: number): Html {
  if (summary === undefined) return html`<td>${NONE}</td>`;
  return html`<td>${meanSd(summary.mean, summary.sd)}${summary.n === lesions ? null : html`<small>n = ${summary.n}</small>`}</td>`;
}

function paperTotalRow(row: PaperRow): Html {
  const cell = (metric: Metric): Printed | undefined => (metric in row ? row[metric as keyof PaperRow & Metric] : undefined);
  return html`<tr class="paper"><th scope="row">paper (${row.dataset})</th><td></td><td>${printed(row.dice)}</td><td></td>${COLUMNS.map((c) => html`<td>${printed(cell(c.metric))}</td>`)}<td class="text failures">${row.table}</td></tr>`;
}

function printed(value: Printed | undefined): string {
  return value?.text ?? "";
}

function advantageText(advantage: Advantage | null): Html | string {
  if (advantage === null) return NONE;
  const { meanDifference, interval, p, lesions } = advantage;
  return html`${signed(meanDifference)}${interval !== null && html`<small>[${signed(interval.low)}, ${signed(interval.high)}]</small>`}<small>p ${p < 0.001 ? "" : "= "}${pValue(p)}, ${lesions} pairs</small>`;
}

function failuresText(method: MethodNumbers): Html | string {
  const failures = Object.entries(method.failures).filter(([, n]) => n > 0);
  return failures.length === 0
    ? "none"
    : html`${failures.map(([what, n], i) => html`${i === 0 ? null : html`<br>`}${what}: ${n}`)}`;
}

function title(category: string): string {
  return category[0].toUpperCase() + category.slice(1);
}
