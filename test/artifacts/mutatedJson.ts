import { fc } from "@fast-check/vitest";
import { canonicalJson } from "../../artifacts/canonicalJson.ts";

type Path = (string | number)[];

/**
 * Bytes of canonical JSON made from `value` by one change: a field taken away, replaced by any JSON, or added; or a byte
 * changed, cut off or appended.
 */
export function mutatedJson(value: unknown): fc.Arbitrary<Buffer> {
  const whole = Buffer.from(canonicalJson(value));
  const paths = placesOf(value, []);
  const byField = fc
    .tuple(
      fc.constantFrom(...paths),
      fc.oneof(fc.constant(undefined), fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(-1, 0.5, 1e300, "", "..", "0".repeat(64))),
      fc.boolean(),
    )
    .map(([path, replacement, isAdded]) => {
      const copy: unknown = JSON.parse(whole.toString());
      change(copy, path, replacement, isAdded);
      return Buffer.from(canonicalJson(path.length === 0 && replacement !== undefined && !isAdded ? replacement : copy));
    });
  const byByte = fc
    .tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), fc.constantFrom("change", "cut", "append"))
    .map(([at, byte, how]) => {
      if (how === "cut") return whole.subarray(0, at);
      if (how === "append") return Buffer.concat([whole, Buffer.from([byte])]);
      const copy = Buffer.from(whole);
      copy[at] = byte;
      return copy;
    });
  return fc.oneof(byField, byByte);
}

function placesOf(value: unknown, path: Path): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, item]) => placesOf(item, [...path, Array.isArray(value) ? Number(key) : key])),
  ];
}

function change(root: unknown, path: Path, replacement: unknown, isAdded: boolean): void {
  let parent = root as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string | number, unknown>;
  const last = path.at(-1);
  if (isAdded) {
    if (Array.isArray(parent)) parent.push(replacement ?? null);
    else parent.added = replacement ?? null;
  } else if (last === undefined) return;
  else if (replacement !== undefined) parent[last] = replacement;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
}
