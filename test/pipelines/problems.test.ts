import { describe, expect, test } from "vitest";
import { PipelineError } from "../../pipelines/problems.ts";
import { compile, problemsAtMarks, problemsOf } from "./compiled.ts";

/** A pipeline of one data set and one further step; a mark before the step's value stands for its name. */
const second = (step: string) =>
  `name: x\nsteps:\n  data: { uses: dataset.synthesize }\n${step.startsWith("▸") ? `  ▸s: ${step.slice(1)}` : `  s: ${step}`}\n`;

describe("every mistake is named with its place, what was expected and the nearest valid name", () => {
  test.each([
    [
      "a kind that does not exist",
      "{ uses: ▸segmentation.clasical }",
      ['there is no step kind "segmentation.clasical": did you mean "segmentation.classical"?'],
    ],
    ["a kind of the wrong shape", "{ uses: ▸[evaluate] }", ["`uses` must be the name of a step kind"]],
    ["no kind", "▸{ with: {} }", ['step "s" does not say which kind it `uses`']],
    ["a step that is no mapping", " ▸evaluate", ['step "s" must be a mapping: { uses: …, in: …, with: … }']],
    [
      "an unknown key of a step",
      "{ uses: labels.initial, ▸inn: { lesions: data }, in: { lesions: data } }",
      ['step "s" has no "inn": did you mean "in"?'],
    ],
    [
      "a parameter that does not exist",
      "{ uses: dataset.synthesize, with: { ▸lesoins: 3 } }",
      ['dataset.synthesize has no parameter "lesoins": did you mean "lesions"?'],
    ],
    [
      "a parameter of a parameter that does not exist",
      "{ uses: evaluate, in: { predictions: p, reference: data }, with: { bootstrap: { ▸resample: 3 } } }\n  p: { uses: segmentation.classical, in: { lesions: data }, with: { method: ellipse } }",
      ['"bootstrap" has no parameter "resample": did you mean "resamples"?'],
    ],
    [
      "a value out of range",
      "{ uses: dataset.synthesize, with: { thickSlices: ▸1.5 } }",
      ['"thickSlices" must be at most 1, not 1.5'],
    ],
    [
      "a fraction of a thing that is counted",
      "{ uses: dataset.synthesize, with: { lesions: ▸1.5 } }",
      ['"lesions" must be a whole number, not 1.5'],
    ],
    [
      "a name that is not among the choices",
      "{ uses: labels.initial, in: { lesions: data }, with: { method: ▸grabcutr } }",
      [
        '"method" must be one of recist, recist-trimap, dcrf, grabcut, grabcut-i, grabcut-r, grabcut-r-sr, grabcut-prior, grabcut-prior-3d, ellipse, reference, not "grabcutr": did you mean "grabcut-r"?',
      ],
    ],
    [
      "an item of a list",
      "{ uses: dataset.synthesize, with: { categories: [bone, ▸livr] } }",
      [
        '"categories.1" must be one of bone, abdomen, mediastinum, liver, lung, kidney, soft-tissue, pelvis, not "livr": did you mean "liver"?',
      ],
    ],
    [
      "settings that exclude each other",
      "{ uses: dataset.import, with: { format: deeplesion, root: r, split: { by: official, ▸test: 0.2 } } }",
      ['"split.test" does not go with the other settings of "split"'],
    ],
    [
      "alternatives",
      "{ uses: dataset.import, with: { format: deeplesion, root: r, split: { by: ▸patients } } }",
      ['"split.by" must be one of patient, official, not "patients"'],
    ],
    [
      "parameters that do not fit together",
      "{ uses: dataset.import, with: { format: deeplesion, root: r, markNoise: ▸0.2 } }",
      ['"markNoise" is for marks measured in masks (nifti-masks, lymph-nodes); others were drawn by readers'],
    ],
    [
      "a method whose networks are not wired",
      "{ uses: enhancement.apply, ▸in: { lesions: data }, with: { method: sgan } }",
      ['step "s" (enhancement.apply): method sgan needs inputs `denoiser` and `enhancer`'],
    ],
    [
      "an input that the method does not read",
      "{ uses: labels.initial, ▸in: { lesions: data, enhanced: e }, with: { method: grabcut-r } }\n  e: { uses: enhancement.apply, in: { lesions: data }, with: { method: bicubic } }",
      ['step "s" (labels.initial): input `enhanced` is for method grabcut-r-sr; this is method grabcut-r'],
    ],
    [
      "an input that does not exist",
      "{ uses: labels.initial, ▸in: { ▸lesion: data } }",
      [
        'step "s" (labels.initial) needs input "lesions": the lesions to label, of either side of the split (dataset)',
        'labels.initial has no input "lesion": did you mean "lesions"?',
      ],
    ],
    [
      "a missing input",
      "▸{ uses: labels.initial }",
      ['step "s" (labels.initial) needs input "lesions": the lesions to label, of either side of the split (dataset)'],
    ],
    [
      "a step that does not exist",
      "{ uses: labels.initial, in: { lesions: ▸dta } }",
      ['there is no step "dta": did you mean "data"?'],
    ],
    [
      "an output that does not exist",
      "{ uses: labels.initial, in: { lesions: ▸data.trian } }",
      ['step "data" (dataset.synthesize) has no output "trian": did you mean "train"?'],
    ],
    [
      "no wire at all",
      "{ uses: labels.initial, in: { lesions: ▸3 } }",
      ['"lesions" must name a step: `step`, `step.output` or `step[*]`, not 3'],
    ],
    [
      "nothing where something is gathered",
      "{ uses: evaluate, in: { predictions: ▸[], reference: data } }",
      ['"predictions" names no predictions'],
    ],
    ["itself", "{ uses: segmentation.self-paced, in: { lesions: data, model: ▸s } }", ['step "s" reads its own output']],
  ])("%s", (_, step, expected) => {
    const problems = problemsAtMarks(second(step), expected);
    expect(problems.found).toEqual(problems.expected);
  });

  test("a wire of the wrong type says what would fit", () => {
    const text = second(
      "{ uses: network.train, in: { images: data, labels: ▸masks3d } }\n  masks3d: { uses: segmentation.classical, in: { lesions: data }, with: { method: ellipse } }\n  masks: { uses: labels.initial, in: { lesions: data } }",
    );
    const problems = problemsAtMarks(text, ['"labels" expects labels, but masks3d is predictions; of that type there is masks']);
    expect(problems.found).toEqual(problems.expected);
  });

  test("a missing parameter says what it is for", () => {
    expect(problemsOf(second("{ uses: dataset.import, with: { format: deeplesion } }"))[0]).toMatch(
      /^4:30 dataset\.import needs "root": Folder of the data/,
    );
    expect(problemsOf(second("{ uses: segmentation.classical, in: { lesions: data } }"))[0]).toMatch(
      /^4:3 segmentation\.classical needs "method"/,
    );
  });

  test("a cycle is told in the order of the work, at a wire of it", () => {
    const text =
      "name: c\nsteps:\n  d: { uses: dataset.synthesize }\n  l: { uses: labels.initial, in: { lesions: d } }\n  a: { uses: network.train, in: { images: d, labels: l, init: b } }\n  b: { uses: segmentation.self-paced, in: { lesions: d, model: a } }\n";
    expect(problemsOf(text)).toEqual(["6:64 steps wait for each other: a → b → a"]);
  });

  test("all of them are reported at once, in the order of the text, and the first is the error's place", () => {
    const text = "name: 1x\nsteps:\n  a: { uses: evalute }\n  b: { uses: labels.initial, in: { lesions: c } }\nstep: 1\n";
    expect(problemsOf(text).map((line) => line.split(" ")[0])).toEqual(["1:7", "3:14", "4:45", "5:1"]);
    const error = (() => {
      try {
        return compile(text);
      } catch (caught) {
        return caught as PipelineError;
      }
    })();
    expect(error).toBeInstanceOf(PipelineError);
    expect(error).toMatchObject({ name: "InputError", where: "p.yaml:1:7" });
    expect((error as PipelineError).message.split("\n")[1]).toBe(
      'p.yaml:3:14: there is no step kind "evalute": did you mean "evaluate"?',
    );
  });

  test("a wire to a step that is reported already is not reported again", () => {
    expect(
      problemsOf("name: x\nsteps:\n  d: { uses: dataset.synthesise }\n  l: { uses: labels.initial, in: { lesions: d } }\n"),
    ).toHaveLength(1);
  });

  test.each([
    [
      "",
      [
        "1:1 a pipeline must be a mapping with `name`, `params` and `steps`",
        "1:1 a pipeline needs `steps`",
        "1:1 a pipeline needs a `name`",
      ],
    ],
    ["name: x\nsteps: {}\n", ["2:8 `steps` names no step"]],
    ["name: x\nsteps: [a]\n", ["2:8 `steps` must be a mapping of names to steps"]],
    [
      "name: x\nsteps: { 1a: { uses: dataset.synthesize } }\n",
      ['2:10 "1a" cannot name a step: use up to 64 letters, digits, "_" and "-", a letter first'],
    ],
  ])("a text that is hardly a pipeline: %j", (text, expected) => {
    expect(problemsOf(text)).toEqual(expected);
  });
});
