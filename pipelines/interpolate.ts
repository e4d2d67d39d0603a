import { type Json, type Located, toJson } from "./document.ts";
import { suggest } from "./nearest.ts";
import type { Problems } from "./problems.ts";

/** What `${params.x}` and `${matrix.x}` stand for. */
export interface Scope {
  readonly params: ReadonlyMap<string, Json>;
  readonly matrix: ReadonlyMap<string, Json>;
}

const reference = /\$\$\{|\$\{([^}]*)\}?/g;

/**
 * The plain value of `located` with references filled in. A text that is one reference takes the value as it is (a number
 * stays a number); within a longer text the value is written out. `$${` stands for `${` itself.
 */
export function interpolate(located: Located, scope: Scope, problems: Problems): Json {
  if (located.kind === "list") return located.items.map((item) => interpolate(item, scope, problems));
  if (located.kind === "map") {
    return Object.fromEntries([...located.entries].map(([key, value]) => [key, interpolate(value, scope, problems)]));
  }
  if (typeof located.value !== "string" || !located.value.includes("${")) return toJson(located);
  const text = located.value;
  const fail = (message: string): null => {
    problems.add(located.at, message);
    return null;
  };
  const whole = /^\$\{([^}]*)\}$/.exec(text);
  if (whole !== null) return lookUp(whole[1], scope, fail);
  return text.replace(reference, (match, name: string | undefined) => {
    if (match === "$${") return "${";
    if (!match.endsWith("}"))
      return String(fail("a reference is not closed: write ${params.name}, or $${ for the characters themselves"));
    const value = lookUp(name ?? "", scope, fail);
    if (typeof value === "object" && value !== null)
      fail(`\${${name}} is a ${Array.isArray(value) ? "list" : "mapping"} and cannot stand inside a text`);
    return String(value);
  });
}

function lookUp(name: string, scope: Scope, fail: (message: string) => null): Json {
  const [, root, key] = /^\s*(params|matrix)\.([^\s]+)\s*$/.exec(name) ?? [];
  if (root === undefined)
    return fail(`"\${${name}}" refers to nothing: write \${params.name}${scope.matrix.size > 0 ? " or ${matrix.axis}" : ""}`);
  const values = scope[root as keyof Scope];
  const value = values.get(key);
  if (value === undefined)
    return fail(`there is no ${root === "params" ? "parameter" : "matrix axis"} "${key}": ${suggest(key, values.keys())}`);
  return value;
}
