import { duration } from "./format.ts";
import { escapeHtml } from "./html.ts";
import type { ReportData } from "./reportInput.ts";

type Step = ReportData["dag"]["steps"][number];

const WIDTH = 172;
const HEIGHT = 58;
const GAP_X = 52;
const GAP_Y = 18;
const MARGIN = 8;

/** Stroke of a node by the step's state; the words in the node say the same. */
const STROKE: Record<Step["state"], string> = { done: "#2a9d6f", failed: "#d64f4f", cancelled: "#b08a2e", skipped: "#8a8a8a", running: "#3b82c4", waiting: "#3b82c4" };

/**
 * The campaign's DAG from left to right: a step stands one column after the last step that it reads from. A dashed
 * outline is a step that was taken from the cache.
 *
 * @throws RangeError where steps read from each other in a circle or from a step that is not there.
 */
export function dagSvg(steps: readonly Step[]): string {
  const layers = layout(steps);
  const place = new Map<string, { x: number; y: number }>();
  const tallest = Math.max(...layers.map((l) => l.length));
  const height = tallest * (HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN;
  const width = layers.length * (WIDTH + GAP_X) - GAP_X + 2 * MARGIN;
  layers.forEach((layer, column) => {
    const top = (height - (layer.length * (HEIGHT + GAP_Y) - GAP_Y)) / 2;
    layer.forEach((step, row) => place.set(step.name, { x: MARGIN + column * (WIDTH + GAP_X), y: top + row * (HEIGHT + GAP_Y) }));
  });
  const at = (name: string): { x: number; y: number } => place.get(name) as { x: number; y: number };
  const edges = steps.flatMap((step) => step.after.map((before) => edge(at(before), at(step.name))));
  const nodes = steps.map((step) => node(step, at(step.name)));
  const description = `Steps of the campaign and what each reads: ${steps.map((s) => `${s.name} (${stateWords(s)})${s.after.length > 0 ? ` after ${s.after.join(", ")}` : ""}`).join("; ")}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escapeHtml(description)}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11" fill="currentColor">`,
    ...edges,
    ...nodes,
    "</svg>",
  ].join("");
}

/** "done, cached", "failed", "done in 12 s". */
export function stateWords({ state, cached, seconds }: Pick<Step, "state" | "cached" | "seconds">): string {
  if (cached) return `${state}, cached`;
  return seconds === null || state === "skipped" || state === "waiting" ? state : `${state}, ${duration(seconds)}`;
}

/** Columns of steps by their longest path from a source, each ordered by the mean row of what its steps read from. */
function layout(steps: readonly Step[]): Step[][] {
  const byName = new Map(steps.map((s) => [s.name, s]));
  const depth = new Map<string, number>();
  const open = new Set<string>();
  const depthOf = (name: string): number => {
    const known = depth.get(name);
    if (known !== undefined) return known;
    const step = byName.get(name);
    if (step === undefined) throw new RangeError(`step ${name} is read from but is not there`);
    if (open.has(name)) throw new RangeError(`step ${name} reads from itself`);
    open.add(name);
    const own = Math.max(-1, ...step.after.map(depthOf)) + 1;
    open.delete(name);
    depth.set(name, own);
    return own;
  };
  const layers: Step[][] = [];
  for (const step of steps) {
    const column = depthOf(step.name);
    while (layers.length <= column) layers.push([]);
    layers[column].push(step);
  }
  const row = new Map<string, number>();
  for (const layer of layers) {
    const middle = (step: Step): number => (step.after.length === 0 ? 0 : step.after.reduce((sum, name) => sum + (row.get(name) ?? 0), 0) / step.after.length);
    layer.sort((a, b) => middle(a) - middle(b));
    layer.forEach((step, i) => row.set(step.name, i - (layer.length - 1) / 2));
  }
  return layers;
}

function edge(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const [x0, y0, x1, y1] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
  const bend = Math.max(24, (x1 - x0) / 2);
  return `<path d="M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}" fill="none" stroke="#80808099" stroke-width="1.4"/><path d="M${x1} ${y1}l-6 -3.5v7z" fill="#808080"/>`;
}

function node(step: Step, { x, y }: { x: number; y: number }): string {
  const stroke = STROKE[step.state];
  const outputs = Object.entries(step.outputs).map(([name, digest]) => `${name}: ${digest}`);
  return [
    `<g transform="translate(${x} ${y})">`,
    `<title>${escapeHtml([`${step.name} (${step.uses})`, ...outputs].join("\n"))}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="7" fill="${stroke}" fill-opacity="0.08" stroke="${stroke}" stroke-width="1.4"${step.cached ? ' stroke-dasharray="5 3"' : ""}/>`,
    `<text x="10" y="19" font-size="13" font-weight="600">${escapeHtml(shortened(step.name, 21))}</text>`,
    `<text x="10" y="34" opacity="0.75">${escapeHtml(shortened(step.uses, 27))}</text>`,
    `<text x="10" y="49" opacity="0.75">${escapeHtml(stateWords(step))}</text>`,
    "</g>",
  ].join("");
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
