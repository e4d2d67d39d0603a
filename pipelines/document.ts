import { type Alias, type ErrorCode, isAlias, isMap, isScalar, isSeq, Lexer, type Node, Parser, parseDocument } from "yaml";
import { PipelineError, type Problem } from "./problems.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A value of the text that knows where it stands. Offsets count characters from the start of the text. */
export type Located = { readonly at: number /** Where its key stands. */; readonly keyAt: number } & (
  | { readonly kind: "scalar"; readonly value: null | boolean | number | string }
  | { readonly kind: "list"; readonly items: readonly Located[] }
  | { readonly kind: "map"; readonly entries: ReadonlyMap<string, Located> }
);

/** A text that has been read, and a way to say where in it something stands. */
export interface SourceDocument {
  readonly root: Located;
  /** `file:line:column`, counted from 1. */
  where(offset: number): string;
}

export const MAX_CHARACTERS = 256 * 1024;
const MAX_DEPTH = 32;
const MAX_VALUES = 20_000;

/**
 * Reads YAML 1.2 (core schema) text.
 * @throws PipelineError for syntax errors, keys given twice, values that JSON cannot keep, and texts that are too big,
 * too deep or unfold aliases too often.
 */
export function readDocument(text: string, file: string): SourceDocument {
  const starts = lineStarts(text);
  const where = (offset: number): string => {
    let line = starts.length;
    for (let low = 0; low < line; ) {
      const middle = (low + line) >> 1;
      if (starts[middle] <= offset) low = middle + 1;
      else line = middle;
    }
    return `${file}:${line}:${offset - starts[line - 1] + 1}`;
  };
  const fail = (offset: number, message: string): never => {
    throw new PipelineError([{ where: where(offset), message, offset }]);
  };
  if (text.length > MAX_CHARACTERS) fail(0, `the file has ${text.length} characters; a pipeline has at most ${MAX_CHARACTERS}`);
  const deep = tooDeep(text);
  if (deep !== undefined) fail(deep, `values are nested more than ${MAX_DEPTH} deep`);

  const document = parseDocument(text, { prettyErrors: false, schema: "core", merge: false, strict: true });
  const syntax: Problem[] = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    where: where(pos[0]),
    message: ourWords[code] ?? firstLine(message),
    offset: pos[0],
  }));
  if (syntax.length > 0) throw new PipelineError(syntax);

  let values = 0;
  const read = (node: Node | null, depth: number, keyAt: number): Located => {
    if (node === null) return { kind: "scalar", value: null, at: keyAt, keyAt };
    const at = node.range?.[0] ?? keyAt;
    if (++values > MAX_VALUES) fail(at, `the file unfolds to more than ${MAX_VALUES} values`);
    if (depth > MAX_DEPTH) fail(at, `values are nested more than ${MAX_DEPTH} deep`);
    if (isAlias(node)) return readAlias(node, depth, at, keyAt);
    if (isMap(node)) {
      const entries = new Map<string, Located>();
      for (const { key, value } of node.items) {
        const keyNode = key as Node;
        const offset = keyNode?.range?.[0] ?? at;
        if (!isScalar(keyNode) || keyNode.value === null || typeof keyNode.value === "object")
          return fail(offset, "a key must be a name");
        const name = plainText(String(keyNode.value), offset);
        if (name === "__proto__") fail(offset, 'a key cannot be "__proto__"');
        if (entries.has(name)) fail(offset, `the key "${name}" was given before; a mapping has each key once`);
        entries.set(name, read(value as Node | null, depth + 1, offset));
      }
      return { kind: "map", entries, at, keyAt };
    }
    if (isSeq(node))
      return { kind: "list", items: node.items.map((item) => read(item as Node | null, depth + 1, at)), at, keyAt };
    if (!isScalar(node)) return fail(at, "expected a value");
    const { value } = node;
    if (value === null || typeof value === "boolean") return { kind: "scalar", value, at, keyAt };
    if (typeof value === "string") return { kind: "scalar", value: plainText(value, at), at, keyAt };
    if (typeof value !== "number" || !Number.isFinite(value))
      return fail(at, `${String(node.source ?? value)} is not a finite number`);
    return { kind: "scalar", value: value === 0 ? 0 : value, at, keyAt };
  };
  const readAlias = (alias: Alias, depth: number, at: number, keyAt: number): Located => {
    const target = alias.resolve(document);
    if (target === undefined) return fail(at, `nothing above is anchored as "&${alias.source}"`);
    return { ...read(target as Node, depth + 1, keyAt), at, keyAt };
  };
  const plainText = (value: string, at: number): string => {
    if (/\p{Surrogate}/u.test(value)) fail(at, "half of a surrogate pair is not a character");
    return value;
  };
  return { root: read(document.contents as Node | null, 0, 0), where };
}

/** The place of `path` below `root`: of the deepest value on the way that stands in the text. */
export function locate(root: Located, path: readonly PropertyKey[]): Located {
  let here = root;
  for (const key of path) {
    const next = child(here, key);
    if (next === undefined) return here;
    here = next;
  }
  return here;
}

function child(located: Located, key: PropertyKey): Located | undefined {
  if (located.kind === "map") return located.entries.get(String(key));
  if (located.kind === "list") return located.items[Number(key)];
  return undefined;
}

/** The plain value. */
export function toJson(located: Located): Json {
  if (located.kind === "scalar") return located.value;
  if (located.kind === "list") return located.items.map(toJson);
  return Object.fromEntries([...located.entries].map(([key, value]) => [key, toJson(value)]));
}

/**
 * Where the text is nested too deeply for recursive readers, if anywhere. The parser's own stack is an array, so that
 * any text can be asked.
 */
function tooDeep(text: string): number | undefined {
  const parser = new Parser();
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme));
    if (parser.stack.length > 2 * MAX_DEPTH) return offset;
    // Marks of document, flow end and scalar are no characters of the text.
    if (!/^[\u0002\u0018\u001f]$/.test(lexeme)) offset += lexeme.length;
  }
  return undefined;
}

/** Where lines begin. The parser can count them, too, but loses its way in texts with errors. */
function lineStarts(text: string): number[] {
  return [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
}

const ourWords: Partial<Record<ErrorCode, string>> = {
  DUPLICATE_KEY: "this key was given before; a mapping has each key once",
  MULTIPLE_DOCS: "a pipeline is one YAML document: nothing may follow `---` or `...`",
};

function firstLine(message: string): string {
  const line = message.split("\n", 1)[0];
  return line.charAt(0).toLowerCase() + line.slice(1);
}
