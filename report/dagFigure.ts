import { duration } from "./format.ts";
import { escapeHtml } from "./html.ts";
import type { ReportData } from "./reportInput.ts";

type Step = ReportData["dag"]["steps"][number];

const WIDTH = 164;
const HEIGHT = 58;
const GAP_X = 46;
const GAP_Y = 16;
/** Height that is kept free for a wire which passes a column by. */
const LANE = 10;
const MARGIN = 8;

/** Stroke of a node by the step's state; the words in the node say the same. */
const STROKE: Record<Step["state"], string> = {
  done: "#2a9d6f",
  failed: "#d64f4f",
  cancelled: "#b08a2e",
  skipped: "#8a8a8a",
  running: "#3b82c4",
  waiting: "#3b82c4",
};

/**
 * The campaign's DAG from left to right: a step stands one column after the last step that it reads from. Outputs that
 * are read further on pass the columns between in a lane of their own. A dashed outline is a step taken from the cache.
 *
 * @throws RangeError where steps read from each other in a circle or from a step that is not there.
 */
export function dagSvg(steps: readonly Step[]): string {
  const columns = arranged(steps);
  const heightOf = (slots: readonly Slot[]): number => slots.reduce((sum, s) => sum + (s.lane ? LANE : HEIGHT) + GAP_Y, -GAP_Y);
  const height = Math.max(...columns.map(heightOf)) + 2 * MARGIN;
  const width = columns.length * (WIDTH + GAP_X) - GAP_X + 2 * MARGIN;
  const middle = columns.map((slots) => {
    const at = new Map<string, number>();
    let y = (height - heightOf(slots)) / 2;
    for (const { step, lane } of slots) {
      at.set(step.name, y + (lane ? LANE : HEIGHT) / 2);
      y += (lane ? LANE : HEIGHT) + GAP_Y;
    }
    return at;
  });
  const left = (column: number): number => MARGIN + column * (WIDTH + GAP_X);
  const columnOf = new Map(
    columns.flatMap((slots, column) => slots.filter((s) => !s.lane).map(({ step }) => [step.name, column] as const)),
  );

  const wires: string[] = [];
  const curve = (column: number, from: string, y1: number, to: number): string => {
    const [x0, y0] = [left(column) + WIDTH, middle[column].get(from) as number];
    return `M${x0} ${y0}C${x0 + GAP_X / 2} ${y0} ${to - GAP_X / 2} ${y1} ${to} ${y1}`;
  };
  columns.forEach((slots, column) => {
    for (const { step, lane } of slots) {
      const y = middle[column].get(step.name) as number;
      if (lane) wires.push(`<path d="${curve(column - 1, step.name, y, left(column))}h${WIDTH}"/>`);
      else
        for (const before of step.after)
          wires.push(
            `<path d="${curve(column - 1, before, y, left(column))}"/><path d="M${left(column)} ${y}l-6 -3.5v7z" fill="#808080" stroke="none"/>`,
          );
    }
  });
  const nodes = steps.map((step) => {
    const column = columnOf.get(step.name) as number;
    return node(step, { x: left(column), y: (middle[column].get(step.name) as number) - HEIGHT / 2 });
  });
  const description = `Steps of the campaign and what each reads: ${steps.map((s) => `${s.name} (${stateWords(s)})${s.after.length > 0 ? ` after ${s.after.join(", ")}` : ""}`).join("; ")}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escapeHtml(description)}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11" fill="currentColor">`,
    '<g fill="none" stroke="#80808099" stroke-width="1.4">',
    ...wires,
    "</g>",
    ...nodes,
    "</svg>",
  ].join("");
}

/** "done, cached", "failed", "done in 12 s". */
export function stateWords({ state, cached, seconds }: Pick<Step, "state" | "cached" | "seconds">): string {
  if (cached) return `${state}, cached`;
  return seconds === null || state === "skipped" || state === "waiting" ? state : `${state}, ${duration(seconds)}`;
}

/** A step in its column, or the lane of its outputs through a later one. */
interface Slot {
  readonly step: Step;
  readonly lane: boolean;
}

/** Columns by the longest path from a source, each ordered by the mean place of what its slots read from. */
function arranged(steps: readonly Step[]): Slot[][] {
  const depth = depths(steps);
  const columns: Slot[][] = Array.from({ length: Math.max(...depth.values()) + 1 }, () => []);
  for (const step of steps) {
    const own = depth.get(step.name) as number;
    columns[own].push({ step, lane: false });
    const lastReader = Math.max(own, ...steps.filter((s) => s.after.includes(step.name)).map((s) => depth.get(s.name) as number));
    for (let column = own + 1; column < lastReader; column++) columns[column].push({ step, lane: true });
  }
  let before = new Map<string, number>();
  for (const slots of columns) {
    const wanted = new Map(
      slots.map((slot) => {
        const sources = slot.lane ? [slot.step.name] : slot.step.after;
        return [slot, sources.reduce((sum, name) => sum + (before.get(name) ?? 0), 0) / Math.max(1, sources.length)] as const;
      }),
    );
    slots.sort((a, b) => (wanted.get(a) as number) - (wanted.get(b) as number));
    before = new Map(slots.map(({ step }, i) => [step.name, i - (slots.length - 1) / 2]));
  }
  return columns;
}

/** Length of the longest path from a source to each step. */
function depths(steps: readonly Step[]): Map<string, number> {
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
    depth.set(name, own);
    return own;
  };
  for (const step of steps) depthOf(step.name);
  return depth;
}

function node(step: Step, { x, y }: { x: number; y: number }): string {
  const stroke = STROKE[step.state];
  const outputs = Object.entries(step.outputs).map(([name, digest]) => `${name}: ${digest}`);
  return [
    `<g transform="translate(${x} ${y})">`,
    `<title>${escapeHtml([`${step.name} (${step.uses})`, ...outputs].join("\n"))}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="7" fill="${stroke}" fill-opacity="0.08" stroke="${stroke}" stroke-width="1.4"${step.cached ? ' stroke-dasharray="5 3"' : ""}/>`,
    `<text x="10" y="19" font-size="13" font-weight="600">${escapeHtml(shortened(step.name, 20))}</text>`,
    `<text x="10" y="34" opacity="0.75">${escapeHtml(shortened(step.uses, 26))}</text>`,
    `<text x="10" y="49" opacity="0.75">${escapeHtml(stateWords(step))}</text>`,
    "</g>",
  ].join("");
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
