import { readFileSync } from "node:fs";
import { fc, test as property } from "@fast-check/vitest";
import { expect } from "vitest";
import { Document } from "yaml";
import { actionKey } from "../../artifacts/actionKey.ts";
import { sha256 } from "../../artifacts/digest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { compilePipeline } from "../../pipelines/compile.ts";
import { readDocument, toJson } from "../../pipelines/document.ts";
import { inputName } from "../../pipelines/plan.ts";
import { PipelineError } from "../../pipelines/problems.ts";
import { type CompiledPipeline, compiledPipelineSchema } from "../../schemas/pipeline.ts";
import { keyParams } from "../../schemas/stepKinds.ts";

const shipped = ["demo", "deeplesion", "ct-masks"].map((name) =>
  readFileSync(new URL(`../../pipelines/${name}.yaml`, import.meta.url), "utf8"),
);
const options = { file: "p.yaml", folder: "/data" };

/** A valid compiled pipeline, or null for an error whose every place lies in the text. @throws for anything else */
function outcome(text: string, overrides: Record<string, string> = {}): CompiledPipeline | null {
  let pipeline: CompiledPipeline;
  try {
    pipeline = compilePipeline(text, { ...options, overrides });
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    const lines = text.split("\n");
    for (const { where, message } of error.problems) {
      const [, line, column] = /^(?:p\.yaml|--set \S+):(\d+):(\d+)$/.exec(where) ?? [];
      expect(message).not.toBe("");
      if (where.startsWith("--set")) continue;
      expect(line, where).toBeDefined();
      expect(Number(line)).toBeLessThanOrEqual(lines.length);
      expect(Number(column)).toBeLessThanOrEqual(lines[Number(line) - 1].length + 1);
    }
    return null;
  }
  expect(compiledPipelineSchema.parse(pipeline)).toEqual(pipeline);
  const before = new Set<string>();
  for (const step of pipeline.steps) {
    for (const wire of Object.values(step.inputs).flat()) expect(before.has(wire.step)).toBe(true);
    before.add(step.name);
  }
  expect(pipeline.wanted.length).toBeGreaterThan(0);
  return pipeline;
}

const words = [
  "[",
  "]",
  "{",
  "}",
  ":",
  ",",
  "- ",
  "&a ",
  "*a",
  "${params.seed}",
  "${matrix.method}",
  "[*]",
  "null",
  "~",
  "1e999",
  "-1",
  "lesions",
  "wsss.labels",
  "evaluate",
  '"',
  "'",
  "\t",
  "\n",
  "\n  ",
  "#",
  "|",
  ">",
  "%",
  "!!set ",
  "? ",
  "\u0000",
  "\u2028",
  "é",
];
/** Where in the text, 0 to 1, evenly. */
const place = fc.nat({ max: 9999 }).map((n) => n / 10_000);
const mutation = fc.record({
  at: place,
  remove: fc.nat({ max: 30 }),
  insert: fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 8 })),
});

property.prop([fc.constantFrom(...shipped), fc.array(mutation, { minLength: 1, maxLength: 4 })], { numRuns: 250 })(
  "a damaged pipeline is still one, or an error with its place",
  (text, mutations) => {
    let damaged = text;
    for (const { at, remove, insert } of mutations) {
      const i = Math.floor(at * damaged.length);
      damaged = damaged.slice(0, i) + insert + damaged.slice(i + remove);
    }
    outcome(damaged);
  },
);

property.prop([fc.constantFrom(...shipped), place, place], { numRuns: 80 })(
  "so is one with two lines exchanged",
  (text, a, b) => {
    const lines = text.split("\n");
    const [i, j] = [Math.floor(a * (lines.length - 1)), Math.floor(b * (lines.length - 1))];
    [lines[i], lines[j]] = [lines[j], lines[i]];
    outcome(lines.join("\n"));
  },
);

property.prop([fc.string({ unit: "binary", maxLength: 200 })], { numRuns: 150 })(
  "any text is an error with its place",
  (text) => {
    expect(outcome(text)).toBeNull();
  },
);

property.prop([fc.string({ maxLength: 20 }), fc.constantFrom("lesions", "epochs", "width", "rounds", "nothing")], {
  numRuns: 150,
})("any --set is a value that fits, or an error", (value, name) => {
  outcome(shipped[0], { [name]: value });
});

/** Action keys of all steps by name, every output being a function of its step's key. */
function keysOf(pipeline: CompiledPipeline): Map<string, Digest> {
  const keys = new Map<string, Digest>();
  for (const step of pipeline.steps) {
    const inputs = Object.fromEntries(
      Object.entries(step.inputs).flatMap(([input, wires]) =>
        wires.map(({ name, step: from, output }) => [inputName(input, name), sha256(`${keys.get(from)} ${output}`)]),
      ),
    );
    keys.set(
      step.name,
      actionKey({
        kind: step.kind,
        kindVersion: step.version,
        params: keyParams(step.params, step.external),
        inputs,
        fingerprint: step.numerics,
      }),
    );
  }
  return keys;
}

/** The same value with the keys of every mapping in another order; matrix axes keep theirs, since they name the cells. */
function shuffled(value: unknown, order: (n: number) => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, order));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]): [number, string, unknown] => [
    order(1 << 30),
    key,
    shuffled(item, order),
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => a - b).map(([, key, item]) => [key, item]));
}

property.prop([fc.constantFrom(...shipped), fc.infiniteStream(fc.nat())], { numRuns: 30 })(
  "action keys do not depend on the order of mappings, and compiling twice gives the same bytes",
  (text, numbers) => {
    const compiled = compilePipeline(text, options);
    expect(JSON.stringify(compilePipeline(text, options))).toBe(JSON.stringify(compiled));
    const draw = () => numbers.next().value as number;
    const reordered = String(new Document(shuffled(toJson(readDocument(text, "p.yaml").root), draw)));
    const keys = keysOf(compilePipeline(reordered, options));
    expect(Object.fromEntries(keys)).toEqual(Object.fromEntries(keysOf(compiled)));
  },
);
