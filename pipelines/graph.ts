import type { CompiledPipeline, CompiledStep } from "../schemas/pipeline.ts";
import { kindOf } from "../schemas/stepKinds.ts";
import { layOut, NODE_HEIGHT } from "./layout.ts";
import { sourcesOf } from "./order.ts";
import type { Plan, PlannedState, PlannedStep } from "./plan.ts";

const colours: Record<PlannedState | "unplanned", { fill: string; stroke: string }> = {
  cached: { fill: "#e3f3e6", stroke: "#3a7d44" },
  "to-run": { fill: "#fdeccd", stroke: "#b36b00" },
  unknown: { fill: "#ffffff", stroke: "#8a6d3b" },
  pruned: { fill: "#f2f2f2", stroke: "#a0a0a0" },
  unplanned: { fill: "#eef2f8", stroke: "#4a6285" },
};

const CHARACTER_PX = 7.2;
const PADDING_PX = 12;

/** The DAG as SVG, left to right; with a plan, coloured by state and with the reasons as tooltips. Equal input, equal bytes. */
export function graphSvg(pipeline: CompiledPipeline, plan?: Plan): string {
  const states = statesOf(plan);
  const subtitle = ({ name, kind }: CompiledStep): string => [kind, states.get(name)?.state].filter(Boolean).join(" · ");
  const { nodes, edges, width, height } = layOut(
    pipeline.steps.map((step) => ({
      name: step.name,
      width: Math.ceil(Math.max(step.name.length, subtitle(step).length * 0.85) * CHARACTER_PX) + 2 * PADDING_PX,
      after: sourcesOf(step),
    })),
  );
  const steps = new Map(pipeline.steps.map((step) => [step.name, step]));
  const lines = edges.map(({ points }) => `<path d="${curve(points)}" fill="none" stroke="#8a94a3" marker-end="url(#arrow)"/>`);
  const boxes = nodes.map(({ name, x, y, width: w }) => {
    const { fill, stroke } = colours[states.get(name)?.state ?? "unplanned"];
    const dash = states.get(name)?.state === "unknown" ? ' stroke-dasharray="4 3"' : "";
    return [
      `<g><title>${escapeXml(tooltip(steps.get(name)!, pipeline, states.get(name)))}</title>`,
      `<rect x="${round(x)}" y="${round(y)}" width="${w}" height="${NODE_HEIGHT}" rx="5" fill="${fill}" stroke="${stroke}"${dash}/>`,
      `<text x="${round(x + PADDING_PX)}" y="${round(y + 17)}" font-weight="600">${escapeXml(name)}</text>`,
      `<text x="${round(x + PADDING_PX)}" y="${round(y + 32)}" font-size="10" fill="#555">${escapeXml(subtitle(steps.get(name)!))}</text></g>`,
    ].join("\n");
  });
  const size = `width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12">`,
    `<title>${escapeXml(pipeline.name)}</title>`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#8a94a3"/></marker></defs>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...lines,
    ...boxes,
    "</svg>",
    "",
  ].join("\n");
}

const marks: Record<PlannedState, string> = { cached: "✓", "to-run": "▶", unknown: "?", pruned: "–" };

/** The DAG for a terminal: a line for each step, in order, with what it reads; with a plan, its state and the reason. */
export function graphText(pipeline: CompiledPipeline, plan?: Plan): string {
  const states = statesOf(plan);
  const nameWidth = Math.max(...pipeline.steps.map(({ name }) => name.length));
  const kindWidth = Math.max(...pipeline.steps.map(({ kind }) => kind.length));
  const lines = pipeline.steps.map((step) => {
    const planned = states.get(step.name);
    const state = planned === undefined ? "" : `${marks[planned.state]} ${planned.state.padEnd(8)}`;
    const reads = wiresOf(step, pipeline);
    const why = planned === undefined || planned.state === "cached" ? "" : ` (${planned.why})`;
    return `${state}${step.name.padEnd(nameWidth)}  ${step.kind.padEnd(kindWidth)}${reads === "" ? "" : `  ← ${reads}`}${why}`.trimEnd();
  });
  return `${lines.join("\n")}\n`;
}

function statesOf(plan: Plan | undefined): ReadonlyMap<string, PlannedStep> {
  return new Map((plan?.steps ?? []).map((step) => [step.name, step]));
}

/** What a step reads, as wires; several cells of one matrix as `step[×5]`. */
function wiresOf(step: CompiledStep, pipeline: CompiledPipeline): string {
  const kinds = new Map(pipeline.steps.map(({ name, kind }) => [name, kind]));
  const cells = new Map<string, Set<string>>();
  for (const { step: from, output } of Object.values(step.inputs).flat()) {
    const isDefault = Object.keys(kindOf(kinds.get(from)!).outputs)[0] === output;
    const wire = `${from.replace(/\[.*\]$/, "")}${isDefault ? "" : `.${output}`}`;
    cells.set(wire, (cells.get(wire) ?? new Set()).add(from));
  }
  return [...cells]
    .map(([wire, from]) =>
      from.size === 1 ? wireTo([...from][0], wire) : wire.replace(/^[^.]*/, (base) => `${base}[×${from.size}]`),
    )
    .join(", ");
}

function wireTo(step: string, wire: string): string {
  return wire.replace(/^[^.]*/, () => step);
}

function tooltip(step: CompiledStep, pipeline: CompiledPipeline, planned: PlannedStep | undefined): string {
  const lines = [`${step.name}: ${step.kind}`];
  if (planned !== undefined) lines.push(`${planned.state}: ${planned.why}`);
  if (Object.keys(step.inputs).length > 0) lines.push(`reads ${wiresOf(step, pipeline)}`);
  return lines.join("\n");
}

/** Straight along the columns, a smooth curve between them. */
function curve(points: readonly (readonly [number, number])[]): string {
  const [[x, y], ...rest] = points;
  let [fromX, fromY] = [x, y];
  const parts = [`M${round(x)} ${round(y)}`];
  for (const [toX, toY] of rest) {
    const middle = (fromX + toX) / 2;
    parts.push(
      fromY === toY
        ? `H${round(toX)}`
        : `C${round(middle)} ${round(fromY)} ${round(middle)} ${round(toY)} ${round(toX)} ${round(toY)}`,
    );
    [fromX, fromY] = [toX, toY];
  }
  return parts.join("");
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
