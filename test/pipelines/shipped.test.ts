import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { InputError } from "../../methods/inputError.ts";
import { type JsonSchema, pipelineJsonSchema, pipelineSchemaText, schemaFile } from "../../pipelines/generateSchema.ts";
import { loadPipeline, pathsStartAt } from "../../pipelines/load.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { stepCalled } from "./compiled.ts";

const folder = new URL("../../pipelines/", import.meta.url).pathname;
const files = (await readdir(folder)).filter((file) => file.endsWith(".yaml"));
const volumetric = ["grabcut-3d", "grabcut-3de", "ellipsoid"];

const stepKindOf = (steps: readonly { name: string; kind: string }[], name: string): string =>
  steps.find((step) => step.name === name)!.kind;

describe.each(files)("%s", (file) => {
  test("compiles, is called as its file is, and points editors to the schema", async () => {
    const pipeline = await loadPipeline(path.join(folder, file));
    expect(`${pipeline.name}.yaml`).toBe(file);
    expect((await readFile(path.join(folder, file), "utf8")).split("\n")[0]).toBe(
      "# yaml-language-server: $schema=./pipeline.schema.json",
    );
  });

  test("measures the ellipse beside whatever else it measures, and in 3D the ellipsoid", async () => {
    const { steps } = await loadPipeline(path.join(folder, file));
    const isFlat = (name: string): boolean => {
      const { kind, params } = steps.find((step) => step.name === name)!;
      return kind === "segmentation.classical" && !volumetric.includes(String(params.method));
    };
    const evaluations = steps.filter(({ kind }) => kind === "evaluate");
    expect(evaluations.length).toBeGreaterThan(0);
    for (const { inputs } of evaluations) {
      const rows = inputs.predictions.map(({ name }) => name);
      expect(rows).toContain("Ellipse");
      if (!inputs.predictions.every(({ step }) => isFlat(step))) expect(rows).toContain("Ellipsoid");
    }
  });

  test("never trains on a reference mask, but for the upper bounds of real-ct.yaml, from which nothing else learns", async () => {
    const { steps } = await loadPipeline(path.join(folder, file));
    const fromReference = steps.filter(({ kind, params }) => kind === "labels.initial" && params.method === "reference");
    if (file !== "real-ct.yaml") expect(fromReference).toEqual([]);
    const readers = (of: readonly string[]): string[] =>
      steps
        .filter(({ inputs }) =>
          Object.values(inputs)
            .flat()
            .some(({ step }) => of.includes(step)),
        )
        .map(({ name }) => name);
    const trained = readers(fromReference.map(({ name }) => name));
    for (const name of trained) expect(name).toMatch(/^bound(Whole)?\b/);
    for (const name of readers(trained)) expect(stepKindOf(steps, name)).toBe("segmentation.predict");
  });
});

describe("curation.yaml", () => {
  const file = path.join(folder, "curation.yaml");

  test("asks people, a rule, or a rule after people; small ones take the same way", async () => {
    const small = { lesions: "24", atMost: "5", rounds: "2", denoiserSteps: "100", enhancerSteps: "50", curationSteps: "20" };
    for (const decide of ["people", "policy", "people-then-policy"]) {
      const pipeline = await loadPipeline(file, { ...small, decide });
      expect(stepCalled(pipeline, "curated").params).toMatchObject({ decide, rounds: 2, atMost: 5, training: { steps: 20 } });
    }
  });

  test("compares the same network on slices enhanced before and after the rounds", async () => {
    const pipeline = await loadPipeline(file);
    const [before, after] = ["thetaSr", "thetaCurated"].map((name) => stepCalled(pipeline, name));
    expect(after.params).toEqual(before.params);
    const from = ({ inputs }: typeof before) =>
      [inputs.denoiser, inputs.enhancer].flat().map(({ step, output }) => [step, output]);
    expect(from(before)).toEqual([
      ["denoiser", "enhancer"],
      ["enhancer", "enhancer"],
    ]);
    expect(from(after)).toEqual([
      ["curated", "denoiser"],
      ["curated", "enhancer"],
    ]);
  });
});

describe("full-size.yaml", () => {
  test("has the paper's sizes: generators of 9 and 16 blocks, whole widths, VGG-16's start, 1,000 slices a round, five slices", async () => {
    const pipeline = await loadPipeline(path.join(folder, "full-size.yaml"));
    const paramsOf = (name: string) => stepCalled(pipeline, name).params;
    const vgg = "/data/vgg16.safetensors";
    expect(paramsOf("denoiser")).toMatchObject({ width: 1, blocks: 9, patch: 32, norm: "batch", featureWeights: vgg });
    expect(paramsOf("enhancer")).toMatchObject({ width: 1, blocks: 16, patch: 128, norm: "batch", featureWeights: vgg });
    expect(paramsOf("curated")).toMatchObject({ decide: "people", atMost: 1000 });
    const published = { width: 1, norm: "none", weights: vgg, optimizer: { adam: { rate: 5e-5, lowRate: 1e-5 } } };
    expect(paramsOf("theta0")).toMatchObject({ ...published, channels: ["window"], crop: { factor: 2, size: "native" } });
    expect(paramsOf("thetaSr")).toMatchObject({ ...published, channels: ["window", "denoised", "enhanced"] });
    expect(paramsOf("wsss")).toMatchObject({ K: 2, cut: "grabcut" });
  });
});

describe("pipeline.schema.json", () => {
  test("is what the generator writes (npx tsx pipelines/generateSchema.ts)", async () => {
    expect(await readFile(schemaFile, "utf8")).toBe(pipelineSchemaText());
  });

  const schema = pipelineJsonSchema();
  const definitions = schema.definitions as Record<string, JsonSchema>;
  const branches = definitions.step.allOf as { if: { properties: { uses: { const: string } } }; then: JsonSchema }[];
  const checkerOf = (kind: string) => {
    const { then } = branches.find((branch) => branch.if.properties.uses.const === kind)!;
    return z.fromJSONSchema({ type: "object", ...then, definitions } as Parameters<typeof z.fromJSONSchema>[0], {
      defaultTarget: "draft-7",
    });
  };

  test("has a branch for each kind", () => {
    expect(branches.map((branch) => branch.if.properties.uses.const)).toEqual(Object.keys(stepKinds));
  });

  test.each(files)("accepts every step of %s", async (file) => {
    const { steps } = parse(await readFile(path.join(folder, file), "utf8")) as {
      steps: Record<string, { uses: string; in?: unknown; with?: unknown }>;
    };
    for (const [name, { uses, in: inputs, with: params }] of Object.entries(steps)) {
      const step = { ...(inputs === undefined ? {} : { in: inputs }), ...(params === undefined ? {} : { with: params }) };
      expect(checkerOf(uses).safeParse(step).error, name).toBeUndefined();
    }
  });

  test.each([
    ["an unknown parameter", "dataset.synthesize", { with: { lesoins: 3 } }],
    ["a value out of range", "dataset.synthesize", { with: { thickSlices: 2 } }],
    ["an unknown method", "labels.initial", { in: { lesions: "a" }, with: { method: "grabcutr" } }],
    ["a missing input", "evaluate", { in: { predictions: "a" } }],
    ["a missing parameter", "segmentation.classical", { in: { lesions: "a" } }],
  ])("refuses %s", (_, kind, step) => {
    expect(checkerOf(kind).safeParse(step).success).toBe(false);
  });
});

describe("files", () => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(path.join(tmpdir(), "pipelines-"));
    await mkdir(path.join(place, "study", "pipelines", "tables"), { recursive: true });
    await writeFile(path.join(place, "text.yaml"), Buffer.from([0xff, 0xfe, 0x00]));
    await writeFile(
      path.join(place, "study", "pipelines", "tables", "one.yaml"),
      'name: one\nparams: { data: "../data" }\nsteps: { d: { uses: dataset.import, with: { format: deeplesion, root: "${params.data}" } } }\n',
    );
  });
  afterAll(() => rm(place, { recursive: true }));

  test("relative paths start at the folder that holds pipelines/, wherever the command is given", async () => {
    expect(pathsStartAt("/work/clone/pipelines/demo.yaml")).toBe("/work/clone");
    expect(pathsStartAt("/work/study/mine.yaml")).toBe("/work/study");
    const pipeline = await loadPipeline(path.join(place, "study", "pipelines", "tables", "one.yaml"));
    expect(stepCalled(pipeline, "d").params.root).toBe(path.join(place, "data"));
  });

  test.each([
    ["absent.yaml", "there is no such file"],
    ["study", "this is a folder"],
    ["text.yaml", "the file is not UTF-8 text"],
  ])("%s: %s", async (name, what) => {
    const error = await loadPipeline(path.join(place, name)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ what, where: path.join(place, name) });
  });
});
