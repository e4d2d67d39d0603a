import type { ChartSpec } from "./chart.ts";
import type { ReportData } from "./reportInput.ts";

type Study = ReportData["studies"][number];
type Scale = { domain: string[]; range: string[] };

/** Acceptance rates with Wilson's intervals: a panel for all answers and one for each category, a line per source. */
export function acceptanceChart({ acceptance }: Study, colours: Scale): ChartSpec {
  const rows = told(acceptance?.rates ?? []).filter(({ reader, rate }) => reader === null && rate !== null);
  const panel = (category: string | null): string => category ?? "all";
  const values = rows.map(({ source, category, rate, interval }) => ({ source, panel: panel(category), rate, ...interval }));
  const y = {
    field: "source",
    type: "nominal",
    sort: colours.domain,
    title: null,
    axis: { labelLimit: 220, domain: false, ticks: false },
  } as const;
  const x = { type: "quantitative" as const, title: "accepted", scale: { domain: [0, 1] }, axis: { format: ".0%" } };
  const color = { field: "source", type: "nominal", scale: colours, legend: null } as const;
  return {
    data: { values },
    facet: {
      row: {
        field: "panel",
        type: "nominal",
        title: null,
        sort: [...new Set(values.map((value) => value.panel))],
        header: { labelAngle: 0, labelAlign: "left", labelOrient: "left" },
      },
    },
    spacing: 10,
    spec: {
      width: 420,
      height: { step: 20 },
      layer: [
        {
          mark: { type: "rule", strokeWidth: 2 },
          encoding: { y, x: { ...x, field: "low" }, x2: { field: "high" }, color },
        },
        { mark: { type: "point", filled: true, size: 70, opacity: 1 }, encoding: { y, x: { ...x, field: "rate" }, color } },
      ],
    },
  };
}

/** Colours of what is no preference, apart from those of sources. */
const NO_PREFERENCE = { both: "#9aa5b1", neither: "#4b5563" } as const;

/** What readers preferred, as shares of their answers: a bar for all of them and one for each reader and category. */
export function preferenceChart({ comparison }: Study, colours: Scale): ChartSpec {
  const { first, second } = comparison!;
  const rows = told(comparison!.rows);
  const parts = [first, "both", "neither", second];
  const values = rows.flatMap((row) => {
    const counts = [row.first, row.both, row.neither, row.second];
    return parts.map((part, order) => ({ who: rowName(row), part, order, answers: counts[order] }));
  });
  const colourOf = (source: string): string => colours.range[colours.domain.indexOf(source)];
  return {
    data: { values },
    width: 520,
    height: { step: 26 },
    mark: { type: "bar", height: 18 },
    encoding: {
      y: {
        field: "who",
        type: "nominal",
        title: null,
        sort: rows.map(rowName),
        axis: { labelLimit: 220, domain: false, ticks: false },
      },
      x: { field: "answers", type: "quantitative", title: "share of the answers", stack: "normalize", axis: { format: ".0%" } },
      color: {
        field: "part",
        type: "nominal",
        title: null,
        sort: parts,
        scale: { domain: parts, range: [colourOf(first), NO_PREFERENCE.both, NO_PREFERENCE.neither, colourOf(second)] },
        legend: { orient: "bottom" },
      },
      order: { field: "order" },
    },
  };
}

/** Rows without those of a category, or of a reader, that is the only one: they repeat the row of all. */
export function told<R extends Parameters<typeof rowName>[0]>(rows: readonly R[]): R[] {
  const only = (by: "category" | "reader"): boolean => new Set(rows.flatMap((row) => row[by] ?? [])).size === 1;
  const repeated = { category: only("category"), reader: only("reader") };
  return rows.filter(
    ({ category, reader }) => !(category !== null && repeated.category) && !(reader !== null && repeated.reader),
  );
}

/** How a row of all answers, of a category or of a reader is called. */
export function rowName({ reader, category }: { readonly reader: string | null; readonly category: string | null }): string {
  return reader ?? category ?? "all";
}

/** `acceptance`, and `acceptance-2` of the second study. */
export function studyFigure(name: string, nth: number): string {
  return nth === 0 ? name : `${name}-${nth + 1}`;
}
