import type { Json, Located } from "./document.ts";
import { interpolate } from "./interpolate.ts";
import type { Problems } from "./problems.ts";

/** One axis of a step's matrix: its values by label. */
export interface Axis {
  readonly name: string;
  readonly values: ReadonlyMap<string, Json>;
}

/** One combination: axis → label. A step without a matrix has a single empty one. */
export type Cell = ReadonlyMap<string, string>;

const label = /^[^\s[\],=*](?:[^[\],=*\n]{0,62}[^\s[\],=*])?$/;
export const MAX_CELLS = 1000;

/**
 * Reads `matrix: { fold: [1, 2, 3], method: { GrabCut-3D: grabcut-3d } }`: each axis is a list of plain values, which are
 * their own labels, or a mapping of labels to values.
 */
export function readMatrix(located: Located, params: ReadonlyMap<string, Json>, problems: Problems): Axis[] {
  if (located.kind !== "map" || located.entries.size === 0) {
    problems.add(
      located.at,
      "matrix must name axes with their values, or the step whose matrix it shares: matrix: { fold: [1, 2, 3] }",
    );
    return [];
  }
  return [...located.entries].flatMap(([name, axis]): Axis[] => {
    if (!/^[A-Za-z][\w-]*$/.test(name))
      problems.add(axis.keyAt, `"${name}" cannot name an axis: use letters, digits, "_" and "-"`);
    const value = interpolate(axis, { params, matrix: new Map() }, problems);
    const entries = entriesOf(value);
    if (entries === undefined || entries.length === 0) {
      problems.add(axis.at, `axis "${name}" must be a list of plain values or a mapping of labels to values`);
      return [];
    }
    const values = new Map(entries);
    if (values.size < entries.length) problems.add(axis.at, `axis "${name}" has a value twice`);
    for (const [text] of entries) {
      if (!label.test(text))
        problems.add(axis.at, `"${text}" cannot label a value: use up to 64 characters without "[", "]", ",", "=", "*"`);
    }
    return [{ name, values }];
  });
}

function entriesOf(value: Json): [string, Json][] | undefined {
  if (Array.isArray(value)) {
    return value.every((item) => item !== null && typeof item !== "object")
      ? value.map((item) => [String(item), item])
      : undefined;
  }
  return typeof value === "object" && value !== null ? Object.entries(value) : undefined;
}

/** Every combination of labels; the last axis runs fastest. undefined when there are more than `MAX_CELLS`. */
export function cellsOf(axes: readonly Axis[]): Cell[] | undefined {
  if (axes.reduce((n, axis) => n * axis.values.size, 1) > MAX_CELLS) return undefined;
  let cells: [string, string][][] = [[]];
  for (const { name, values } of axes) {
    cells = cells.flatMap((cell) => [...values.keys()].map((text): [string, string][] => [...cell, [name, text]]));
  }
  return cells.map((cell) => new Map(cell));
}

/** `folds[fold=1,width=0.25]`; a step without a matrix keeps its name. */
export function cellName(step: string, cell: Cell): string {
  return cell.size === 0 ? step : `${step}[${[...cell].map(([axis, text]) => `${axis}=${text}`).join(",")}]`;
}
