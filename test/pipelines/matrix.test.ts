import { describe, expect, test } from "vitest";
import { compile, problemsAtMarks, problemsOf, stepCalled } from "./compiled.ts";

const folds = `
name: folds
params: { folds: [0, 1] }
steps:
  data: { uses: dataset.synthesize, matrix: { fold: "\${params.folds}" }, with: { seed: "\${matrix.fold}" } }
  masks: { uses: labels.initial, matrix: data, in: { lesions: data.train } }
  net:
    uses: network.train
    matrix: { fold: [0, 1], size: { narrow: 0.125, wide: 0.25 } }
    in: { images: data.train, labels: masks }
    with: { width: "\${matrix.size}" }
  out: { uses: segmentation.predict, matrix: net, in: { lesions: data.test, model: net } }
  score: { uses: evaluate, matrix: data, in: { predictions: "out[fold=0]", reference: data.test } }
  all: { uses: report, in: { evaluation: "score[*]", models: { only: "net[fold=1,size=wide]" } } }
`;

describe("matrix", () => {
  const pipeline = compile(folds);

  test("a step stands once for each combination, the last axis running fastest", () => {
    expect(pipeline.steps.map(({ name }) => name).filter((name) => name.startsWith("net"))).toEqual([
      "net[fold=0,size=narrow]",
      "net[fold=0,size=wide]",
      "net[fold=1,size=narrow]",
      "net[fold=1,size=wide]",
    ]);
    expect(stepCalled(pipeline, "net[fold=1,size=wide]").params.width).toBe(0.25);
    expect(stepCalled(pipeline, "data[fold=1]").params.seed).toBe(1);
  });

  test("a plain wire follows the cell that agrees on every axis of its source", () => {
    expect(stepCalled(pipeline, "net[fold=1,size=narrow]").inputs).toEqual({
      images: [{ step: "data[fold=1]", output: "train" }],
      labels: [{ step: "masks[fold=1]", output: "labels" }],
    });
    expect(stepCalled(pipeline, "out[fold=0,size=wide]").inputs.model).toEqual([
      { step: "net[fold=0,size=wide]", output: "model" },
    ]);
  });

  test("[*] gathers all cells under their labels, [axis=label] those that have it under their other labels", () => {
    expect(stepCalled(pipeline, "all").inputs.evaluation).toEqual([
      { name: "0", step: "score[fold=0]", output: "evaluation" },
      { name: "1", step: "score[fold=1]", output: "evaluation" },
    ]);
    expect(stepCalled(pipeline, "score[fold=1]").inputs.predictions).toEqual([
      { name: "narrow", step: "out[fold=0,size=narrow]", output: "predictions" },
      { name: "wide", step: "out[fold=0,size=wide]", output: "predictions" },
    ]);
    expect(stepCalled(pipeline, "all").inputs.models).toEqual([{ name: "only", step: "net[fold=1,size=wide]", output: "model" }]);
  });

  const followedBy = (step: string) =>
    `name: m\nsteps:\n  d: { uses: dataset.synthesize, matrix: { fold: [0, 1] }, with: { seed: "\${matrix.fold}" } }\n  s: ${step}\n`;
  test.each([
    [
      "a plain wire where there is no cell to agree with",
      "{ uses: labels.initial, in: { lesions: ▸d } }",
      '"lesions" must say which "d" of its matrix: one, as "d[fold=0]", or all, as "d[*]"',
    ],
    [
      "several where one is taken",
      '{ uses: labels.initial, in: { lesions: ▸"d[*]" } }',
      '"lesions" takes one dataset, but d[*] names 2',
    ],
    [
      "a label that is not there",
      '{ uses: labels.initial, in: { lesions: ▸"d[fold=2]" } }',
      'axis "fold" of "d" has no "2": there are 0, 1',
    ],
    [
      "an axis that is not there",
      '{ uses: labels.initial, in: { lesions: ▸"d[flod=1]" } }',
      'the matrix of "d" has no axis "flod": did you mean "fold"?',
    ],
    [
      "gathering a step without a matrix",
      '{ uses: labels.initial, in: { lesions: ▸"s[*]" } }',
      '"lesions" expects dataset, but s is labels; of that type there are d, d.train, d.test',
    ],
    [
      "sharing with a step without a matrix",
      '{ uses: labels.initial, matrix: ▸t, in: { lesions: "d[fold=0]" } }\n  t: { uses: dataset.synthesize }',
      'step "t" has no matrix that could be shared',
    ],
    [
      "sharing in a circle",
      '{ uses: labels.initial, matrix: ▸s, in: { lesions: "d[fold=0]" } }',
      "steps share each other's matrix: s → s",
    ],
    [
      "an empty axis",
      "{ uses: dataset.synthesize, matrix: { a: ▸[] } }",
      'axis "a" must be a list of plain values or a mapping of labels to values',
    ],
    ["a value twice", "{ uses: dataset.synthesize, matrix: { a: ▸[1, 1] } }", 'axis "a" has a value twice'],
    [
      "an axis that is asked for but is not there",
      '{ uses: dataset.synthesize, with: { seed: ▸"${matrix.a}" } }',
      'there is no matrix axis "a": there is none',
    ],
    [
      "a label that cannot be written in a wire",
      '{ uses: dataset.synthesize, matrix: { a: ▸["x]"] } }',
      '"x]" cannot label a value: use up to 64 characters without "[", "]", ",", "=", "*"',
    ],
  ])("%s is an error", (_, step, expected) => {
    const problems = problemsAtMarks(followedBy(step), [expected]);
    expect(problems.found).toEqual(problems.expected);
  });

  test("a mistake in the step is reported once, not once for each cell", () => {
    const problems = problemsAtMarks(
      followedBy("{ uses: labels.initial, matrix: d, in: { lesions: d }, with: { ▸metod: ellipse } }"),
      ['labels.initial has no parameter "metod": did you mean "method"?'],
    );
    expect(problems.found).toEqual(problems.expected);
  });

  test("a matrix cannot grow without bounds", () => {
    const axis = (name: string) => `${name}: [${Array.from({ length: 50 }, (_, i) => i).join(", ")}]`;
    expect(
      problemsOf(followedBy(`{ uses: dataset.synthesize, matrix: { ${axis("a")}, ${axis("b")}, ${axis("c")}, ${axis("e")} } }`)),
    ).toEqual(['4:3 the matrix of "s" brings the pipeline to more than 1000 steps']);
  });
});
