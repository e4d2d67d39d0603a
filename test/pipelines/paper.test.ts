import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadPipeline } from "../../pipelines/load.ts";
import { resultsSchema } from "../../report/results/resultsInput.ts";
import type { CompiledPipeline, CompiledStep } from "../../schemas/pipeline.ts";

const folder = new URL("../../pipelines/paper/", import.meta.url).pathname;
const docs = new URL("../../docs/", import.meta.url).pathname;
const files = (await readdir(folder)).filter((file) => file.endsWith(".yaml"));

let pipelines: Map<string, CompiledPipeline>;
beforeAll(async () => {
  const loaded = await Promise.all(files.map((file) => loadPipeline(path.join(folder, file))));
  pipelines = new Map(files.map((file, i) => [file, loaded[i]]));
});

/** A step with everything that it is made from: what its action key comes from, but for the bytes of the sources. */
function lineage({ steps }: CompiledPipeline, name: string): unknown {
  const { kind, version, params, inputs } = steps.find((step) => step.name === name) as CompiledStep;
  const from = Object.entries(inputs).map(([input, wires]) => [
    input,
    wires.map((wire) => [wire.name, wire.output, lineage({ steps } as CompiledPipeline, wire.step)]),
  ]);
  return { kind, version, params, inputs: from };
}

describe("the paper's tables", () => {
  test.each(files)("%s is called as its file is", (file) => {
    expect(`${pipelines.get(file)!.name}.yaml`).toBe(file);
  });

  test("share their common steps: data sets, initial masks, the stacked GAN, θ⁰ and rounds of one name are one action in all of them", () => {
    const shareable = [
      ...["dataset.implant", "dataset.import", "images.import", "labels.initial"],
      ...["enhancement.train", "network.train", "segmentation.self-paced"],
    ];
    const shared = new Map<string, { file: string; lineage: unknown }[]>();
    for (const [file, pipeline] of pipelines) {
      for (const { name, kind } of pipeline.steps) {
        if (!shareable.includes(kind)) continue;
        shared.set(name, [...(shared.get(name) ?? []), { file, lineage: lineage(pipeline, name) }]);
      }
    }
    for (const [name, [first, ...others]] of shared)
      for (const other of others) expect(other.lineage, `${name} in ${first.file} and ${other.file}`).toEqual(first.lineage);
    expect([...shared].filter(([, uses]) => uses.length > 1).map(([name]) => name)).toEqual(
      expect.arrayContaining(["lesions", "masks", "denoiser", "enhancer", "theta0", "thetaSr", "wsss5"]),
    );
  });

  test("have the ellipse in every evaluation, and the ellipsoid where anything is measured in 3D", () => {
    for (const [file, { steps }] of pipelines) {
      for (const { kind, name, inputs } of steps) {
        if (kind !== "evaluate") continue;
        const rows = inputs.predictions.map((wire) => wire.name);
        const inVolume = inputs.predictions.some((wire) => {
          const { kind: from, params } = steps.find((step) => step.name === wire.step)!;
          return from === "segmentation.predict" || /3d|ellipsoid/.test(String(params.method));
        });
        expect(rows, `${file}, ${name}`).toContain(inVolume ? "Ellipsoid" : "Ellipse");
      }
    }
  });

  test("learn from a reference mask in Table 2 alone", () => {
    for (const [file, { steps }] of pipelines)
      if (steps.some(({ kind, params }) => kind === "labels.initial" && params.method === "reference"))
        expect(file).toBe("table2.yaml");
  });
});

const sectionsOf = async (file: string) => resultsSchema.parse(parse(await readFile(path.join(docs, file), "utf8"))).sections;

describe("docs/results.yaml and docs/realCt.yaml", () => {
  test("name pipelines, reports and evaluations that there are, and every pipeline of the paper", async () => {
    const sections = [...(await sectionsOf("results.yaml")), ...(await sectionsOf("realCt.yaml"))];
    const named = new Set<string>();
    for (const { pipeline, report, data, title } of sections) {
      const file = path.resolve(docs, pipeline);
      named.add(file);
      const { steps } = await loadPipeline(file);
      const evaluations = steps.find((step) => step.name === report)?.inputs.evaluation.map((wire) => wire.name);
      if (data === undefined) expect(evaluations, title).toHaveLength(1);
      else expect(evaluations, title).toContain(data);
    }
    for (const file of files) expect([...named]).toContain(path.join(folder, file));
  });

  test("hold no figure: those come from campaigns", async () => {
    const sections = [...(await sectionsOf("results.yaml")), ...(await sectionsOf("realCt.yaml"))];
    for (const { text, explanations } of sections)
      for (const words of [text ?? "", ...explanations.map(({ because }) => because)]) expect(words).not.toMatch(/\d?\.\d/);
  });
});
