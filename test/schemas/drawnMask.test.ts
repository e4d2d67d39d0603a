import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { fromRuns, runsSchema, toRuns } from "../../schemas/drawnMask.ts";
import { maskProblem, protocolSchema } from "../../schemas/reading.ts";

describe("runs", () => {
  test.prop([fc.uint8Array({ max: 2, maxLength: 300 })])(
    "give back what they were made of, and are never longer than twice it",
    (values) => {
      const runs = toRuns(values);
      expect(fromRuns(runs, values.length, 3)).toEqual(values);
      expect(runsSchema.parse(runs).length).toBeLessThanOrEqual(2 * values.length);
      for (let i = 2; i < runs.length; i += 2) expect(runs[i]).not.toBe(runs[i - 2]);
    },
  );

  it("are written as pairs of value and length", () => {
    expect(toRuns(Uint8Array.of(0, 0, 1, 1, 1, 0))).toEqual([0, 2, 1, 3, 0, 1]);
  });

  it.each([
    [[0, 5], "too few"],
    [[0, 7], "too many"],
    [[0, 2 ** 40], "absurdly many"],
    [[0, 3, 2, 3], "a value that is none"],
  ])("that do not fit are none: %j, %s", (runs) => {
    expect(fromRuns(runs, 6, 2)).toBeNull();
  });
});

const protocol = {
  title: "t",
  question: "q",
  layout: "edit",
  mode: "shared",
  answers: [
    { answer: "edited", key: "s", label: "Corrected", mask: true },
    { answer: "unchanged", key: "k", label: "Leave it" },
  ],
};

describe("a protocol", () => {
  const wrong = (changes: object): string | undefined =>
    protocolSchema.safeParse({ ...protocol, ...changes }).error?.issues[0].message;

  it("has an answer with a mask in layout edit, and in no other; its readers divide the cases", () => {
    expect(wrong({})).toBeUndefined();
    expect(wrong({ answers: protocol.answers.slice(1) })).toMatch(/must have one with `mask: true` in layout edit/);
    expect(wrong({ layout: "single" })).toMatch(/and none in another/);
    expect(wrong({ mode: "independent" })).toMatch(/must be shared in layout edit/);
  });

  it("without masks has the same parameters, and so the same action key, as before there were any", () => {
    const parsed = protocolSchema.parse({ ...protocol, layout: "single", answers: protocol.answers.slice(1) });
    expect(Object.keys(parsed.answers[0])).toEqual(["answer", "key", "label"]);
  });
});

it("an answer comes with a mask exactly where the protocol asks for one", () => {
  const parsed = protocolSchema.parse(protocol);
  const entry = { position: 0, at: 1, tookMs: 1 };
  const mask = "a".repeat(64);
  expect(maskProblem(parsed, { ...entry, answer: "edited", mask })).toBeNull();
  expect(maskProblem(parsed, { ...entry, answer: "unchanged" })).toBeNull();
  expect(maskProblem(parsed, { ...entry, answer: null })).toBeNull();
  expect(maskProblem(parsed, { ...entry, answer: "edited" })).toBe('"edited" comes with the mask that was drawn');
  expect(maskProblem(parsed, { ...entry, answer: "unchanged", mask })).toBe('no mask comes with "unchanged"');
  expect(maskProblem(parsed, { ...entry, answer: null, mask })).toBe("no mask comes with an answer that is taken back");
});
