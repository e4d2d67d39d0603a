import type { Interval } from "../methods/metrics/summary.ts";
import { type Figure, figureOf } from "./figures.ts";
import { duration, NONE, pValue, score } from "./format.ts";
import { Html, html } from "./html.ts";
import type { ReportData } from "./reportInput.ts";
import { rowName, studyFigure, told } from "./studyFigures.ts";

type Study = ReportData["studies"][number];

/** Studies of readers (§4.1): who decided, acceptance or preference, agreement, time. */
export function studiesBody(studies: readonly Study[], figures: readonly Figure[]): Html {
  return html`${studies.map((study, nth) => {
    const figure = (name: string, caption: string): Html | null => {
      const drawn = figureOf(figures, studyFigure(name, nth));
      return drawn === undefined ? null : html`<figure>${new Html(drawn.svg)}<figcaption>${caption}</figcaption></figure>`;
    };
    return html`<h3>${study.title === study.name ? study.title : `${study.name}: ${study.title}`}</h3>
${whoDecided(study)}
${
  study.acceptance !== null &&
  html`${ratesTable(study)}
${figure("acceptance", "Acceptance rate of each source with Wilson's 95 % interval, answers of all readers together: of all lesions and by category.")}
${bySource(study)}
${pairedTable(study)}`
}
${
  study.comparison !== null &&
  html`${preferencesTable(study)}
${figure("preference", "What readers preferred, of all lesions, by category and by reader.")}`
}
${agreementTable(study)}
${readersTable(study)}`;
  })}`;
}

function whoDecided({ decidedBy, policy, closedBy, data, cases, leftOut, sources, readers }: Study): Html {
  const of = `${cases} cases of ${data.name} (${data.origin}); sources: ${sources.join(", ")}`;
  const { withoutMask, notDrawn } = leftOut;
  const absent = [
    ...(withoutMask > 0 ? [`${withoutMask} that lack a mask of a source`] : []),
    ...(notDrawn > 0 ? [`${notDrawn} that were not drawn`] : []),
  ];
  const left = readers.filter(({ unanswered }) => unanswered > 0);
  return html`${decidedBy === "policy" && html`<p class="notice" role="note"><b>Decided by a policy, not by people:</b> ${policy ?? "an unnamed rule"}.</p>`}
${closedBy === "deadline" && html`<p class="notice" role="note"><b>Closed by its deadline.</b> ${left.length === 0 ? "All cases had been answered." : `Not answered: ${left.map(({ reader, unanswered }) => `${unanswered} by ${reader}`).join(", ")}.`}</p>`}
<p>${of}. ${absent.length > 0 && `Lesions that are not shown: ${absent.join(", ")}. `}${readers.length === 0 ? "Nobody answered." : `Read by ${readers.map(({ reader }) => reader).join(", ")}, blind to the sources and to each other.`}</p>`;
}

const small = (value: Interval | null, text: (share: number) => string): Html | null =>
  value === null ? null : html`<small>${text(value.low)} to ${text(value.high)}</small>`;
const percent = (share: number): string => `${score(100 * share, 1)} %`;
const share = (value: number | null): string => (value === null ? NONE : percent(value));
const range = (value: Interval | null): string => (value === null ? NONE : `${percent(value.low)} to ${percent(value.high)}`);
const header = (text: readonly string[], numbers: readonly string[]): Html =>
  html`<thead><tr>${text.map((one) => html`<th scope="col" class="text">${one}</th>`)}${numbers.map((one) => html`<th scope="col">${one}</th>`)}</tr></thead>`;

function ratesTable({ acceptance }: Study): Html {
  const all = acceptance!.rates.filter(({ reader, category }) => reader === null && category === null);
  return html`<div class="wide"><table><caption>First showings, all readers together. Wilson's 95 % interval takes answers for independent; the last column draws whole patients instead, which allows for several lesions of a patient and several readers of a mask, but says nothing where all answers are the same. In the paper a radiologist accepted 92.4 % of the masks of WSSS.</caption>${header(["Source"], ["Answers", "Lesions", "Patients", "Accepted", "Rate", "Wilson's interval", "patients drawn"])}<tbody>${all.map((row) => html`<tr><th scope="row">${row.source}</th><td>${row.n}</td><td>${row.lesions}</td><td>${row.patients}</td><td>${row.accepted}</td><td>${share(row.rate)}</td><td>${range(row.interval)}</td><td>${range(row.clustered)}</td></tr>`)}</tbody></table></div>`;
}

/** Categories and readers side by side, a row per source. */
function bySource({ acceptance, sources }: Study): Html {
  const parts = acceptance!.rates.filter(({ reader, category }) => reader !== null || category !== null);
  const table = (by: "category" | "reader", caption: string): Html | null => {
    const names = [...new Set(parts.flatMap((row) => row[by] ?? []))];
    if (names.length < 2) return null;
    const cell = (source: string, name: string): Html => {
      const row = parts.find((one) => one.source === source && one[by] === name);
      if (row === undefined || row.rate === null) return html`<td>${NONE}</td>`;
      return html`<td>${share(row.rate)}${small(row.interval, percent)}<small>${row.accepted} of ${row.n}</small></td>`;
    };
    return html`<div class="wide"><table><caption>${caption}</caption>${header(["Source"], names)}<tbody>${sources.map((source) => html`<tr><th scope="row">${source}</th>${names.map((name) => cell(source, name))}</tr>`)}</tbody></table></div>`;
  };
  return html`${table("category", "Acceptance rate by category with Wilson's 95 % interval, all readers together.")}
${table("reader", "Acceptance rate by reader with Wilson's 95 % interval.")}`;
}

function pairedTable({ acceptance }: Study): Html | null {
  const { paired } = acceptance!;
  if (paired.length === 0) return null;
  return html`<div class="wide"><table><caption>Two sources on the same lesions, reader by reader: McNemar's exact test of the lesions of which one mask alone was accepted. Lesions are taken for independent. The last p is corrected by Holm over the reader's pairs of sources.</caption>${header(["Reader", "First", "Second"], ["Lesions", "Both", "First only", "Second only", "Neither", "p", "corrected"])}<tbody>${paired.map((row) => html`<tr><th scope="row">${row.reader ?? "merged"}</th><td class="text">${row.first}</td><td class="text">${row.second}</td><td>${row.pairs}</td><td>${row.both}</td><td>${row.onlyFirst}</td><td>${row.onlySecond}</td><td>${row.neither}</td><td>${row.test.p === null ? NONE : pValue(row.test.p)}</td><td>${row.pHolm === null ? NONE : pValue(row.pHolm)}</td></tr>`)}</tbody></table></div>`;
}

function preferencesTable({ comparison }: Study): Html {
  const { first, second } = comparison!;
  const rows = told(comparison!.rows);
  return html`<div class="wide"><table><caption>Which of two masks readers preferred; left and right are ${first} and ${second} again. The share is that of ${first} among the cases with a preference: beneath, the exact 95 % interval of the sign test, for which cases are independent; beside it, the interval that draws whole patients. Several readers of one case are not independent, so that their answers together have no p value. In the paper, on 1,000 pairs, WSSS was preferred 72 times, the manual mask 269 times, 645 pairs could not be told apart, and of 14 neither was accepted.</caption>${header(["Of"], ["Answers", "Patients", first, second, "Both", "Neither", `Share of ${first}`, "patients drawn", "p"])}<tbody>${rows.map((row) => html`<tr><th scope="row">${rowName(row)}</th><td>${row.n}</td><td>${row.patients}</td><td>${row.first}</td><td>${row.second}</td><td>${row.both}</td><td>${row.neither}</td><td>${share(row.test.share)}${small(row.test.interval, percent)}</td><td>${range(row.clustered)}</td><td>${row.test.p === null ? NONE : pValue(row.test.p)}</td></tr>`)}</tbody></table></div>`;
}

function agreementTable({ agreement }: Study): Html | null {
  if (agreement.length === 0) return null;
  const what = (readers: readonly string[]): string =>
    readers.length === 1 ? "with oneself (Cohen)" : readers.length === 2 ? "between two (Cohen)" : "between all (Fleiss)";
  return html`<div class="wide"><table><caption>Agreement: with oneself on the cases that a reader was shown twice, and between readers on first showings. κ is agreement beyond chance; it is undefined where only one answer was ever given.</caption>${header(["Readers", "Agreement"], ["Cases", "Equal answers", "κ", "95 % interval"])}<tbody>${agreement.map((row) => html`<tr><th scope="row">${row.readers.join(", ")}</th><td class="text">${what(row.readers)}</td><td>${row.n}</td><td>${share(row.agreement)}</td><td>${score(row.kappa)}</td><td>${row.interval === null ? NONE : `${score(row.interval.low)} to ${score(row.interval.high)}`}</td></tr>`)}</tbody></table></div>`;
}

function readersTable({ readers, comparison }: Study): Html | null {
  if (readers.length === 0) return null;
  const time = (seconds: number | null): string => (seconds === null ? NONE : duration(seconds));
  const sides = comparison?.sides ?? null;
  return html`<div class="wide"><table><caption>Readers: first showings answered and left open, second showings, answers changed afterwards, and the time from the appearance of a case to its answer (of an answer that was changed, the last look; hidden pages not counted): median and quartiles.${sides !== null && " A reader who prefers a side, whatever is on it, shows in the last columns."}</caption>${header(["Reader"], ["Answered", "Open", "Twice", "Changed", "Time per decision", ...(sides === null ? [] : ["Left", "Right", "p of sides"])])}<tbody>${readers.map(
    (row) => {
      const side = sides?.find(({ reader }) => reader === row.reader);
      return html`<tr><th scope="row">${row.reader}</th><td>${row.answered}</td><td>${row.unanswered}</td><td>${row.repeated}</td><td>${row.changes}</td><td>${time(row.seconds.median)}<small>${time(row.seconds.q1)} to ${time(row.seconds.q3)}</small></td>${sides !== null && html`<td>${side?.left ?? NONE}</td><td>${side?.right ?? NONE}</td><td>${side === undefined || side.test.p === null ? NONE : pValue(side.test.p)}</td>`}</tr>`;
    },
  )}</tbody></table></div>`;
}
