import type { ChartSpec } from "./chart.ts";
import type { ReportData } from "./reportInput.ts";
import type { VolumeNumbers } from "./volumeNumbers.ts";

type Scale = { domain: string[]; range: string[] };

/** Bland-Altman: of every method the differences over the means, the bias and the limits of agreement; a panel per method. */
export function agreementChart(volumes: ReportData["volumes"], numbers: readonly VolumeNumbers[], colours: Scale): ChartSpec {
  const values = volumes.flatMap(({ method, points }) =>
    points.map(({ referenceMl, measuredMl }) => ({
      method,
      mean: (referenceMl + measuredMl) / 2,
      difference: measuredMl - referenceMl,
    })),
  );
  const lines = numbers.flatMap(({ method, differences }) =>
    differences === null
      ? []
      : [
          { method, difference: differences.bias, what: "bias" },
          { method, difference: differences.limits.low, what: "limit" },
          { method, difference: differences.limits.high, what: "limit" },
        ],
  );
  const y = { field: "difference", type: "quantitative", title: "measured − reference (ml)" } as const;
  const columns = Math.min(3, volumes.length);
  return {
    data: { values: [...values, ...lines] },
    facet: { field: "method", type: "nominal", title: null, sort: volumes.map(({ method }) => method) },
    columns,
    spec: {
      width: Math.floor(660 / columns) - 50,
      height: 190,
      layer: [
        {
          transform: [{ filter: "isValid(datum.mean)" }],
          mark: { type: "point", filled: true, size: 30, opacity: 0.7 },
          encoding: {
            x: { field: "mean", type: "quantitative", title: "mean of both (ml)", axis: { tickCount: 5 } },
            y,
            color: { field: "method", type: "nominal", scale: colours, legend: null },
          },
        },
        {
          transform: [{ filter: "isValid(datum.what)" }],
          mark: { type: "rule", color: "#808080" },
          encoding: {
            y,
            strokeDash: {
              field: "what",
              type: "nominal",
              scale: {
                domain: ["bias", "limit"],
                range: [
                  [1, 0],
                  [4, 3],
                ],
              },
              legend: null,
            },
          },
        },
      ],
    },
  };
}

/** Colours of responses, from the best to the worst. */
export const responseColours: Readonly<Record<string, string>> = {
  CR: "#2a9d6f",
  PR: "#3b82c4",
  SD: "#b08a2e",
  PD: "#d64f70",
  NE: "#8a8a8a",
};
const responseScale = { domain: Object.keys(responseColours), range: Object.values(responseColours) };
/** RECIST's −30 % and +20 % of the sum of diameters. */
const BOUNDS = [-0.3, 0.2];

type Responses = ReportData["responses"][number];

/** Waterfall: every patient's best change of the sum of diameters, in order, coloured by the best response. */
export function waterfallChart({ patients }: Responses): ChartSpec {
  const values = patients
    .filter(({ bestChange }) => bestChange !== null)
    .sort((a, b) => b.bestChange! - a.bestChange! || (a.patient < b.patient ? -1 : 1))
    .map(({ patient, bestChange, best }) => ({ patient, change: bestChange, response: best.unconfirmed }));
  return {
    data: { values },
    width: { step: Math.max(4, Math.min(22, Math.floor(620 / Math.max(1, values.length)))) },
    height: 220,
    layer: [
      {
        mark: { type: "bar" },
        encoding: {
          x: { field: "patient", type: "nominal", sort: null, title: "patients", axis: { labels: false, ticks: false } },
          y: { field: "change", type: "quantitative", title: "best change of the sum", axis: { format: "+.0%" } },
          color: { field: "response", type: "nominal", title: "best response", scale: responseScale },
        },
      },
      {
        data: { values: BOUNDS.map((bound) => ({ bound })) },
        mark: { type: "rule", strokeDash: [4, 3], color: "#808080" },
        encoding: { y: { field: "bound", type: "quantitative" } },
      },
    ],
  };
}

/** How many patients have a panel of their own in the timeline. */
export const TIMELINES = 12;

/** Patients whose time points are shown: those where volumes and diameters disagree first. */
export function timelinePatients({ patients }: Responses): Responses["patients"] {
  const disagreeing = ({ timePoints }: Responses["patients"][number]): number =>
    timePoints.filter(({ disagrees }) => disagrees === true).length;
  return [...patients].sort((a, b) => disagreeing(b) - disagreeing(a) || (a.patient < b.patient ? -1 : 1)).slice(0, TIMELINES);
}

/** Sum of diameters and volume over time as parts of the baseline's, a panel per patient; points carry the response. */
export function timelineChart(responses: Responses): ChartSpec {
  const patients = timelinePatients(responses);
  const values = patients.flatMap(({ patient, timePoints }) =>
    timePoints.flatMap(({ day, sumMm, fromBaseline, target, volumeMl, volumeFromBaseline, volumetric }, t) => [
      ...(sumMm === null
        ? []
        : [{ patient, day, what: "sum of diameters", change: t === 0 ? 0 : fromBaseline, response: target }]),
      ...(volumeMl === null
        ? []
        : [{ patient, day, what: "volume", change: t === 0 ? 0 : volumeFromBaseline, response: volumetric }]),
    ]),
  );
  const x = { field: "day", type: "quantitative", title: "day", axis: { grid: false, tickCount: 4 } } as const;
  const y = { field: "change", type: "quantitative", title: "from baseline", axis: { format: "+.0%", tickCount: 4 } } as const;
  const columns = Math.min(4, patients.length);
  return {
    data: { values },
    facet: { field: "patient", type: "nominal", title: null, sort: patients.map(({ patient }) => patient) },
    columns,
    resolve: { scale: { y: "independent" } },
    spec: {
      width: Math.floor(640 / columns) - 50,
      height: 110,
      layer: [
        {
          mark: { type: "line", color: "#808080", strokeWidth: 1.5 },
          encoding: {
            x,
            y,
            strokeDash: {
              field: "what",
              type: "nominal",
              title: null,
              scale: {
                domain: ["sum of diameters", "volume"],
                range: [
                  [1, 0],
                  [4, 3],
                ],
              },
            },
          },
        },
        {
          transform: [{ filter: "isValid(datum.response)" }],
          mark: { type: "point", filled: true, size: 55, opacity: 1 },
          encoding: { x, y, color: { field: "response", type: "nominal", title: "response", scale: responseScale } },
        },
      ],
    },
  };
}
