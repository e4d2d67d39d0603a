import { isStepKind, kindOf, type RegisteredKind, stepKinds } from "../schemas/stepKinds.ts";
import { type Json, type Located, readDocument, type SourceDocument, toJson } from "./document.ts";
import { type Axis, readMatrix } from "./matrix.ts";
import { suggest } from "./nearest.ts";
import type { Problems } from "./problems.ts";

/** A step as the text declares it. */
export interface StepDeclaration {
  readonly name: string;
  readonly at: number;
  readonly kind: RegisteredKind;
  /** The whole step, its wires and its parameters, as they stand in the text. */
  readonly in: Located | undefined;
  readonly with: Located | undefined;
  readonly axes: readonly Axis[];
}

export interface PipelineDeclaration {
  readonly name: string;
  readonly params: ReadonlyMap<string, Json>;
  /** In the order of the text. */
  readonly steps: ReadonlyMap<string, StepDeclaration>;
  /** Names of steps that were declared but cannot be understood: wires to them are not reported once more. */
  readonly unusable: ReadonlySet<string>;
}

const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const nameRule = 'use up to 64 letters, digits, "_" and "-", a letter first';

/** Reads name, parameters and steps; `overrides` replace parameters (`--set`). */
export function readDeclaration(
  document: SourceDocument,
  overrides: Readonly<Record<string, string>>,
  problems: Problems,
): PipelineDeclaration {
  const root = asMap(document.root, "a pipeline must be a mapping with `name`, `params` and `steps`", problems);
  onlyKeys(root, ["name", "params", "steps"], "a pipeline", problems);
  const params = readParams(root.get("params"), overrides, problems);
  const declared = root.get("steps");
  if (declared === undefined) problems.add(document.root.at, "a pipeline needs `steps`");
  const located =
    declared === undefined
      ? new Map<string, Located>()
      : asMap(declared, "`steps` must be a mapping of names to steps", problems);
  if (declared?.kind === "map" && located.size === 0) problems.add(declared.at, "`steps` names no step");

  const drafts = new Map<string, Draft>();
  for (const [name, step] of located) {
    if (!namePattern.test(name)) problems.add(step.keyAt, `"${name}" cannot name a step: ${nameRule}`);
    const draft = readStep(name, step, params, problems);
    if (draft !== undefined) drafts.set(name, draft);
  }
  const steps = new Map([...drafts.values()].map((draft) => [draft.name, { ...draft, axes: axesOf(draft, drafts, problems) }]));
  return {
    name: readName(root.get("name"), document, problems),
    params,
    steps,
    unusable: new Set([...located.keys()].filter((name) => !steps.has(name))),
  };
}

type Draft = Omit<StepDeclaration, "axes"> & {
  readonly matrix: readonly Axis[] | { readonly sharedWith: string; readonly at: number };
};

function readStep(name: string, located: Located, params: ReadonlyMap<string, Json>, problems: Problems): Draft | undefined {
  if (located.kind !== "map") {
    problems.add(located.at, `step "${name}" must be a mapping: { uses: …, in: …, with: … }`);
    return undefined;
  }
  onlyKeys(located.entries, ["uses", "in", "with", "matrix"], `step "${name}"`, problems);
  const matrix = located.entries.get("matrix");
  const axes =
    matrix?.kind === "scalar" && typeof matrix.value === "string" ? { sharedWith: matrix.value, at: matrix.at } : undefined;
  const draft = {
    name,
    at: located.keyAt,
    in: mapOrNothing(located.entries.get("in"), "`in` must be a mapping of inputs to steps", problems),
    with: mapOrNothing(located.entries.get("with"), "`with` must be a mapping of parameters to values", problems),
    matrix: axes ?? (matrix === undefined ? [] : readMatrix(matrix, params, problems)),
  };
  const uses = located.entries.get("uses");
  if (uses === undefined) problems.add(located.keyAt, `step "${name}" does not say which kind it \`uses\``);
  else if (uses.kind !== "scalar" || typeof uses.value !== "string")
    problems.add(uses.at, "`uses` must be the name of a step kind");
  else if (!isStepKind(uses.value))
    problems.add(uses.at, `there is no step kind "${uses.value}": ${suggest(uses.value, Object.keys(stepKinds))}`);
  else return { ...draft, kind: kindOf(uses.value) };
  return undefined;
}

/** The axes of a step, its own or those of the step that it shares them with. */
function axesOf(
  draft: Draft,
  drafts: ReadonlyMap<string, Draft>,
  problems: Problems,
  asking: readonly string[] = [],
): readonly Axis[] {
  if (!("sharedWith" in draft.matrix)) return draft.matrix;
  const { sharedWith, at } = draft.matrix;
  const path = [...asking, draft.name];
  const other = drafts.get(sharedWith);
  if (other === undefined)
    problems.add(at, `there is no step "${sharedWith}" whose matrix could be shared: ${suggest(sharedWith, drafts.keys())}`);
  else if (path.includes(sharedWith)) problems.add(at, `steps share each other's matrix: ${[...path, sharedWith].join(" → ")}`);
  else {
    const axes = axesOf(other, drafts, problems, path);
    if (axes.length === 0 && Array.isArray(other.matrix))
      problems.add(at, `step "${sharedWith}" has no matrix that could be shared`);
    return axes;
  }
  return [];
}

function readName(located: Located | undefined, document: SourceDocument, problems: Problems): string {
  if (located?.kind === "scalar" && typeof located.value === "string" && namePattern.test(located.value)) return located.value;
  if (located === undefined) problems.add(document.root.at, "a pipeline needs a `name`");
  else problems.add(located.at, `this cannot name a pipeline: ${nameRule}`);
  return "";
}

function readParams(
  located: Located | undefined,
  overrides: Readonly<Record<string, string>>,
  problems: Problems,
): Map<string, Json> {
  const declared =
    located === undefined
      ? new Map<string, Located>()
      : asMap(located, "`params` must be a mapping of names to values", problems);
  const params = new Map<string, Json>();
  for (const [name, value] of declared) {
    if (!namePattern.test(name)) problems.add(value.keyAt, `"${name}" cannot name a parameter: ${nameRule}`);
    const json = toJson(value);
    if (JSON.stringify(json).includes("${"))
      problems.add(value.at, "parameters are plain values; references are filled in within steps only");
    params.set(name, json);
  }
  for (const [name, text] of Object.entries(overrides)) {
    if (params.has(name)) params.set(name, readOverride(name, text));
    else problems.addArgument(`--set ${name}`, `the pipeline has no parameter "${name}": ${suggest(name, params.keys())}`);
  }
  return params;
}

/**
 * The value of `--set name=text`: what YAML makes of a number, true, false, null, a quoted text, `[…]` or `{…}`; anything
 * else is the text itself.
 * @throws PipelineError for brackets or quotes that are not closed.
 */
function readOverride(name: string, text: string): Json {
  if (text.trim() === "") return text;
  if (/^\s*["'[{]/.test(text)) return toJson(readDocument(text, `--set ${name}`).root);
  if (!/^\s*(?:[-+.\d]\S*|true|false|null|~)\s*$/i.test(text)) return text;
  const { root } = readDocument(text, `--set ${name}`);
  return root.kind === "scalar" ? root.value : text;
}

function asMap(located: Located, expected: string, problems: Problems): ReadonlyMap<string, Located> {
  if (located.kind === "map") return located.entries;
  problems.add(located.at, expected);
  return new Map();
}

function mapOrNothing(located: Located | undefined, expected: string, problems: Problems): Located | undefined {
  if (located === undefined || located.kind === "map") return located;
  if (located.kind === "scalar" && located.value === null) return undefined;
  problems.add(located.at, expected);
  return undefined;
}

function onlyKeys(entries: ReadonlyMap<string, Located>, allowed: readonly string[], owner: string, problems: Problems): void {
  for (const [key, value] of entries) {
    if (!allowed.includes(key)) problems.add(value.keyAt, `${owner} has no "${key}": ${suggest(key, allowed)}`);
  }
}
