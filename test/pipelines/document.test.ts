import { describe, expect, test } from "vitest";
import { readDocument, toJson } from "../../pipelines/document.ts";
import { PipelineError } from "../../pipelines/problems.ts";

const read = (text: string) => toJson(readDocument(text, "f").root);
const failure = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof PipelineError) return error.message;
    throw error;
  }
  return "none";
};

describe("reading YAML", () => {
  test("YAML 1.2: yes and dates are texts, 5e-5 is a number, −0 is 0", () => {
    expect(read("a: yes\nb: 2020-01-01\nc: 5e-5\nd: -0\ne: ~\nf: 0o17")).toEqual({
      a: "yes",
      b: "2020-01-01",
      c: 5e-5,
      d: 0,
      e: null,
      f: 15,
    });
  });

  test("aliases give what they are anchored to", () => {
    expect(read("a: &x { b: 1 }\nc: *x")).toEqual({ a: { b: 1 }, c: { b: 1 } });
  });

  test.each([
    ["a key given twice", "a: 1\nb: 2\na: 3", "f:3:1: this key was given before; a mapping has each key once"],
    ["a key given twice in other words", '1: a\n"1": b', 'f:2:1: the key "1" was given before; a mapping has each key once'],
    ["an unclosed bracket", "a: [1", "f:1:6: flow sequence in block collection must be sufficiently indented and end with a ]"],
    ["a tab", "a:\n\t- b", "f:2:1: tabs are not allowed as indentation"],
    ["two documents", "a: 1\n---\nb: 2", "f:2:1: a pipeline is one YAML document: nothing may follow `---` or `...`"],
    ["a tag", "a: !!js/function x", "f:1:4: unresolved tag: tag:yaml.org,2002:js/function"],
    ["infinity", "a: .inf", "f:1:4: .inf is not a finite number"],
    ["a number that is none", "a: .nan", "f:1:4: .nan is not a finite number"],
    ["a key that is no name", "? [a]\n: 1", "f:1:3: a key must be a name"],
    ["a key that would change a prototype", "__proto__: { x: 1 }", 'f:1:1: a key cannot be "__proto__"'],
    ["half a character", 'a: "\\ud800"', "f:1:4: half of a surrogate pair is not a character"],
    ["an anchor that is not there", "a: *x", 'f:1:4: nothing above is anchored as "&x"'],
    ["an alias within its own anchor", "a: &a [*a]", "f:1:7: values are nested more than 32 deep"],
  ])("%s is an error where it stands", (_, text, message) => {
    expect(failure(text)).toBe(message);
  });

  test.each([
    ["nested brackets", "[".repeat(200_000), /^f:1:\d+: values are nested more than 32 deep$/],
    ["nested list items", "- ".repeat(100_000), /^f:1:\d+: values are nested more than 32 deep$/],
    [
      "nested keys",
      Array.from({ length: 600 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      /^f:\d+:\d+: values are nested more than 32 deep$/,
    ],
    [
      "a mistake at every turn",
      `a: ${"&a ".repeat(20_000)}`,
      /^f:1:7: a node can have at most one anchor\n[\s\S]* and 19949 more$/,
    ],
    ["a text that is too long", "#".repeat(300_000), /^f:1:1: the file has 300000 characters; a pipeline has at most 262144$/],
    [
      "aliases of aliases",
      [..."abcdefghi"]
        .map(
          (name, i, all) =>
            `${name}: &${name} [${
              i === 0
                ? "x"
                : Array(9)
                    .fill(`*${all[i - 1]}`)
                    .join(", ")
            }]`,
        )
        .join("\n"),
      /^f:\d+:\d+: the file unfolds to more than 20000 values$/,
    ],
  ])("%s cannot exhaust the machine", (_, text, message) => {
    expect(failure(text)).toMatch(message);
  });
});
