import { z } from "zod";
import type { RegisteredKind } from "../schemas/stepKinds.ts";
import { type Json, type Located, locate } from "./document.ts";
import { nearest, suggest } from "./nearest.ts";
import type { Problems } from "./problems.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/**
 * Checks a step's parameters and fills in defaults.
 * @param located where the parameters stand in the text; `at` is where the step does, for parameters that are missing.
 * @param reported offsets of values that are known to be wrong already.
 * @returns undefined when something was wrong.
 */
export function checkParams(
  kind: RegisteredKind,
  given: Json,
  located: Located | undefined,
  at: number,
  reported: ReadonlySet<number>,
  problems: Problems,
): Record<string, Json> | undefined {
  const checked = kind.params.safeParse(given);
  if (checked.success) return JSON.parse(JSON.stringify(checked.data)) as Record<string, Json>;
  for (const issue of checked.error.issues) {
    for (const { path, message } of describe(issue, kind, given)) {
      const place = located === undefined ? undefined : locate(located, path);
      const atKey = issue.code === "unrecognized_keys" || place === located || place?.kind === "map";
      const offset = place === undefined ? at : atKey ? place.keyAt : place.at;
      if (place === undefined || !reported.has(place.at)) problems.add(offset, message + provenance(place, valueAt(given, path)));
    }
  }
  return undefined;
}

function describe(issue: Issue, kind: RegisteredKind, given: Json): { path: Path; message: string }[] {
  const name = dotted(issue.path);
  const value = valueAt(given, issue.path);
  if (issue.code === "unrecognized_keys") {
    const valid = parametersAt(kind, issue.path);
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      const message = valid.includes(key)
        ? `"${dotted(path)}" does not go with the other settings of "${name}"`
        : `${name === "" ? kind.kind : `"${name}"`} has no parameter "${key}": ${suggest(key, valid)}`;
      return { path, message };
    });
  }
  if (value === undefined && issue.code !== "custom") {
    const description = describeAt(kind, issue.path);
    return [{ path: issue.path, message: `${kind.kind} needs "${name}"${description === "" ? "" : `: ${description}`}` }];
  }
  if (issue.code === "custom") return [{ path: issue.path, message: `"${name}" ${issue.message}` }];
  return [
    { path: issue.path, message: `"${name}" must be ${expected(issue)}, not ${shown(value)}${nearestValue(issue, value)}` },
  ];
}

const typeNames: Record<string, string> = {
  number: "a number",
  int: "a whole number",
  string: "a text",
  boolean: "true or false",
  object: "a mapping",
  array: "a list",
};

function expected(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeNames[issue.expected] ?? issue.expected;
    case "invalid_value":
      return oneOf(issue.values.map(String));
    case "too_small":
      if (issue.origin === "string") return "a text that is not empty";
      if (issue.origin === "array") return `a list of at least ${issue.minimum}`;
      return `${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
    case "too_big":
      if (issue.origin === "string") return `a text of at most ${issue.maximum} characters`;
      if (issue.origin === "array") return `a list of at most ${issue.maximum}`;
      return `${issue.inclusive ? "at most" : "less than"} ${issue.maximum}`;
    case "invalid_union":
      if ("options" in issue && Array.isArray(issue.options)) return oneOf(issue.options.map(String));
      return [...new Set(issue.errors.map((branch) => expected(branch[0])))].join(" or ");
    default:
      return issue.message;
  }
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? `"${values[0]}"` : `one of ${values.join(", ")}`;
}

function nearestValue(issue: Issue, value: Json | undefined): string {
  if (issue.code !== "invalid_value" || typeof value !== "string") return "";
  const near = nearest(value, issue.values.map(String));
  return near === undefined ? "" : `: did you mean "${near}"?`;
}

/** Says what a reference stood for, since the text at that place shows only the reference. */
function provenance(place: Located | undefined, value: Json | undefined): string {
  if (place?.kind !== "scalar" || typeof place.value !== "string" || !/\$\{/.test(place.value)) return "";
  return ` (${place.value} gave ${shown(value)})`;
}

function shown(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function dotted(path: Path): string {
  return path.map(String).join(".");
}

function valueAt(value: Json | undefined, path: Path): Json | undefined {
  let here: unknown = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<PropertyKey, unknown>)[key];
  }
  return here as Json;
}

/** Names that a mapping of parameters may have at `path`. */
function parametersAt(kind: RegisteredKind, path: Path): string[] {
  const here = schemaAt(kind, path);
  return [...new Set(here.flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

function describeAt(kind: RegisteredKind, path: Path): string {
  return schemaAt(kind, path)[0]?.description ?? "";
}

interface SchemaNode {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
}

/** The JSON Schema nodes that describe `path`: several where a parameter has alternatives. */
function schemaAt(kind: RegisteredKind, path: Path): SchemaNode[] {
  const alternatives = (node: SchemaNode): SchemaNode[] => [node, ...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  let here = alternatives(jsonSchemaOf(kind));
  for (const key of path) {
    here = here.flatMap(({ properties, items }) => {
      const next = typeof key === "number" ? items : properties?.[String(key)];
      return next === undefined ? [] : alternatives(next);
    });
  }
  return here;
}

const jsonSchemas = new Map<string, SchemaNode>();

function jsonSchemaOf({ kind, params }: RegisteredKind): SchemaNode {
  const known = jsonSchemas.get(kind) ?? (z.toJSONSchema(params, { io: "input" }) as SchemaNode);
  jsonSchemas.set(kind, known);
  return known;
}
