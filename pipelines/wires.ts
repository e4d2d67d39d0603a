import type { Wire } from "../schemas/pipeline.ts";
import type { StepInputPort } from "../schemas/stepKinds.ts";
import type { PipelineDeclaration, StepDeclaration } from "./declaration.ts";
import type { Json } from "./document.ts";
import { type Cell, cellName, cellsOf } from "./matrix.ts";
import { suggest } from "./nearest.ts";

/** Something wrong with a wire; `path` leads from the input to the text that holds it. */
class WireError extends Error {
  readonly path: readonly (string | number)[];

  constructor(message: string, path: readonly (string | number)[] = []) {
    super(message);
    this.path = path;
  }
}

/** What came of an input: its wires, and everything that was wrong. */
export interface WiredInput {
  readonly wires: readonly Wire[];
  readonly errors: readonly WireError[];
}

/**
 * Resolves what a step names for an input. A wire is `step`, `step.output`, `step[axis=label]` or `step[*]`; a step's bare
 * name means its first output and, for a step with a matrix, the cell that agrees with the asking step's own. Several
 * cells are called by their labels on the axes that the wire leaves free.
 * Inputs that take several artifacts read one wire, a list (`[a, b[*], { HNN: c }]`) or a mapping of display names; they are
 * sorted by name, so that the order in the text changes nothing.
 */
export function resolveInput(
  value: Json,
  input: string,
  port: StepInputPort,
  cell: Cell,
  pipeline: PipelineDeclaration,
): WiredInput {
  const errors: WireError[] = [];
  const resolve = (text: Json, path: (string | number)[]): Ends => {
    try {
      return resolveWire(text, input, port, cell, pipeline);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      errors.push(new WireError(error.message, path));
      return [];
    }
  };
  if (port.many !== true) {
    const ends = resolve(value, []);
    if (ends.length > 1)
      errors.push(new WireError(`"${input}" takes one ${port.type}, but ${String(value)} names ${ends.length}`));
    return { wires: ends.slice(0, 1).map(({ step, output }) => ({ step, output })), errors };
  }

  const wires = new Map<string, Wire>();
  const take = (text: Json, path: (string | number)[], displayName?: string): void => {
    for (const { label, step, output, isDefault } of resolve(text, path)) {
      const name =
        displayName === undefined
          ? (label ?? (isDefault ? step : `${step}.${output}`))
          : label === undefined
            ? displayName
            : `${displayName} ${label}`;
      if (wires.has(name))
        errors.push(new WireError(`"${input}" has two artifacts called "${name}"; give them names: { name: step }`, path));
      else if (!/^[^\p{Cc}]{1,120}$/u.test(name))
        errors.push(new WireError("a display name has 1 to 120 characters in one line", path));
      wires.set(name, { name, step, output });
    }
  };
  const takeNamed = (named: { [name: string]: Json }, path: (string | number)[]): void => {
    for (const [name, text] of Object.entries(named)) take(text, [...path, name], name);
  };
  if (Array.isArray(value)) {
    value.forEach((item, i) => {
      if (isMapping(item)) takeNamed(item, [i]);
      else take(item, [i]);
    });
  } else if (isMapping(value)) takeNamed(value, []);
  else take(value, []);
  if (wires.size === 0 && errors.length === 0) errors.push(new WireError(`"${input}" names no ${port.type}`));
  return { wires: [...wires.values()].sort((a, b) => (a.name! < b.name! ? -1 : 1)), errors };
}

type Ends = { label: string | undefined; step: string; output: string; isDefault: boolean }[];

const wirePattern = /^\s*([^\s.[\]]+)(?:\[([^[\]]*)\])?(?:\.([^\s.[\]]+))?\s*$/;

function resolveWire(text: Json, input: string, port: StepInputPort, cell: Cell, pipeline: PipelineDeclaration): Ends {
  const parts = typeof text === "string" ? wirePattern.exec(text) : null;
  if (parts === null)
    throw new WireError(`"${input}" must name a step: \`step\`, \`step.output\` or \`step[*]\`, not ${JSON.stringify(text)}`);
  const [, name, selector, outputName] = parts;
  const source = pipeline.steps.get(name);
  if (source === undefined) {
    if (pipeline.unusable.has(name)) return [];
    throw new WireError(`there is no step "${name}": ${suggest(name, [...pipeline.steps.keys()])}`);
  }
  const outputs = Object.entries(source.kind.outputs);
  const output = outputName ?? outputs[0][0];
  const type = outputs.find(([candidate]) => candidate === output)?.[1].type;
  if (type === undefined) {
    throw new WireError(
      `step "${name}" (${source.kind.kind}) has no output "${output}": ${suggest(
        output,
        outputs.map(([candidate]) => candidate),
      )}`,
    );
  }
  if (type !== port.type) {
    throw new WireError(
      `"${input}" expects ${port.type}, but ${outputName === undefined ? name : `${name}.${output}`} is ${type}; ${producers(port, pipeline)}`,
    );
  }
  const cells = select(source, selector, cell, input);
  const free = source.axes.map((axis) => axis.name).filter((axis) => selector === "*" || !fixedBy(selector).has(axis));
  return cells.map((chosen) => ({
    label: selector === undefined || free.length === 0 ? undefined : free.map((axis) => chosen.get(axis)).join(", "),
    step: cellName(name, chosen),
    output,
    isDefault: output === outputs[0][0],
  }));
}

function producers(port: StepInputPort, pipeline: PipelineDeclaration): string {
  const wires = [...pipeline.steps.values()].flatMap(({ name, kind }) =>
    Object.entries(kind.outputs).flatMap(([output, { type }], i) =>
      type === port.type ? [i === 0 ? name : `${name}.${output}`] : [],
    ),
  );
  return wires.length === 0
    ? `no step gives ${port.type}`
    : `of that type there ${wires.length === 1 ? "is" : "are"} ${wires.slice(0, 12).join(", ")}`;
}

/** The cells of `source` that `[selector]` names, seen from `cell` of the asking step. */
function select(source: StepDeclaration, selector: string | undefined, cell: Cell, input: string): readonly Cell[] {
  const cells = cellsOf(source.axes) ?? [];
  if (selector === "*") {
    if (source.axes.length === 0) throw new WireError(`step "${source.name}" has no matrix to gather; write "${source.name}"`);
    return cells;
  }
  const wanted = selector === undefined ? inherited(source, cell, input) : readSelector(source, selector);
  return cells.filter((candidate) => [...wanted].every(([axis, label]) => candidate.get(axis) === label));
}

/** The axes that a selector names: what it leaves free tells its cells apart. */
function fixedBy(selector: string | undefined): ReadonlySet<string> {
  return new Set((selector ?? "").split(",").map((part) => part.split("=")[0].trim()));
}

/** The labels that the asking step has on every axis of `source`. */
function inherited(source: StepDeclaration, cell: Cell, input: string): Cell {
  const labels = source.axes.map(({ name, values }): [string, string] => {
    const label = cell.get(name);
    if (label === undefined || !values.has(label)) {
      const cells = `${source.name}[${name}=${[...values.keys()][0]}]`;
      throw new WireError(
        `"${input}" must say which "${source.name}" of its matrix: one, as "${cells}", or all, as "${source.name}[*]"`,
      );
    }
    return [name, label];
  });
  return new Map(labels);
}

function readSelector(source: StepDeclaration, selector: string): Cell {
  const labels = selector.split(",").map((part): [string, string] => {
    const [name, label, ...more] = part.split("=").map((text) => text.trim());
    const axis = source.axes.find((candidate) => candidate.name === name);
    if (label === undefined || more.length > 0) throw new WireError(`"[${selector}]" must be [*] or [axis=label]`);
    if (axis === undefined)
      throw new WireError(
        `the matrix of "${source.name}" has no axis "${name}": ${suggest(
          name,
          source.axes.map((a) => a.name),
        )}`,
      );
    if (!axis.values.has(label))
      throw new WireError(`axis "${name}" of "${source.name}" has no "${label}": ${suggest(label, axis.values.keys())}`);
    return [name, label];
  });
  return new Map(labels);
}

function isMapping(value: Json): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
