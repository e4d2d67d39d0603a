import { NONE, score, signed } from "./format.ts";
import { Html, html } from "./html.ts";
import type { ReportData } from "./reportInput.ts";
import { style } from "./style.ts";
import { timelineSvg } from "./timelineFigure.ts";

type Responses = ReportData["responses"][number];
type Patient = Responses["patients"][number];

/** `patients.html`: every patient's course, drawn and in a table. One HTML document without scripts and without anything from elsewhere. */
export function patientsPage(data: ReportData): string {
  return html`${new Html("<!doctype html>")}
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${data.campaign.id} – patients over time</title><style>${new Html(style)}</style></head>
<body><main>
<header><h1>Patients over time</h1>
<p class="soft"><a href="report.html">Report of ${data.campaign.id}</a>. Line: sum of diameters, with the targets' response by RECIST 1.1; dashed: volume, with the response by volume in italics. Both as changes from the baseline. ≠: the two say different things.</p></header>
${data.responses.map((one) => setSection(one, data.responses.length > 1))}
</main></body></html>
`.markup;
}

function setSection({ data, method, patients }: Responses, isNamed: boolean): Html {
  return html`${isNamed && html`<h2>${data}, volumes by ${method}</h2>`}${patients.map(patientSection)}`;
}

function patientSection(patient: Patient): Html {
  const { patient: name, targets, best, objections } = patient;
  return html`<section><h3>${name}</h3>
<p class="soft">${targets} target ${targets === 1 ? "lesion" : "lesions"}; best response ${best.unconfirmed}, where it must be confirmed ${best.confirmed}.${objections.map((objection) => html` This patient ${objection}.`)}</p>
<figure>${new Html(timelineSvg(patient))}</figure>
${timePointsTable([patient])}</section>`;
}

/** Every time point of these patients: diameters, volumes, and the responses that both give. */
export function timePointsTable(patients: readonly Patient[]): Html {
  const percent = (value: number | null): string => (value === null ? NONE : `${signed(100 * value, 0)} %`);
  const isNamed = patients.length > 1;
  const rows = patients.flatMap(({ patient, timePoints, best, objections }) =>
    timePoints.map((t, i) => {
      const about = html`${patient}<small>best ${best.unconfirmed}, confirmed ${best.confirmed}</small>${objections.map((objection) => html`<small>${objection}</small>`)}`;
      return html`<tr>${isNamed && html`<th scope="row">${i === 0 ? about : ""}</th>`}<td class="text">${t.timePoint}</td><td>${t.day}</td><td>${score(t.sumMm, 1)}</td><td>${percent(t.fromBaseline)}</td><td>${percent(t.fromNadir)}</td><td class="text">${t.newLesions ?? NONE}</td><td class="text">${t.overall ?? "baseline"}</td><td>${score(t.volumeMl, 2)}</td><td>${percent(t.volumeFromBaseline)}</td><td>${percent(t.volumeFromNadir)}</td><td class="text">${t.volumetric ?? NONE}${t.disagrees && " ≠"}</td></tr>`;
    }),
  );
  return html`<div class="wide"><table><thead><tr>${isNamed && html`<th scope="col" class="text">Patient</th>`}<th scope="col" class="text">Time point</th><th scope="col">Day</th><th scope="col">Sum (mm)</th><th scope="col">Baseline</th><th scope="col">Nadir</th><th scope="col" class="text">New lesions</th><th scope="col" class="text">Response</th><th scope="col">Volume (ml)</th><th scope="col">Baseline</th><th scope="col">Nadir</th><th scope="col" class="text">By volume</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}
