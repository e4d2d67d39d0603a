import type { Category } from "../methods/datasets/lesionCase.ts";
import type { StratumScore } from "../methods/metrics/strata.ts";
import { type ColumnFormat, distanceColumns, overlapColumns } from "./columns.ts";
import { meanSd, NONE, pValue, score, signed } from "./format.ts";
import { type Html, html } from "./html.ts";
import {
  baselineFirst,
  baselineOf,
  type Comparison,
  comparisonOf,
  isBaseline,
  type MethodNumbers,
  type ReportNumbers,
} from "./numbers.ts";
import { type PaperRow, type Printed, paperCategories, paperRows } from "./paperFigures.ts";
import type { Dimension, EvaluationData, ReportData } from "./reportInput.ts";

/** The methods of one dimension on one data set, as a table needs them. */
export interface TableData {
  readonly numbers: ReportNumbers;
  readonly evaluation: EvaluationData;
  readonly dimension: Dimension;
  /** Precision–recall curves of the whole report. */
  readonly curves: ReportData["precisionRecall"];
}

/** Where the numbers of a table come from: said on every one. */
export function originText({ evaluation: { data, origin } }: Pick<TableData, "evaluation">): string {
  return `${data}: ${origin} data.`;
}

/** The paper has lymph nodes too; its rows for them stand only beside lymph nodes. */
function paperRowIsShown(row: PaperRow, { evaluation }: TableData): boolean {
  return row.dataset === "DeepLesion" || /lymph/i.test(evaluation.data);
}

/** Overlap of all lesions per method, with the paper's rows beneath. */
export function totalsTable(table: TableData): Html {
  const { numbers, dimension, evaluation } = table;
  const methods = tableMethods(table);
  const best = bestDice(methods);
  const rows = methods.map((m) => {
    const paper = m.paper.filter((row) => paperRowIsShown(row, table));
    return html`<tr class="${rowClass(m, paper)}"><th scope="row">${m.name}</th><td>${m.lesions}</td>${summaryCell(m.total.dice, dice, m === best)}<td>${advantageText(m.advantage)}</td>${overlapColumns.map((column) => summaryCell(m.total[column.column], column))}<td class="text failures">${failuresText(m)}</td></tr>
${paper.map((row) => html`<tr class="paper"><th scope="row">paper (${row.dataset})</th><td></td><td>${printed(row.dice)}</td><td></td>${overlapColumns.map((c) => html`<td>${printed(paperCell(row, c.column))}</td>`)}<td class="text failures">${row.table}</td></tr>`)}`;
  });
  return html`<div class="wide"><table><caption>${originText(table)} ${dimension === "2D" ? "RECIST slice" : "Whole lesion"}, all categories: mean ± sd over lesions; beneath, median [quartiles] and the ${percent(evaluation)} interval of the mean (${bootstrapText(evaluation)}); undefined scores are counted. Dice of the best method in bold. Δ: mean paired difference to the ${baselineOf[dimension]} with its interval, and p of Wilcoxon's signed-rank test after Holm's correction for all pairs of methods.</caption>
<thead><tr><th scope="col" class="text">Method</th><th scope="col">n</th><th scope="col">Dice</th><th scope="col">Δ Dice to<br>${baselineOf[dimension]}</th>${overlapColumns.map(columnHead)}<th scope="col" class="text">Failures</th></tr></thead>
<tbody>${missingRow(numbers, table, overlapColumns.length + 5)}${rows}</tbody></table></div>`;
}

/** Distances, surfaces and volumes of all lesions per method. */
export function distancesTable(table: TableData): Html {
  const columns = distanceColumns(table.evaluation.tolerancesMm);
  const rows = tableMethods(table).map((m) => {
    const paper = m.paper.filter((row) => row.avdVoxels !== undefined && paperRowIsShown(row, table));
    return html`<tr class="${rowClass(m, paper)}"><th scope="row">${m.name}</th>${columns.map((column) => summaryCell(m.total[column.column], column))}</tr>
${paper.map((row) => html`<tr class="paper"><th scope="row">paper (${row.dataset})</th>${columns.map((c) => html`<td>${printed(paperCell(row, c.column))}</td>`)}</tr>`)}`;
  });
  return html`<div class="wide"><table><caption>${originText(table)} Distances, surfaces and volumes: mean ± sd; beneath, median [quartiles] and the interval of the mean. AVD and HD over all voxels, HD95 over surfaces; surface Dice: the share of both surfaces within the tolerance of the other. Volume difference: prediction − reference.</caption>
<thead><tr><th scope="col" class="text">Method</th>${columns.map(columnHead)}</tr></thead>
<tbody>${missingRow(table.numbers, table, columns.length + 1)}${rows}</tbody></table></div>`;
}

/** Dice by lesion category, in the paper's order (Tables 4 and 5). */
export function categoriesTable(table: TableData): Html {
  const methods = tableMethods(table);
  const present = new Set(methods.flatMap((m) => Object.keys(m.categories)));
  const columns: Category[] = [...paperCategories, "unknown" as const].filter((c) => present.has(c));
  const counts = columns.map((category) => Math.max(...methods.map((m) => m.categories[category]?.dice.n ?? 0)));
  const all = Math.max(...methods.map((m) => m.total.dice?.n ?? 0));
  const rows = methods.map((m) => {
    const paper = m.paper.filter((row) => row.categories !== undefined && paperRowIsShown(row, table));
    return html`<tr class="${rowClass(m, paper)}"><th scope="row">${m.name}</th>${columns.map((c, i) => diceCell(m.categories[c]?.dice, counts[i]))}${diceCell(m.total.dice, all)}</tr>
${paper.map((row) => html`<tr class="paper"><th scope="row">paper (${row.dataset})</th>${columns.map((c) => html`<td>${printed(row.categories?.[c])}</td>`)}<td>${printed(row.dice)}</td></tr>`)}`;
  });
  return html`<div class="wide"><table><caption>${originText(table)} Dice by lesion category: mean ± sd. A count in a cell says that the method has fewer lesions than the column.</caption>
<thead><tr><th scope="col" class="text">Method</th>${columns.map((c, i) => html`<th scope="col">${title(c)}<br>n = ${counts[i]}</th>`)}<th scope="col">Total<br>n = ${all}</th></tr></thead>
<tbody>${missingRow(table.numbers, table, columns.length + 2)}${rows}</tbody></table></div>`;
}

/** Dice by the lesion's long diameter. */
export function sizesTable(table: TableData): Html | null {
  const methods = tableMethods(table);
  const sizes = [...new Set(methods.flatMap((m) => m.sizes.map(({ size }) => size)))];
  if (sizes.length === 0) return null;
  const of = (m: MethodNumbers, size: string): StratumScore | undefined => m.sizes.find((s) => s.size === size)?.scores.dice;
  const counts = sizes.map((size) => Math.max(...methods.map((m) => of(m, size)?.n ?? 0)));
  return html`<div class="wide"><table><caption>${originText(table)} Dice by long diameter: mean ± sd, interval of the mean beneath.</caption>
<thead><tr><th scope="col" class="text">Method</th>${sizes.map((size, i) => html`<th scope="col">${size} mm<br>n = ${counts[i]}</th>`)}</tr></thead>
<tbody>${missingRow(table.numbers, table, sizes.length + 1)}${methods.map((m) => html`<tr class="${rowClass(m, [])}"><th scope="row">${m.name}</th>${sizes.map((size, i) => diceCell(of(m, size), counts[i], true))}</tr>`)}</tbody></table></div>`;
}

/** Every method against every other one. */
export function comparisonsTable(table: TableData): Html | null {
  const methods = tableMethods(table);
  if (methods.length < 2) return null;
  const cell = (row: MethodNumbers, column: MethodNumbers): Html => {
    if (row === column) return html`<td>${NONE}</td>`;
    return html`<td>${advantageText(comparisonOf(table.numbers.comparisons, row, row.name, column.name))}</td>`;
  };
  return html`<details><summary>Every method against every other one</summary><div class="wide"><table><caption>${originText(table)} Mean Dice of the row's method minus that of the column's on the lesions that both have, with its ${percent(table.evaluation)} interval (${bootstrapText(table.evaluation)}); p of Wilcoxon's signed-rank test, two-sided, after Holm's correction for the ${(methods.length * (methods.length - 1)) / 2} pairs. The test takes lesions for independent.</caption>
<thead><tr><th scope="col" class="text">Method</th>${methods.map((m) => html`<th scope="col">${m.name}</th>`)}</tr></thead>
<tbody>${methods.map((row) => html`<tr class="${rowClass(row, [])}"><th scope="row">${row.name}</th>${methods.map((column) => cell(row, column))}</tr>`)}</tbody></table></div></details>`;
}

/** The paper's rows that no method of the table answers, so that nothing is left out by silence. */
export function unansweredTable(table: TableData): Html | null {
  const { dimension } = table;
  const answered = new Set(tableMethods(table).flatMap((m) => m.paper));
  const rows = paperRows.filter((row) => row.dimension === dimension && !(answered.has(row) && paperRowIsShown(row, table)));
  if (rows.length === 0) return null;
  return html`<details><summary>The paper's ${dimension} rows without a counterpart in this campaign (${rows.length})</summary>
<div class="wide"><table><thead><tr><th scope="col" class="text">Method</th><th scope="col" class="text">Data</th><th scope="col" class="text">Where</th><th scope="col">Recall</th><th scope="col">Precision</th><th scope="col">Dice</th></tr></thead>
<tbody>${rows.map((r) => html`<tr><th scope="row">${r.method}</th><td class="text">${r.dataset}</td><td class="text">${r.table}</td><td>${printed(r.recall)}</td><td>${printed(r.precision)}</td><td>${printed(r.dice)}</td></tr>`)}</tbody></table></div></details>`;
}

/** Of the methods that are not baselines, the one with the highest mean Dice. */
export function bestDice(methods: readonly MethodNumbers[]): MethodNumbers | undefined {
  const mean = (m: MethodNumbers): number => m.total.dice?.mean ?? Number.NEGATIVE_INFINITY;
  const ours = methods.filter((m) => m.kind === "ours" && Number.isFinite(mean(m)));
  return ours.reduce<MethodNumbers | undefined>((best, m) => (best === undefined || mean(m) > mean(best) ? m : best), undefined);
}

/** The table's methods, the baseline first. */
export function tableMethods({ numbers, evaluation, dimension }: TableData): MethodNumbers[] {
  return baselineFirst(numbers.methods.filter((m) => m.data === evaluation.data && m.dimension === dimension));
}

/** The row that says that the baseline is not there. */
export function missingRow(numbers: ReportNumbers, { evaluation, dimension }: TableData, columns: number): Html | null {
  const missing = numbers.missingBaselines.find((b) => b.data === evaluation.data && b.dimension === dimension);
  return missing === undefined
    ? null
    : html`<tr class="missing"><th scope="row">${missing.name}</th><td class="text" colspan="${columns - 1}">NOT RUN – without the ${missing.name} on the marks, no row of this table says whether a method adds anything to the marks</td></tr>`;
}

const dice: ColumnFormat = { column: "dice", title: "Dice", digits: 3 };

function rowClass(method: MethodNumbers, paper: readonly PaperRow[]): string {
  return [isBaseline(method) ? "baseline" : "", paper.length > 0 ? "followed" : ""].filter((c) => c !== "").join(" ");
}

function columnHead({ title: lines }: ColumnFormat): Html {
  return html`<th scope="col">${[lines].flat().map((line, i) => html`${i === 0 ? null : html`<br>`}${line}`)}</th>`;
}

function summaryCell(summary: StratumScore | undefined, { digits, scale = 1 }: ColumnFormat, best = false): Html {
  if (summary === undefined) return html`<td>${NONE}</td>`;
  const { median, q1, q3, interval } = summary;
  const scaled = (value: number | null): number | null => (value === null ? null : value * scale);
  const text = (value: number | null): string => score(scaled(value), digits);
  return html`<td${best ? html` class="best"` : null}>${meanSd(scaled(summary.mean), scaled(summary.sd), digits)}${median !== null && html`<small>${text(median)} [${text(q1)}, ${text(q3)}]</small>`}${interval !== null && html`<small>${text(interval.low)} to ${text(interval.high)}</small>`}${summary.undefined > 0 && html`<small>${summary.undefined} undefined</small>`}</td>`;
}

function diceCell(summary: StratumScore | undefined, lesions: number, withInterval = false): Html {
  if (summary === undefined) return html`<td>${NONE}</td>`;
  const { mean, sd, n, interval } = summary;
  return html`<td>${meanSd(mean, sd)}${withInterval && interval !== null && html`<small>${score(interval.low)} to ${score(interval.high)}</small>`}${n === lesions ? null : html`<small>n = ${n}</small>`}</td>`;
}

function paperCell(row: PaperRow, column: string): Printed | undefined {
  switch (column) {
    case "recall":
    case "precision":
    case "volumetricSimilarity":
    case "avdVoxels":
      return row[column];
  }
  return undefined;
}

function printed(value: Printed | undefined): string {
  return value?.text ?? "";
}

function advantageText(advantage: Comparison | null): Html | string {
  if (advantage === null) return NONE;
  const { meanDifference, interval, pHolm, pairs } = advantage;
  return html`${signed(meanDifference)}${interval !== null && html`<small>[${signed(interval.low)}, ${signed(interval.high)}]</small>`}<small>p ${pHolm < 0.001 ? "" : "= "}${pValue(pHolm)}, ${pairs} pairs</small>`;
}

function failuresText(method: MethodNumbers): Html | string {
  const failures = Object.entries(method.failures).filter(([, n]) => n > 0);
  return failures.length === 0
    ? "none"
    : html`${failures.map(([what, n], i) => html`${i === 0 ? null : html`<br>`}${what}: ${n}`)}`;
}

/** "95 %". */
export function percent({ bootstrap }: EvaluationData): string {
  return `${Number((100 * bootstrap.level).toFixed(2))} %`;
}

/** "bootstrap over patients, 1000 resamples". */
export function bootstrapText({ bootstrap: { unit, resamples } }: EvaluationData): string {
  return resamples === 0 ? "none asked for" : `bootstrap over ${unit}s, ${resamples} resamples`;
}

function title(category: string): string {
  return category[0].toUpperCase() + category.slice(1);
}
