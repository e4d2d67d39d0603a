import { type ChartSpec, chartSvg } from "./chart.ts";
import { dagSvg } from "./dagFigure.ts";
import { baselineFirst, isBaseline, type ReportNumbers } from "./numbers.ts";
import type { Dimension, ReportData } from "./reportInput.ts";
import { acceptanceChart, preferenceChart, studyFigure } from "./studyFigures.ts";
import { agreementChart, timelineChart, waterfallChart } from "./volumeFigures.ts";

export interface Figure {
  /** File name without `.svg`. */
  readonly name: string;
  readonly svg: string;
}

/** Distinct on white and on black, and for most colour-blind eyes. */
const PALETTE = ["#3b82c4", "#e0702c", "#2a9d6f", "#a565c0", "#d64f70", "#b08a2e", "#3aa6b9", "#7a6ff0", "#8a5a44", "#5c8f2f"];
const GREY = "#8a8a8a";

/** Every figure that the data has something for. */
export async function reportFigures(data: ReportData, numbers: ReportNumbers): Promise<Figure[]> {
  const colours = methodColours(data);
  const figures: Figure[] = [];
  const draw = async (name: string, description: string, spec: ChartSpec): Promise<void> => {
    figures.push({ name, svg: await chartSvg(name, description, spec) });
  };
  if (data.dag.steps.length > 0) figures.push({ name: "dag", svg: dagSvg(data.dag.steps) });
  for (const [nth, { data: name }] of data.evaluations.entries()) {
    const words = data.evaluations.length === 1 ? "" : ` on ${name}`;
    for (const dimension of ["2D", "3D"] as const) {
      const own = data.methods.filter((m) => m.data === name && m.dimension === dimension && m.scores.length > 0);
      const methods = baselineFirst(own);
      if (methods.length === 0) continue;
      const description = `Distribution of ${dimension} Dice${words} by method: ${methods.map((m) => m.name).join(", ")}`;
      await draw(figureName("dice", dimension, nth), description, diceChart(methods, colours));
    }
    const offsets = numbers.offsets.filter((o) => o.data === name);
    if (offsets.length > 0) {
      const description = `Mean Dice${words} by distance from the RECIST slice, one line per method`;
      await draw(figureName("offsets", "3D", nth), description, offsetChart(offsets, colours));
    }
    for (const dimension of ["2D", "3D"] as const) {
      const curves = data.precisionRecall.filter((c) => c.data === name && c.dimension === dimension && c.curve.length > 0);
      if (curves.length === 0) continue;
      const description = `Precision-recall curves${words}, ${dimension}`;
      await draw(figureName("precision-recall", dimension, nth), description, precisionRecallChart(curves, colours));
    }
  }
  if (data.training.some((t) => t.epochs.length > 0)) {
    await draw("training", "Training and validation loss by epoch, one panel per model", trainingChart(data.training));
  }
  if (data.harvest.length > 0) {
    await draw("harvest", "Slices harvested for training by round and slice offset", harvestChart(data.harvest));
  }
  for (const [nth, set] of [...new Set(data.volumes.map((v) => v.data))].entries()) {
    const suffix = nth === 0 ? "" : `-${nth + 1}`;
    const words = set === "" ? "" : ` of ${set}`;
    const own = data.volumes.filter((v) => v.data === set && v.points.length > 0);
    const changes = own.filter((v) => v.quantity === "change");
    const volumes = own.filter((v) => v.quantity === "volume");
    if (volumes.length > 0)
      await draw(
        `volumes${suffix}`,
        `Lesion volumes${words} measured by each method against the reference`,
        volumeChart(volumes, colours),
      );
    if (changes.length > 0)
      await draw(
        `volume-changes${suffix}`,
        `Lesion volume changes${words} measured by each method against the reference`,
        volumeChart(changes, colours),
      );
    const compared = changes.length > 0 ? changes : volumes;
    if (compared.length > 0) {
      const own = numbers.volumes.filter((v) => v.data === set && v.quantity === compared[0].quantity);
      const scale = colourScale(
        compared.map(({ method }) => method),
        colours,
      );
      await draw(
        `volume-agreement${suffix}`,
        `Bland-Altman plots${words}, one panel per method`,
        agreementChart(compared, own, scale),
      );
    }
  }
  for (const [nth, responses] of data.responses.entries()) {
    const suffix = nth === 0 ? "" : `-${nth + 1}`;
    if (responses.patients.some(({ bestChange }) => bestChange !== null))
      await draw(`waterfall${suffix}`, "Best change of the sum of diameters, a bar per patient", waterfallChart(responses));
    if (responses.patients.length > 0)
      await draw(`timelines${suffix}`, "Sum of diameters and volume over time, a panel per patient", timelineChart(responses));
  }
  for (const [nth, study] of data.studies.entries()) {
    const scale = colourScale(study.sources, colours);
    if (study.acceptance?.rates.some(({ rate }) => rate !== null))
      await draw(
        studyFigure("acceptance", nth),
        `${study.title}: acceptance rates by source and category`,
        acceptanceChart(study, scale),
      );
    if (study.comparison?.rows.some(({ n }) => n > 0))
      await draw(studyFigure("preference", nth), `${study.title}: what readers preferred`, preferenceChart(study, scale));
  }
  return figures;
}

type Colours = ReadonlyMap<string, string>;

/** One colour per method through the whole report; baselines are grey. */
function methodColours(data: ReportData): Colours {
  const baselines = new Set(data.methods.filter((m) => isBaseline(m) || m.kind === "baseline").map((m) => m.name));
  const names = [
    data.methods.map((m) => m.name),
    data.precisionRecall.map((p) => p.method),
    data.volumes.map((v) => v.method),
    data.studies.flatMap((s) => s.sources),
  ].flat();
  const colours = new Map<string, string>();
  let next = 0;
  for (const name of names) {
    if (colours.has(name)) continue;
    colours.set(name, baselines.has(name) || /^ellips(e|oid)$/i.test(name) ? GREY : PALETTE[next++ % PALETTE.length]);
  }
  return colours;
}

function colourScale(names: readonly string[], colours: Colours): { domain: string[]; range: string[] } {
  const domain = [...new Set(names)];
  return { domain, range: domain.map((name) => colours.get(name) ?? GREY) };
}

/** More ticks than this cannot be told apart and make the page heavy. */
const MOST_TICKS = 3000;

function diceChart(methods: ReportData["methods"], colours: Colours): ChartSpec {
  const values = methods.flatMap((m) => m.scores.map((s) => ({ method: m.name, dice: s.columns.dice })));
  const names = methods.map((m) => m.name);
  const y = {
    field: "method",
    type: "nominal",
    sort: names,
    title: null,
    axis: { labelLimit: 220, domain: false, ticks: false },
  } as const;
  const x = { field: "dice", type: "quantitative" as const, title: "Dice", scale: { domain: [0, 1] } };
  const color = { field: "method", type: "nominal", scale: colourScale(names, colours), legend: null } as const;
  return {
    data: { values },
    width: 560,
    height: { step: 30 },
    layer: [
      ...(values.length > MOST_TICKS
        ? []
        : [{ mark: { type: "tick" as const, thickness: 1, opacity: 0.35, bandSize: 22 }, encoding: { x, y, color } }]),
      {
        mark: {
          type: "boxplot",
          extent: "min-max",
          size: 10,
          ticks: false,
          opacity: 0.75,
          rule: { color: GREY },
          median: { color: "#ffffff", thickness: 2.5 },
        },
        encoding: { x, y, color },
      },
    ],
  };
}

function offsetChart(offsets: ReportNumbers["offsets"], colours: Colours): ChartSpec {
  const values = offsets.flatMap((o) => o.points.map((p) => ({ method: o.method, ...p })));
  const names = offsets.map((o) => o.method);
  return {
    data: { values },
    width: 560,
    height: 300,
    mark: { type: "line", point: { size: 32, filled: true }, strokeWidth: 2 },
    encoding: {
      x: {
        field: "offset",
        type: "quantitative",
        title: "distance from the RECIST slice (slices)",
        axis: { tickMinStep: 1, format: "d", grid: false },
        scale: { nice: false },
      },
      y: { field: "mean", type: "quantitative", title: "mean Dice", scale: { domain: [0, 1] } },
      color: { field: "method", type: "nominal", title: null, scale: colourScale(names, colours) },
      strokeDash: {
        field: "method",
        type: "nominal",
        title: null,
        scale: {
          domain: [...new Set(names)],
          range: [...new Set(names)].map((name) => (colours.get(name) === GREY ? [5, 4] : [1, 0])),
        },
      },
    },
  };
}

function trainingChart(training: ReportData["training"]): ChartSpec {
  const values = training.flatMap((t) =>
    t.epochs.flatMap((e) => [
      { model: t.model, epoch: e.epoch, what: "training", loss: e.trainLoss },
      ...(e.validationLoss === null ? [] : [{ model: t.model, epoch: e.epoch, what: "validation", loss: e.validationLoss }]),
    ]),
  );
  const columns = Math.min(3, training.length);
  return {
    data: { values },
    facet: { field: "model", type: "nominal", title: null, sort: training.map((t) => t.model) },
    columns,
    spec: {
      width: Math.floor(600 / columns) - 40,
      height: 190,
      mark: { type: "line", strokeWidth: 2, point: { size: 14, filled: true } },
      encoding: {
        x: {
          field: "epoch",
          type: "quantitative",
          title: "epoch",
          axis: { tickMinStep: 1, format: "d", grid: false, tickCount: 6 },
          scale: { nice: false, zero: false },
        },
        y: { field: "loss", type: "quantitative", title: "loss" },
        color: {
          field: "what",
          type: "nominal",
          title: null,
          scale: { domain: ["training", "validation"], range: [PALETTE[0], PALETTE[1]] },
        },
      },
    },
  };
}

/** The label sources of the harvest in the order of the bars, with their words. */
export const harvestParts = [
  ["grabcut", "GrabCut on the CNN's trimap"],
  ["marksOnly", "trimap of the projected marks alone"],
  ["ignoredFallback", "GrabCut failed: rest ignored"],
  ["priorCut", "cut with the shape prior"],
  ["beyondMarks", "beyond the marks: background"],
  ["notHarvested", "not harvested"],
] as const;

function harvestChart(harvest: ReportData["harvest"]): ChartSpec {
  const values = harvest.flatMap((h) =>
    harvestParts.map(([part, words], order) => ({
      round: `round ${h.round}`,
      offset: h.offset,
      part: words,
      order,
      slices: h[part],
    })),
  );
  const rounds = [...new Set(harvest.map((h) => h.round))].sort((a, b) => a - b).map((r) => `round ${r}`);
  return {
    data: { values },
    facet: { column: { field: "round", type: "nominal", title: null, sort: rounds } },
    spec: {
      width: { step: 34 },
      height: 190,
      mark: { type: "bar" },
      encoding: {
        x: { field: "offset", type: "ordinal", title: "slice offset", axis: { labelAngle: 0 } },
        y: { field: "slices", type: "quantitative", title: "slices", stack: "zero", axis: { tickMinStep: 1, format: "d" } },
        color: {
          field: "part",
          type: "nominal",
          title: null,
          sort: harvestParts.map(([, words]) => words),
          scale: {
            domain: harvestParts.map(([, words]) => words),
            range: [PALETTE[2], PALETTE[0], PALETTE[5], PALETTE[3], GREY],
          },
          legend: { orient: "bottom", columns: 2 },
        },
        order: { field: "order" },
      },
    },
  };
}

function precisionRecallChart(curves: ReportData["precisionRecall"], colours: Colours): ChartSpec {
  const named = (c: ReportData["precisionRecall"][number]): string =>
    c.best === null ? c.method : `${c.method} [F = ${c.best.f.toFixed(3)}]`;
  const values = curves.flatMap((c) =>
    c.curve.map((p, order) => ({ method: named(c), order, precision: p.precision, recall: p.recall })),
  );
  return {
    data: { values },
    width: 360,
    height: 300,
    mark: { type: "line", strokeWidth: 2 },
    encoding: {
      x: { field: "recall", type: "quantitative", title: "recall", scale: { domain: [0, 1] } },
      y: { field: "precision", type: "quantitative", title: "precision", scale: { domain: [0, 1] } },
      order: { field: "order", type: "quantitative" },
      color: {
        field: "method",
        type: "nominal",
        title: null,
        scale: { domain: curves.map(named), range: curves.map((c) => colours.get(c.method) ?? GREY) },
      },
    },
  };
}

function volumeChart(volumes: ReportData["volumes"], colours: Colours): ChartSpec {
  const values = volumes.flatMap((v) =>
    v.points.map((p) => ({ method: v.method, reference: p.referenceMl, measured: p.measuredMl })),
  );
  const all = values.flatMap((v) => [v.reference, v.measured]);
  const extent = [Math.min(0, ...all), Math.max(...all)];
  const x = { field: "reference", type: "quantitative", title: "reference (ml)" } as const;
  const y = { field: "measured", type: "quantitative", title: "measured (ml)" } as const;
  const color = {
    field: "method",
    type: "nominal",
    title: null,
    scale: colourScale(
      volumes.map((v) => v.method),
      colours,
    ),
  } as const;
  return {
    data: { values },
    width: 360,
    height: 300,
    layer: [
      {
        data: { values: extent.map((v) => ({ reference: v, measured: v })) },
        mark: { type: "line", strokeDash: [3, 3], color: "#80808099" },
        encoding: { x, y },
      },
      { mark: { type: "point", filled: true, size: 34, opacity: 0.7 }, encoding: { x, y, color } },
      {
        mark: { type: "line", strokeWidth: 1.5 },
        transform: [{ regression: "measured", on: "reference", groupby: ["method"] }],
        encoding: { x, y, color },
      },
    ],
  };
}

/** `dice-2d`, and `dice-2d-2` on the second data set; distances from the RECIST slice are a matter of 3D alone. */
export function figureName(name: string, dimension: Dimension, nth: number): string {
  const base = name === "offsets" ? name : `${name}-${dimension.toLowerCase()}`;
  return nth === 0 ? base : `${base}-${nth + 1}`;
}

export function figureOf(figures: readonly Figure[], name: string): Figure | undefined {
  return figures.find((f) => f.name === name);
}
