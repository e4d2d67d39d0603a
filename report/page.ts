import { dataOrigins } from "../schemas/dataset.ts";
import { stateWords } from "./dagFigure.ts";
import { enhancementTable } from "./enhancementTable.ts";
import { type Figure, figureName, figureOf, harvestParts } from "./figures.ts";
import { count, duration, meanSd, moment, NONE, score, shortDigest, signed } from "./format.ts";
import { Html, html } from "./html.ts";
import {
  bestDice,
  bootstrapText,
  categoriesTable,
  comparisonsTable,
  distancesTable,
  missingRow,
  originText,
  percent,
  sizesTable,
  type TableData,
  tableMethods,
  totalsTable,
  unansweredTable,
} from "./methodTables.ts";
import { baselineFirst, baselineOf, isBaseline, type ReportNumbers } from "./numbers.ts";
import { galleryColours } from "./palette.ts";
import { qualityTable } from "./qualityTable.ts";
import type { ReportData } from "./reportInput.ts";
import { studiesBody } from "./studySection.ts";
import { style } from "./style.ts";
import { responsesBody, volumesBody } from "./volumeSection.ts";

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

/** The page: one HTML document without scripts and without anything from elsewhere. */
export function reportPage(data: ReportData, numbers: ReportNumbers, figures: readonly Figure[]): string {
  const sections = [
    ...data.evaluations.flatMap((evaluation, nth) =>
      (["2D", "3D"] as const)
        .map((dimension): TableData => ({ numbers, evaluation, dimension, curves: data.precisionRecall }))
        .filter((table) => tableMethods(table).length > 0)
        .map((table) => resultsSection(table, nth, data.evaluations.length === 1, figures)),
    ),
    volumesSection(data, numbers, figures),
    responsesSection(data, figures),
    studiesSection(data, figures),
    qualitySection(data),
    gallerySection(data),
    dagSection(data, figures),
    datasetsSection(data),
    trainingSection(data, figures),
    harvestSection(data, figures),
    enhancementSection(data),
    provenanceSection(data),
  ].filter((s) => s !== null);
  const { campaign } = data;
  return html`${new Html("<!doctype html>")}
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${campaign.id} – recist3d report</title><style>${new Html(style)}</style></head>
<body><main>
<header><h1>${campaign.id}</h1>
<p class="soft">recist3d report · pipeline <b>${campaign.pipeline}</b> · ${moment(campaign.started)} to ${moment(campaign.finished)} (${duration((Date.parse(campaign.finished) - Date.parse(campaign.started)) / 1000)})</p>
${notices(data, numbers)}
<nav aria-label="Sections">${sections.map((s) => html`<a href="#${s.id}">${s.title}</a>`)}</nav>
${cards(data, numbers)}</header>
${sections.map((s) => html`<section aria-labelledby="${s.id}"><h2 id="${s.id}">${s.title}</h2>${s.body}</section>`)}
</main></body></html>
`.markup;
}

/** What a reader must know before any number. */
function notices(data: ReportData, numbers: ReportNumbers): Html {
  const unreal = dataOrigins
    .filter((origin) => origin !== "real")
    .map((origin) => ({ origin, names: data.datasets.filter((d) => d.origin === origin).map((d) => d.name) }))
    .filter(({ names }) => names.length > 0);
  const troubled = data.dag.steps.filter((s) => s.state !== "done");
  return html`${unreal.map(({ origin, names }) => html`<p class="notice" role="note"><b>${origin === "synthetic" ? "Synthetic data." : "Semi-synthetic data."}</b> ${names.join("; ")}: ${origin === "synthetic" ? "drawn by a program" : "real shapes put into real CT"}. Scores on such data say how the method works, not how it does on patients.</p>`)}
${numbers.missingBaselines.map((b) => html`<p class="notice" role="note"><b>The ${b.name} was not run.</b> A plain ${b.name} on the marks already scores high; the ${b.dimension} rows${data.evaluations.length > 1 ? ` on ${b.data}` : ""} prove nothing without it.</p>`)}
${troubled.length > 0 && html`<p class="notice" role="note"><b>Not every step is done:</b> ${troubled.map((s) => `${s.name} (${s.state})`).join(", ")}.</p>`}
${data.remarks.map((remark) => html`<p class="notice" role="note">${remark}</p>`)}`;
}

/** The best method of each dimension on each data set beside its baseline. */
function cards(data: ReportData, numbers: ReportNumbers): Html {
  const cardOf = (table: TableData): Html | null => {
    const { dimension, evaluation } = table;
    const methods = tableMethods(table);
    const best = bestDice(methods);
    if (best === undefined) return null;
    const baseline = methods.find(isBaseline);
    const figure = (value: string, of: string): Html =>
      html`<div><div class="big">${value}</div><div class="of">${of}</div></div>`;
    return html`<div class="card"><h3>${dimension === "2D" ? "2D Dice on the RECIST slice" : "3D Dice"}, ${best.total.dice.n} lesions</h3><p class="of">${evaluation.data} (${evaluation.origin})</p><div class="figures">${figure(score(best.total.dice.mean), best.name)}${figure(score(baseline?.total.dice?.mean ?? null), baseline === undefined ? `${baselineOf[dimension]}: not run` : baseline.name)}${best.advantage !== null && figure(signed(best.advantage.meanDifference), "difference, paired")}</div></div>`;
  };
  return html`<div class="cards">${data.evaluations.flatMap((evaluation) =>
    (["2D", "3D"] as const).map((dimension) => cardOf({ numbers, evaluation, dimension, curves: [] })),
  )}</div>`;
}

/** Tables and figures of one dimension on one data set. */
function resultsSection(table: TableData, nth: number, only: boolean, figures: readonly Figure[]): Section {
  const { evaluation, dimension } = table;
  const name = (figure: string): Figure | undefined => figureOf(figures, figureName(figure, dimension, nth));
  const title = dimension === "2D" ? "2D: the RECIST slice" : "3D: the whole lesion";
  const body = html`${totalsTable(table)}
${figureHtml(name("dice"), "Range, quartiles and median (white) of Dice; a tick is a lesion, where there are few enough to tell apart.")}
<h3>Distances, surfaces and volumes</h3>${distancesTable(table)}
<h3>By category</h3>${categoriesTable(table)}
${sizesSection(table)}
${dimension === "3D" && offsets(table, name("offsets"))}
${precisionRecall(table, name("precision-recall"))}
${comparisonsTable(table)}
${unansweredTable(table)}`;
  return {
    id: `results-${dimension.toLowerCase()}${nth === 0 ? "" : `-${nth + 1}`}`,
    title: only ? title : `${title} – ${evaluation.data}`,
    body,
  };
}

function enhancementSection({ enhancement }: ReportData): Section | null {
  return enhancement.length === 0 ? null : { id: "enhancement", title: "Image enhancement", body: enhancementTable(enhancement) };
}

function sizesSection(table: TableData): Html | null {
  const sizes = sizesTable(table);
  return sizes === null ? null : html`<h3>By size</h3>${sizes}`;
}

function offsets(table: TableData, figure: Figure | undefined): Html | null {
  if (figure === undefined) return null;
  const methods = baselineFirst(
    table.numbers.offsets
      .filter(({ data }) => data === table.evaluation.data)
      .map(({ method, points }) => ({ name: method, dimension: "3D" as const, points })),
  );
  const distances = [...new Set(methods.flatMap((m) => m.points.map((p) => p.offset)))].sort((a, b) => a - b);
  return html`<h3>By distance from the RECIST slice</h3>
${figureHtml(figure, "Mean Dice of the slices at each distance (the paper's Figs 4 and 10). A slice counts where the reference holds lesion; above and below are pooled. In the paper, GrabCut-3DE falls from .91 to .55 at distance 4, and the HNN stays above .70 up to 6.")}
<details><summary>The same as numbers</summary><div class="wide"><table><caption>${originText(table)} Dice by distance: mean ± sd; beneath, the ${percent(table.evaluation)} interval of the mean (${bootstrapText(table.evaluation)}), the number of slices that hold lesion and, after +, of further ones that the mask reaches.</caption><thead><tr><th scope="col" class="text">Method</th>${distances.map((d) => html`<th scope="col">${d}</th>`)}</tr></thead><tbody>${missingRow(table.numbers, table, distances.length + 1)}${methods.map(
    (m) =>
      html`<tr${isBaseline(m) ? html` class="baseline"` : null}><th scope="row">${m.name}</th>${distances.map((d) => {
        const point = m.points.find((p) => p.offset === d);
        return point === undefined
          ? html`<td>${NONE}</td>`
          : html`<td>${meanSd(point.mean, point.sd)}${point.interval !== null && html`<small>${score(point.interval.low)} to ${score(point.interval.high)}</small>`}<small>${point.n} + ${point.beyond}</small></td>`;
      })}</tr>`,
  )}</tbody></table></div></details>`;
}

function precisionRecall(table: TableData, figure: Figure | undefined): Html | null {
  if (figure === undefined) return null;
  const curves = table.curves.filter((c) => c.data === table.evaluation.data && c.dimension === table.dimension);
  const cells = (point: (typeof curves)[number]["best"]): Html =>
    point === null
      ? html`<td>${NONE}</td><td>${NONE}</td><td>${NONE}</td>`
      : html`<td>${score(point.f)}</td><td>${score(point.precision)}</td><td>${score(point.recall)}</td>`;
  return html`<h3>Precision and recall</h3>
${figureHtml(figure, "Precision and recall of the network's output over all thresholds, pixels of all lesions together; largest F-measure in brackets (the paper's Figs 5 and 11).")}
<div class="wide"><table><caption>${originText(table)} F = 2PR / (P + R) of all pixels together, at the threshold where it is largest and at ½. Masks without probabilities, the ${baselineOf[table.dimension]} among them, have no curve: their precision and recall stand in the first table.</caption><thead><tr><th scope="col" class="text">Method</th><th scope="col">Threshold</th><th scope="col">Largest F</th><th scope="col">Precision</th><th scope="col">Recall</th><th scope="col">F at ½</th><th scope="col">Precision</th><th scope="col">Recall</th></tr></thead><tbody>${curves.map((c) => html`<tr><th scope="row">${c.method}</th><td>${score(c.best?.threshold ?? null)}</td>${cells(c.best)}${cells(c.half)}</tr>`)}</tbody></table></div>`;
}

function volumesSection(data: ReportData, numbers: ReportNumbers, figures: readonly Figure[]): Section | null {
  if (numbers.volumes.length === 0) return null;
  return { id: "volumes", title: "Volumes", body: volumesBody(data, numbers.volumes, figures, svgOf) };
}

function qualitySection({ quality }: ReportData): Section | null {
  if (quality.length === 0) return null;
  return { id: "quality", title: "Image quality", body: html`${quality.map(qualityTable)}` };
}

function studiesSection({ studies }: ReportData, figures: readonly Figure[]): Section | null {
  if (studies.length === 0) return null;
  return { id: "studies", title: "Studies of readers", body: studiesBody(studies, figures) };
}

function responsesSection(data: ReportData, figures: readonly Figure[]): Section | null {
  if (data.responses.length === 0) return null;
  return { id: "responses", title: "Responses", body: responsesBody(data, figures, svgOf) };
}

const svgOf = ({ svg }: Figure): Html => new Html(svg);

function gallerySection(data: ReportData): Section | null {
  if (data.gallery.length === 0) return null;
  const key = (colour: readonly [number, number, number], words: string): Html =>
    html`<span><span class="key" style="background:rgb(${colour.join(",")})"></span>${words}</span>`;
  const { foreground, probableForeground, probableBackground, background, mask, truth, marks } = galleryColours;
  return {
    id: "gallery",
    title: "Gallery",
    body: html`<p class="soft keys">${key(foreground, "foreground")}${key(probableForeground, "probable foreground")}${key(probableBackground, "probable background")}${key(background, "background")}${key(marks, "marks")}${key(mask, "our mask")}${key(truth, "truth")}</p>
<div class="gallery">${data.gallery.map(
      (g) =>
        html`<figure class="lesion"><figcaption><b>${g.title}</b> · ${g.lesion} · ${g.category}${g.dice === null ? "" : ` · Dice ${score(g.dice)}`}</figcaption><div class="panels">${g.panels.map(
          (p) =>
            html`<div class="panel"><img src="data:image/png;base64,${p.png}" alt="${`${g.lesion}: ${p.label}`}">${p.label}</div>`,
        )}</div></figure>`,
    )}</div>`,
  };
}

function dagSection(data: ReportData, figures: readonly Figure[]): Section | null {
  const { steps } = data.dag;
  if (steps.length === 0) return null;
  const cached = steps.filter((s) => s.cached).length;
  return {
    id: "campaign",
    title: "The campaign as run",
    body: html`<figure class="dag">${new Html(figureOf(figures, "dag")?.svg ?? "")}<figcaption>${steps.length} steps, ${cached} of them cached (dashed): taken from an earlier action with the same inputs, parameters and code.</figcaption></figure>
<details><summary>Steps and outputs</summary><div class="wide"><table><thead><tr><th scope="col" class="text">Step</th><th scope="col" class="text">Uses</th><th scope="col" class="text">After</th><th scope="col" class="text">State</th><th scope="col" class="text">Outputs</th></tr></thead><tbody>${steps.map(
      (s) =>
        html`<tr><th scope="row">${s.name}</th><td class="text">${s.uses}</td><td class="text">${s.after.join(", ")}</td><td class="text">${stateWords(s)}</td><td class="text">${Object.entries(s.outputs).map(([name, digest]) => html`<div>${name} <span class="digest">${shortDigest(digest)}</span></div>`)}</td></tr>`,
    )}</tbody></table></div></details>`,
  };
}

function datasetsSection(data: ReportData): Section | null {
  if (data.datasets.length === 0) return null;
  const list = (counts: Readonly<Record<string, number>>): Html | string =>
    Object.keys(counts).length === 0
      ? "none"
      : html`${Object.entries(counts).map(([what, n]) => html`<div>${what}: ${count(n)}</div>`)}`;
  return {
    id: "data",
    title: "Data",
    body: html`<div class="wide"><table><thead><tr><th scope="col" class="text">Data set</th><th scope="col">Train</th><th scope="col">Test</th><th scope="col" class="text">Kind</th><th scope="col" class="text">Not taken</th><th scope="col" class="text">Irregularities</th></tr></thead><tbody>${data.datasets.map(
      (d) =>
        html`<tr><th scope="row">${d.name}</th><td>${count(d.lesions.train)}</td><td>${count(d.lesions.test)}</td><td class="text">${d.origin}</td><td class="text">${list(d.skipped)}</td><td class="text">${list(d.notes)}</td></tr>`,
    )}</tbody></table></div>`,
  };
}

function trainingSection(data: ReportData, figures: readonly Figure[]): Section | null {
  if (data.training.length === 0) return null;
  const rows = data.training.map((t) => {
    const validated = t.epochs.filter((e) => e.validationLoss !== null);
    const best = validated.reduce<(typeof validated)[number] | undefined>(
      (low, e) => (low === undefined || (e.validationLoss as number) < (low.validationLoss as number) ? e : low),
      undefined,
    );
    const rates = t.epochs
      .filter((e, i) => i === 0 || e.rate !== t.epochs[i - 1].rate)
      .map((e) => `${e.rate.toExponential()} from epoch ${e.epoch}`);
    return html`<tr><th scope="row">${t.model}</th><td>${t.epochs.length}</td><td>${t.epochs.length === 0 ? NONE : score(t.epochs[t.epochs.length - 1].trainLoss, 4)}</td><td>${best === undefined ? NONE : `${score(best.validationLoss, 4)} at epoch ${best.epoch}`}</td><td class="text">${rates.join(", ")}</td><td class="text digest">${shortDigest(t.digest)}</td></tr>`;
  });
  return {
    id: "training",
    title: "Training",
    body: html`${figureHtml(figureOf(figures, "training"), "Loss by epoch.")}
<div class="wide"><table><thead><tr><th scope="col" class="text">Model</th><th scope="col">Epochs</th><th scope="col">Last training loss</th><th scope="col">Lowest validation loss</th><th scope="col" class="text">Learning rate</th><th scope="col" class="text">Weights</th></tr></thead><tbody>${rows}</tbody></table></div>`,
  };
}

function harvestSection(data: ReportData, figures: readonly Figure[]): Section | null {
  if (data.harvest.length === 0) return null;
  return {
    id: "harvest",
    title: "Harvest",
    body: html`<p class="soft">Where the training labels of each self-paced round came from. A slice that was not harvested teaches nothing, and is counted here.</p>
${figureHtml(figureOf(figures, "harvest"), "Slices by round, slice offset and source of their label.")}
<details><summary>The same as numbers</summary><div class="wide"><table><thead><tr><th scope="col">Round</th><th scope="col">Offset</th>${harvestParts.map(([, words]) => html`<th scope="col">${words}</th>`)}</tr></thead><tbody>${data.harvest.map((h) => html`<tr><td>${h.round}</td><td>${h.offset}</td>${harvestParts.map(([part]) => html`<td>${count(h[part])}</td>`)}</tr>`)}</tbody></table></div></details>`,
  };
}

function provenanceSection(data: ReportData): Section {
  const listed = new Set(data.provenance.map((p) => p.digest));
  const masks = data.methods
    .filter((m) => !listed.has(m.digest))
    .map((m) => ({ what: `masks of ${m.name}, ${m.dimension}`, digest: m.digest }));
  return {
    id: "provenance",
    title: "Where everything came from",
    body: html`<p class="soft">SHA-256 of the artifacts that the numbers were computed from; <code>recist3d verify ${data.campaign.id}</code> hashes them again. The numbers of this page lie beside it in <code>numbers.json</code>, the scores of every lesion in <code>scores.csv</code>, every summary by category, size and distance in <code>strata.csv</code>, the drawings in <code>figures/</code>${data.studies.length > 0 && html`, the numbers of the studies of readers in <code>studies/</code>`}.</p>
<div class="wide"><table><tbody>${[...data.provenance, ...masks].map((p) => html`<tr><th scope="row">${p.what}</th><td class="text digest">${p.digest}</td></tr>`)}</tbody></table></div>
<h3>Environment</h3><div class="wide"><table><tbody>${Object.entries(data.environment).map(([what, value]) => html`<tr><th scope="row">${what}</th><td class="text">${value}</td></tr>`)}</tbody></table></div>`,
  };
}

function figureHtml(figure: Figure | undefined, caption: string): Html | null {
  return figure === undefined ? null : html`<figure>${new Html(figure.svg)}<figcaption>${caption}</figcaption></figure>`;
}
