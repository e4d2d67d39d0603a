import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { compiledPipelineSchema } from "../../schemas/pipeline.ts";
import { compile, problemsOf, stepCalled } from "./compiled.ts";

const weakly = `
name: weakly
params: { data: lesions, seed: 7, rounds: 2 }
steps:
  lesions: { uses: dataset.import, with: { format: deeplesion, root: "\${params.data}", split: { by: patient, test: 0.2 } } }
  masks:   { uses: labels.initial, in: { lesions: lesions }, with: { method: grabcut-r } }
  theta0:  { uses: network.train,  in: { images: lesions, labels: masks }, with: { network: hnn, width: 0.25, optimizer: { adam: { rate: 5e-5 } } } }
  wsss:    { uses: segmentation.self-paced, in: { lesions: lesions, model: theta0 }, with: { K: "\${params.rounds}" } }
  masks3d: { uses: segmentation.predict, in: { lesions: lesions.test, model: wsss.model }, with: { postprocess: grabcut } }
  report:  { uses: evaluate, in: { predictions: masks3d, reference: lesions.test } }
`;

describe("compiling", () => {
  test("gives what the schema of messages allows, and says what the campaign is run for", () => {
    const pipeline = compile(weakly);
    expect(compiledPipelineSchema.parse(pipeline)).toEqual(pipeline);
    expect(pipeline.wanted).toEqual(["report"]);
    expect(pipeline.source).toBe(createHash("sha256").update(weakly).digest("hex"));
    expect(pipeline.params).toEqual({ data: "lesions", seed: 7, rounds: 2 });
  });

  test("a bare step name means its first output, a dotted one the output it names", () => {
    const pipeline = compile(weakly);
    expect(stepCalled(pipeline, "masks").inputs).toEqual({ lesions: [{ step: "lesions", output: "all" }] });
    expect(stepCalled(pipeline, "wsss").inputs.model).toEqual([{ step: "theta0", output: "model" }]);
    expect(stepCalled(pipeline, "masks3d").inputs.lesions).toEqual([{ step: "lesions", output: "test" }]);
  });

  test("an input for several artifacts names them: by their steps, or as the pipeline says", () => {
    expect(stepCalled(compile(weakly), "report").inputs.predictions).toEqual([
      { name: "masks3d", step: "masks3d", output: "predictions" },
    ]);
    const named = compile(weakly.replace("predictions: masks3d", "predictions: { WSSS-GC: masks3d }"));
    expect(stepCalled(named, "report").inputs.predictions).toEqual([{ name: "WSSS-GC", step: "masks3d", output: "predictions" }]);
    const listed = compile(weakly.replace("predictions: masks3d", "predictions: [masks3d, { WSSS-GC: masks3d }]"));
    expect(stepCalled(listed, "report").inputs.predictions.map(({ name }) => name)).toEqual(["WSSS-GC", "masks3d"]);
  });

  test("parameters are complete: the paper's values where the text is silent", () => {
    const { params } = stepCalled(compile(weakly), "theta0");
    expect(params.optimizer).toEqual({ adam: { rate: 5e-5, lowRate: 1e-5, beta1: 0.9, beta2: 0.999, weightDecay: 0 } });
    expect(params.crop).toEqual({ factor: 2, size: "native" });
    expect(params.loss).toEqual({ classBalanced: false, dice: 0 });
  });

  test("paths become absolute and are marked as outside; an absent one is not", () => {
    const pipeline = compile(weakly);
    expect(stepCalled(pipeline, "lesions")).toMatchObject({ params: { root: "/data/lesions" }, external: ["root"] });
    expect(stepCalled(pipeline, "theta0").external).toEqual([]);
    expect(stepCalled(compile(weakly, { data: "/else/where" }), "lesions").params.root).toBe("/else/where");
  });

  test("steps come after what they read, else in the order of the text", () => {
    const lines = weakly.trimEnd().split("\n");
    const backwards = [...lines.slice(0, 4), ...lines.slice(4).reverse()].join("\n");
    const names = compile(backwards).steps.map(({ name }) => name);
    expect(names).toEqual(["lesions", "masks", "theta0", "wsss", "masks3d", "report"]);
  });
});

describe("references", () => {
  const withTitle = (title: string, params = "{ n: 3, word: all, list: [1], on: true }") =>
    `name: r\nparams: ${params}\nsteps:\n  d: { uses: dataset.synthesize, with: { lesions: "\${params.n}" } }\n  p: { uses: segmentation.classical, in: { lesions: "d.\${params.word}" }, with: { method: ellipse } }\n  e: { uses: evaluate, in: { predictions: p, reference: d } }\n  r: { uses: report, in: { evaluation: e }, with: { title: ${title} } }\n`;
  const titleOf = (title: string) => stepCalled(compile(withTitle(title)), "r").params.title;

  test("alone a reference keeps its value's type, within a text it is written out", () => {
    expect(stepCalled(compile(withTitle("x")), "d").params.lesions).toBe(3);
    expect(titleOf('"${params.n} lesions, ${params.on}"')).toBe("3 lesions, true");
  });

  test("wires may hold references", () => {
    expect(stepCalled(compile(withTitle("x"), { word: "test" }), "p").inputs.lesions).toEqual([{ step: "d", output: "test" }]);
    expect(problemsOf(withTitle("x"), { word: "tset" })).toEqual([
      '5:53 step "d" (dataset.synthesize) has no output "tset": did you mean "test"?',
    ]);
  });

  test("$${ stands for the characters themselves", () => {
    expect(titleOf('"cost: $${n}"')).toBe("cost: ${n}");
  });

  test("what a reference gives is not read for references again", () => {
    expect(problemsOf(withTitle("x", '{ n: 3, word: all, evil: "${params.evil}" }'))).toEqual([
      "2:34 parameters are plain values; references are filled in within steps only",
    ]);
  });

  test("unknown, unclosed and misplaced references are errors where they stand", () => {
    expect(problemsOf(withTitle('"${params.m}"'))).toEqual(['7:60 there is no parameter "m": there are n, word, list, on']);
    expect(problemsOf(withTitle('"${params.wrod}"'))).toEqual(['7:60 there is no parameter "wrod": did you mean "word"?']);
    expect(problemsOf(withTitle('"a ${params.n"'))[0]).toMatch(/^7:60 a reference is not closed/);
    expect(problemsOf(withTitle('"${env.HOME}"'))).toEqual(['7:60 "${env.HOME}" refers to nothing: write ${params.name}']);
    expect(problemsOf(withTitle('"a ${params.list}"'))[0]).toBe("7:60 ${params.list} is a list and cannot stand inside a text");
  });
});

describe("--set", () => {
  const text =
    'name: s\nparams: { n: 1, title: t }\nsteps:\n  d: { uses: dataset.synthesize, with: { lesions: "${params.n}" } }\n  p: { uses: segmentation.classical, in: { lesions: d }, with: { method: ellipse } }\n  e: { uses: evaluate, in: { predictions: p, reference: d } }\n  r: { uses: report, in: { evaluation: e }, with: { title: "${params.title}" } }\n';

  test.each([
    ["12", 12],
    ["1e-3", 0.001],
    ["true", true],
    ["null", null],
    ['"12"', "12"],
    ["[1, 2]", [1, 2]],
    ["a: b", "a: b"],
    ["*x & !y #z", "*x & !y #z"],
    ["2020-01-01", "2020-01-01"],
    ["", ""],
  ])("%s is read as YAML reads a scalar, and otherwise as it stands", (given, value) => {
    const text = "name: s\nparams: { n: 1 }\nsteps: { d: { uses: dataset.synthesize } }\n";
    expect(compile(text, { n: given }).params.n).toEqual(value);
  });

  test("an unknown parameter and a value that does not fit are errors that say so", () => {
    expect(problemsOf(text, { tilte: "x" })).toEqual([
      '--set tilte the pipeline has no parameter "tilte": did you mean "title"?',
    ]);
    expect(problemsOf(text, { n: "many" })).toEqual(['4:51 "lesions" must be a number, not "many" (${params.n} gave "many")']);
    expect(problemsOf(text, { n: "[1" })[0]).toMatch(/^--set n:1:3 flow sequence/);
  });
});
