import type { Agreement } from "../methods/metrics/agreement.ts";
import type { Interval } from "../methods/metrics/summary.ts";
import { type Figure, figureOf } from "./figures.ts";
import { NONE, score, signed } from "./format.ts";
import { type Html, html } from "./html.ts";
import { timePointsTable } from "./patientsPage.ts";
import { REPEATABILITY, repeatedLesions } from "./repeatabilityText.ts";
import type { ReportData } from "./reportInput.ts";
import { TIMELINES, timelinePatients } from "./volumeFigures.ts";
import type { VolumeNumbers } from "./volumeNumbers.ts";

const figureHtml = (figure: Figure | undefined, caption: string, svg: (figure: Figure) => Html): Html | null =>
  figure === undefined ? null : html`<figure>${svg(figure)}<figcaption>${caption}</figcaption></figure>`;

const interval = (value: Interval | null): Html | null =>
  value === null ? null : html`<small>${score(value.low)} to ${score(value.high)}</small>`;

/** Volumes and their changes of every data set: change plots, lines, limits of agreement. */
export function volumesBody(
  data: ReportData,
  numbers: readonly VolumeNumbers[],
  figures: readonly Figure[],
  svg: (figure: Figure) => Html,
): Html {
  const sets = [...new Set(data.volumes.map((v) => v.data))];
  return html`${sets.map((set, nth) => {
    const suffix = nth === 0 ? "" : `-${nth + 1}`;
    const own = numbers.filter((v) => v.data === set);
    const figure = (name: string): Figure | undefined => figureOf(figures, `${name}${suffix}`);
    return html`${sets.length > 1 && html`<h3>${set}</h3>`}
<div class="pair">${figureHtml(figure("volumes"), "Volume by each method against the reference; dotted: equal.", svg)}${figureHtml(figure("volume-changes"), "Volume change from the first time point (the paper's Fig. 7) with fitted lines; dotted: equal.", svg)}</div>
${linesTable(own)}
${figureHtml(figure("volume-agreement"), "Bland-Altman plot of the volume changes, or of the volumes where there are no changes: bias (line) and limits of agreement (dashed).", svg)}
${agreementTable(own)}`;
  })}`;
}

function linesTable(numbers: readonly VolumeNumbers[]): Html {
  const paper = numbers.some((v) => v.quantity === "change");
  return html`<div class="wide"><table><caption>Least-squares line of the measured on the reference value${paper ? "; for changes the paper has R² = 0.78 (WSSS) and 0.62 (ellipsoid πLW²/6) on 22 pairs" : ""}. Beneath, intervals that draw patients. The last column holds R² against that of πLW²/6 on the same lesions.</caption><thead><tr><th scope="col" class="text">Method</th><th scope="col" class="text">Quantity</th><th scope="col">n</th><th scope="col">Patients</th><th scope="col">Slope</th><th scope="col">Intercept (ml)</th><th scope="col">R²</th><th scope="col">R² − ellipsoid's</th></tr></thead><tbody>${numbers.map((v) => html`<tr><th scope="row">${v.method}</th><td class="text">${v.quantity}</td><td>${v.n}</td><td>${v.patients}</td><td>${score(v.slope)}${interval(v.slopeInterval)}</td><td>${score(v.intercept)}</td><td>${score(v.rSquared)}${interval(v.rSquaredInterval)}</td><td>${v.rSquaredAdvantage === null ? NONE : signed(v.rSquaredAdvantage.difference)}${interval(v.rSquaredAdvantage?.interval ?? null)}</td></tr>`)}</tbody></table></div>`;
}

function agreementTable(numbers: readonly VolumeNumbers[]): Html {
  const cells = (agreement: Agreement | null): Html =>
    agreement === null
      ? html`<td>${NONE}</td><td>${NONE}</td><td>${NONE}</td>`
      : html`<td>${score(agreement.bias)}${interval(agreement.biasInterval)}</td><td>${score(agreement.limits.low)}${interval(agreement.lowInterval)}</td><td>${score(agreement.limits.high)}${interval(agreement.highInterval)}</td>`;
  return html`<div class="wide"><table><caption>Agreement with the reference: bias and limits between which 95 % of the differences are expected, with intervals by Student's t, for which lesions are taken for independent. Ratios are measured ÷ reference (of changes, of the growth from the first time point) and come from logarithms. ${REPEATABILITY}; it is of volumes, and stands in their rows.</caption><thead><tr><th scope="col" class="text">Method</th><th scope="col" class="text">Quantity</th><th scope="col">Bias (ml)</th><th scope="col">Lower limit</th><th scope="col">Upper limit</th><th scope="col">Ratio</th><th scope="col">Lower limit</th><th scope="col">Upper limit</th><th scope="col">Without ratio</th><th scope="col">Repeatability</th></tr></thead><tbody>${numbers.map(
    (v) =>
      html`<tr><th scope="row">${v.method}</th><td class="text">${v.quantity}</td>${cells(v.differences)}${cells(v.ratios)}<td>${v.withoutRatio}</td><td>${v.quantity === "change" ? NONE : repeatabilityCell(v)}</td></tr>`,
  )}</tbody></table></div>`;
}

function repeatabilityCell(v: VolumeNumbers): Html {
  const lesions = html`<small>${repeatedLesions(v)}</small>`;
  return v.repeatability === null
    ? lesions
    : html`× ${score(v.repeatability.ratio)}${interval(v.repeatability.interval)}${lesions}`;
}

/** RECIST 1.1 and the volumes beside it: waterfall, timelines, and where the two disagree. */
export function responsesBody(data: ReportData, figures: readonly Figure[], svg: (figure: Figure) => Html): Html {
  return html`${data.responses.map((one, nth) => {
    const { patients, method, volumeResponse, volumeProgression } = one;
    const suffix = nth === 0 ? "" : `-${nth + 1}`;
    const later = patients.flatMap(({ timePoints }) => timePoints.slice(1));
    const compared = later.filter(({ disagrees }) => disagrees !== null);
    const differing = compared.filter(({ disagrees }) => disagrees);
    const shown = timelinePatients(one);
    const withoutBar = patients.filter(({ bestChange }) => bestChange === null).length;
    const missing =
      withoutBar === 0 ? "" : ` ${withoutBar} of ${patients.length} patients have no sum at a later time point, and no bar.`;
    return html`<p>RECIST 1.1 of the marks, every lesion a target${one.lymphNodes ? ", measured as lymph nodes (short axes; below 10 mm they are normal)" : ""}; beside it the volumes by ${method}, where −${score(100 * volumeResponse, 0)} % and +${score(100 * volumeProgression, 0)} % count as response and progression. That is what −30 % and +20 % of a diameter are for a sphere; it is a convention and no part of RECIST. The two say different things at ${differing.length} of ${compared.length} time points.</p>
${crossTable(compared)}
${figureHtml(figureOf(figures, `waterfall${suffix}`), `Best change of the sum of diameters from the baseline, a bar per patient; dashed: −30 % and +20 % (of the baseline; progression itself counts from the nadir).${missing}`, svg)}
${figureHtml(figureOf(figures, `timelines${suffix}`), `Sum of diameters and volume over time, each point with its response; ${shown.length < patients.length ? `the ${TIMELINES} patients with the most disagreement of ${patients.length}` : "all patients"}.`, svg)}
<p><a href="patients.html">Every patient's course, drawn and in a table</a></p>
<details><summary>Every patient and time point</summary>${timePointsTable(patients)}</details>`;
  })}`;
}

type TimePoint = ReportData["responses"][number]["patients"][number]["timePoints"][number];

function crossTable(compared: readonly TimePoint[]): Html | null {
  if (compared.length === 0) return null;
  const words = ["CR", "PR", "SD", "PD"] as const;
  const count = (target: string, volumetric: string): number =>
    compared.filter((t) => t.target === target && t.volumetric === volumetric).length;
  return html`<div class="wide"><table><caption>Time points by the targets' response: rows by RECIST 1.1, columns by volume.</caption><thead><tr><th scope="col" class="text">RECIST 1.1</th>${words.map((w) => html`<th scope="col">${w}</th>`)}</tr></thead><tbody>${words.map((row) => html`<tr><th scope="row">${row}</th>${words.map((column) => html`<td>${count(row, column)}</td>`)}</tr>`)}</tbody></table></div>`;
}
