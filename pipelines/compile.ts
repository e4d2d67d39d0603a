import path from "node:path";
import { canonicalJson } from "../artifacts/canonicalJson.ts";
import { sha256 } from "../artifacts/digest.ts";
import type { CompiledPipeline, CompiledStep, Wire } from "../schemas/pipeline.ts";
import { type PipelineDeclaration, readDeclaration, type StepDeclaration } from "./declaration.ts";
import { type Json, locate, readDocument } from "./document.ts";
import { interpolate, type Scope } from "./interpolate.ts";
import { type Cell, cellName, cellsOf, MAX_CELLS } from "./matrix.ts";
import { suggest } from "./nearest.ts";
import { inOrder } from "./order.ts";
import { checkParams } from "./parameters.ts";
import { Problems } from "./problems.ts";
import { resolveInput } from "./wires.ts";

export interface CompileOptions {
  /** How messages call the text: normally its path. */
  readonly file: string;
  /** Absolute folder where relative paths in parameters start. */
  readonly folder: string;
  /** `--set` values by parameter. */
  readonly overrides?: Readonly<Record<string, string>>;
}

/** A compiled pipeline travels in messages of the engine. */
const MAX_COMPILED_CHARACTERS = 1024 * 1024;

/**
 * Compiles a pipeline's YAML text: parameters filled in, matrices expanded, wires checked, steps in order. The result
 * depends on nothing but the arguments.
 * @throws PipelineError with everything that is wrong, as `file:line:column`.
 */
export function compilePipeline(text: string, { file, folder, overrides = {} }: CompileOptions): CompiledPipeline {
  const document = readDocument(text, file);
  const problems = new Problems(document.where);
  const pipeline = readDeclaration(document, overrides, problems);

  const steps: PlacedStep[] = [];
  for (const declaration of pipeline.steps.values()) {
    const cells = cellsOf(declaration.axes);
    if (cells === undefined || steps.length + cells.length > MAX_CELLS) {
      problems.add(declaration.at, `the matrix of "${declaration.name}" brings the pipeline to more than ${MAX_CELLS} steps`);
      break;
    }
    for (const cell of cells) steps.push(compileStep(declaration, cell, pipeline, folder, problems));
  }
  if (problems.found.length === 0) rejectCycle(steps, problems);
  problems.throwIfAny();

  const ordered = inOrder(steps.map(({ step }) => step));
  const read = new Set(ordered.flatMap((step) => Object.values(step.inputs).flatMap((wires) => wires.map((wire) => wire.step))));
  const compiled: CompiledPipeline = {
    name: pipeline.name,
    source: sha256(text),
    params: Object.fromEntries(pipeline.params),
    steps: ordered,
    wanted: ordered.filter(({ name }) => !read.has(name)).map(({ name }) => name),
  };
  if (canonicalJson(compiled).length > MAX_COMPILED_CHARACTERS) {
    problems.add(0, `the compiled pipeline has more than ${MAX_COMPILED_CHARACTERS} characters; use fewer matrix values`);
    problems.throwIfAny();
  }
  return compiled;
}

/** A step with the places of its wires in the text. */
interface PlacedStep {
  readonly step: CompiledStep;
  readonly wireAt: ReadonlyMap<string, number>;
}

function compileStep(
  declaration: StepDeclaration,
  cell: Cell,
  pipeline: PipelineDeclaration,
  folder: string,
  problems: Problems,
): PlacedStep {
  const { kind } = declaration;
  const matrix = new Map(declaration.axes.map(({ name, values }) => [name, values.get(cell.get(name)!)!]));
  const scope: Scope = { params: pipeline.params, matrix };
  const before = problems.found.length;
  const given = declaration.with === undefined ? {} : interpolate(declaration.with, scope, problems);
  const reported = new Set(problems.found.slice(before).map(({ offset }) => offset));
  const params = checkParams(kind, given, declaration.with, declaration.at, reported, problems);
  const { inputs, wireAt } = compileInputs(declaration, cell, scope, pipeline, problems);
  const mismatch =
    problems.found.length > before || params === undefined ? null : kind.checkInputs?.(params, new Set(Object.keys(inputs)));
  if (mismatch) problems.add(declaration.in?.keyAt ?? declaration.at, `step "${declaration.name}" (${kind.kind}): ${mismatch}`);
  const step: CompiledStep = {
    name: cellName(declaration.name, cell),
    kind: kind.kind,
    version: kind.version,
    queue: kind.queue,
    shape: kind.shape,
    numerics: kind.numerics,
    external: kind.external.filter((name) => params?.[name] !== undefined),
    params: absolutePaths(params ?? {}, kind.external, folder),
    inputs,
  };
  return { step, wireAt };
}

function compileInputs(
  { name, at, kind, in: located }: StepDeclaration,
  cell: Cell,
  scope: Scope,
  pipeline: PipelineDeclaration,
  problems: Problems,
): { inputs: Record<string, Wire[]>; wireAt: Map<string, number> } {
  const inputs: Record<string, Wire[]> = {};
  const wireAt = new Map<string, number>();
  const given = located?.kind === "map" ? located.entries : new Map<string, never>();
  for (const [input, value] of given) {
    if (!Object.hasOwn(kind.inputs, input)) {
      problems.add(value.keyAt, `${kind.kind} has no input "${input}": ${suggest(input, Object.keys(kind.inputs))}`);
    }
  }
  for (const [input, port] of Object.entries(kind.inputs)) {
    const value = given.get(input);
    if (value === undefined) {
      if (port.optional !== true)
        problems.add(
          located?.keyAt ?? at,
          `step "${name}" (${kind.kind}) needs input "${input}": ${port.summary} (${port.type})`,
        );
      continue;
    }
    const before = problems.found.length;
    const plain = interpolate(value, scope, problems);
    if (problems.found.length > before) continue;
    const { wires, errors } = resolveInput(plain, input, port, cell, pipeline);
    for (const { message, path: within } of errors) problems.add(locate(value, within).at, message);
    if (wires.length > 0) inputs[input] = [...wires];
    for (const { step } of wires) wireAt.set(step, value.at);
  }
  return { inputs, wireAt };
}

function absolutePaths(params: Record<string, Json>, external: readonly string[], folder: string): Record<string, Json> {
  const absolute = external.flatMap((name) => {
    const value = params[name];
    return typeof value === "string" ? [[name, path.resolve(folder, value)] as const] : [];
  });
  return { ...params, ...Object.fromEntries(absolute) };
}

/** Reports the first cycle among the steps, by name, at the wire that closes it. */
function rejectCycle(steps: readonly PlacedStep[], problems: Problems): void {
  const byName = new Map(steps.map((placed) => [placed.step.name, placed]));
  const finished = new Set<string>();
  for (const { step: start } of steps) {
    const path: { name: string; next: string[] }[] = [];
    const enter = (name: string): void => {
      path.push({ name, next: [...byName.get(name)!.wireAt.keys()] });
    };
    if (!finished.has(start.name)) enter(start.name);
    while (path.length > 0) {
      const here = path[path.length - 1];
      const next = here.next.pop();
      if (next === undefined) finished.add(path.pop()!.name);
      else if (path.some(({ name }) => name === next)) {
        const cycle = path.slice(path.findIndex(({ name }) => name === next)).map(({ name }) => name);
        // Wires point at what is read; told in the order of the work it is the other way round.
        const told = [...cycle, next].reverse().join(" → ");
        problems.add(
          byName.get(here.name)!.wireAt.get(next)!,
          cycle.length === 1 ? `step "${next}" reads its own output` : `steps wait for each other: ${told}`,
        );
        return;
      } else if (!finished.has(next)) enter(next);
    }
  }
}
