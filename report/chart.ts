import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { escapeHtml } from "./html.ts";

/** Text, rules and grids follow the page's text colour, so that one drawing serves light, dark and print. */
const CONFIG: TopLevelSpec["config"] = {
  background: "transparent",
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "currentColor",
    titleColor: "currentColor",
    titleFontWeight: "normal",
    titlePadding: 8,
    domainColor: "#80808099",
    tickColor: "#80808099",
    gridColor: "#80808033",
    labelFontSize: 11,
    titleFontSize: 12,
  },
  legend: {
    labelColor: "currentColor",
    titleColor: "currentColor",
    titleFontWeight: "normal",
    labelFontSize: 11,
    titleFontSize: 12,
    symbolStrokeWidth: 2.5,
    labelLimit: 480,
  },
  header: { labelColor: "currentColor", titleColor: "currentColor", titleFontWeight: "normal", labelFontSize: 12 },
  title: { color: "currentColor", fontWeight: "normal", fontSize: 12 },
};

/** A Vega-Lite specification without the parts that every chart of the report shares. */
export type ChartSpec = TopLevelSpec;

/**
 * Draws a chart as SVG, without a browser. The bytes depend on nothing but the arguments.
 *
 * @param name makes the ids inside the drawing unique among the drawings of a page.
 * @param description alternative text.
 */
export async function chartSvg(name: string, description: string, spec: ChartSpec): Promise<string> {
  const { spec: compiled } = compile({ ...spec, config: CONFIG } as TopLevelSpec);
  const view = new vega.View(vega.parse(compiled), { renderer: "none", logLevel: vega.Error });
  try {
    return labelled(withOwnIds(await view.toSVG(), name), description);
  } finally {
    view.finalize();
  }
}

/** Vega numbers clip paths and gradients through the whole process; here they are numbered within the drawing. */
function withOwnIds(svg: string, name: string): string {
  const ids = new Map<string, string>();
  const own = (id: string): string => {
    const known = ids.get(id) ?? `${name}-${ids.size}`;
    ids.set(id, known);
    return known;
  };
  return svg
    .replace(/\bid="([^"]+)"/g, (_, id: string) => `id="${own(id)}"`)
    .replace(/url\(#([^)]+)\)/g, (_, id: string) => `url(#${own(id)})`);
}

function labelled(svg: string, description: string): string {
  return svg.replace("<svg ", () => `<svg role="img" aria-label="${escapeHtml(description)}" `);
}
