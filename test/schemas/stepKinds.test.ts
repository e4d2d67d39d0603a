import { describe, expect, test } from "vitest";
import { isStepKind, kindOf, stepKinds } from "../../schemas/stepKinds.ts";
import { studyProtocols } from "../../schemas/studyProtocols.ts";

const kinds = Object.keys(stepKinds).map(kindOf);

describe.each(kinds.map((kind) => [kind.kind, kind] as const))("%s", (name, kind) => {
  test("is registered under its own name and names no input `source`, which stands for files", () => {
    expect(Object.hasOwn(stepKinds, name)).toBe(true);
    expect(Object.keys(kind.inputs)).not.toContain("source");
    expect(Object.keys(kind.outputs).length).toBeGreaterThan(0);
  });

  test("names its inputs and outputs so that they can stand in a wire and in a record", () => {
    for (const port of [...Object.keys(kind.inputs), ...Object.keys(kind.outputs)]) expect(port).toMatch(/^[a-z]+$/);
  });

  test("keeps paths, and nothing else, out of action keys", () => {
    const params = { a: 1, root: "/x", weights: "/y" };
    expect(Object.keys(kind.keyParams(params))).toEqual(Object.keys(params).filter((param) => !kind.external.includes(param)));
  });

  test("has defaults that its own schema accepts", () => {
    const required: Record<string, unknown> = {
      "dataset.import": { format: "deeplesion", root: "r" },
      "dataset.implant": { shapes: "s", backgrounds: "b" },
      "timepoints.construct": { shapes: "s", backgrounds: "b" },
      "dataset.fold": { fold: 0 },
      "segmentation.classical": { method: "ellipse" },
      "lesions.propose": { root: "r" },
      "labels.harvest": { k: 1 },
      "images.import": { root: "r" },
      "enhancement.train": { stage: "enhance" },
      "study.prepare": { study: "acceptance" },
      reading: {
        title: "t",
        question: "q",
        layout: "grid",
        mode: "shared",
        answers: [{ answer: "select", key: "s", label: "Select" }],
      },
    };
    const filled = kind.params.parse(required[name] ?? {});
    expect(kind.params.parse(filled)).toEqual(filled);
  });
});

test("a UNet's output layer starts like its others unless told otherwise; an HNN's key does not speak of it", () => {
  const { params } = stepKinds["network.train"];
  expect(params.parse({ network: "unet" }).outputStart).toBe("he");
  expect(params.parse({ network: "unet", outputStart: "small" }).outputStart).toBe("small");
  expect(Object.hasOwn(params.parse({ network: "hnn" }), "outputStart")).toBe(false);
});

test("stacks are for UNet, have one plane in the middle and are drawn from the image; other keys do not speak of them", () => {
  const { params } = stepKinds["network.train"];
  const stack = { network: "unet", crop: { size: 48 }, augment: { from: "image" }, stack: { planes: 15 } } as const;
  expect(params.parse(stack).stack).toEqual({ planes: 15, reach: 0.9 });
  expect(Object.hasOwn(params.parse({ network: "unet" }), "stack")).toBe(false);
  expect(() => params.parse({ ...stack, network: "hnn" })).toThrow("must be `unet` for stacks");
  expect(() => params.parse({ ...stack, augment: { from: "crop" } })).toThrow("must be `image` for stacks");
  expect(() => params.parse({ ...stack, stack: { planes: 16 } })).toThrow("must be odd");
});

test("an unknown kind is refused with the list of known ones", () => {
  expect(isStepKind("toString")).toBe(false);
  expect(() => kindOf("evaluat")).toThrow(/no step kind is called "evaluat"; there are dataset\.import/);
});

describe.each(["labels.initial", "segmentation.classical"] as const)("%s", (name) => {
  const { params } = stepKinds[name];

  test("has the parameters of the method asked for, and no others", () => {
    expect(params.parse({ method: "dcrf", dcrf: { iterations: 3 } })).toMatchObject({ dcrf: { iterations: 3, confidence: 0.9 } });
    expect(params.parse({ method: "grabcut-r-sr" })).toMatchObject({ zoom: "auto" });
    const ellipse = Object.keys(params.parse({ method: "ellipse" }));
    expect(ellipse).not.toContain("dcrf");
    expect(ellipse).not.toContain("zoom");
  });

  test("refuses those of another method", () => {
    expect(() => params.parse({ method: "ellipse", zoom: 2 })).toThrow("is for method grabcut-r-sr; this is method ellipse");
    expect(() => params.parse({ method: "grabcut", dcrf: {} })).toThrow("is for method dcrf; this is method grabcut");
  });
});

describe("reading", () => {
  const { params } = stepKinds.reading;

  test.each(["acceptance", "comparison"] as const)("%s by its name is the same action as when it is spelled out", (protocol) => {
    const named = params.parse({ protocol, repeats: 0.2 });
    expect(named).not.toHaveProperty("protocol");
    expect(named).toEqual(params.parse({ ...studyProtocols[protocol], repeats: 0.2 }));
    expect(params.parse({ protocol, title: "Ours", order: "given" })).toEqual({
      ...params.parse({ protocol }),
      ...{ title: "Ours", order: "given" },
    });
  });

  test("has the keys of Figs 12 and 13", () => {
    const keys = (protocol: string): string =>
      params
        .parse({ protocol })
        .answers.map(({ answer, key }) => `${key} ${answer}`)
        .join();
    expect(keys("acceptance")).toBe("f accept,j reject");
    expect(keys("comparison")).toBe("f left,j right,b both,n neither");
  });

  test("where a rule may decide, its revision is part of the action; where it may not, there is none", () => {
    const ruled = params.parse({ protocol: "acceptance", policy: { answer: "accept" } });
    expect(ruled.policy).toEqual({ rule: "edge-gain", revision: 2, answer: "accept", above: 0, atMost: 1000 });
    expect(params.parse({ protocol: "acceptance" })).not.toHaveProperty("policy");
    expect(params.safeParse({ protocol: "acceptance", policy: { answer: "accept", revision: 1 } }).success).toBe(false);
  });

  test("needs its words where no protocol is named, and refuses what contradicts one", () => {
    const wrong = (given: object): string[] => (params.safeParse(given).error?.issues ?? []).map(({ path }) => path.join("."));
    expect(wrong({})).toEqual(["title", "question", "layout", "answers", "mode"]);
    expect(wrong({ protocol: "acceptence" })).toEqual(["protocol"]);
    expect(wrong({ protocol: "acceptance", mode: "shared", repeats: 0.5 })).toEqual(["repeats"]);
  });
});

test("a network that goes on from a model takes no weights of a file, and features come from one place", () => {
  const { "network.train": network, "enhancement.train": enhancement } = stepKinds;
  expect(network.checkInputs({ channels: ["window"], weights: "vgg.safetensors" }, new Set(["init"]))).toMatch(
    /leave `weights` out/,
  );
  expect(network.checkInputs({ channels: ["window"], weights: "vgg.safetensors" }, new Set())).toBeNull();
  const features = { featureWeights: "vgg.safetensors" };
  expect(enhancement.checkInputs(features, new Set(["features"]))).toMatch(/leave `featureWeights` out/);
  expect(enhancement.checkInputs(features, new Set())).toBeNull();
});
