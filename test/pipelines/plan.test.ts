import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { actionKey } from "../../artifacts/actionKey.ts";
import { sha256 } from "../../artifacts/digest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { inputName, type Plan, type PlanSources, planPipeline } from "../../pipelines/plan.ts";
import type { CompiledPipeline, CompiledStep } from "../../schemas/pipeline.ts";
import type { ActionRecord } from "../../schemas/records.ts";
import { keyParams, stepKinds } from "../../schemas/stepKinds.ts";
import { compile } from "./compiled.ts";

/** A store and an engine in memory: an action's outputs are a function of its kind, key parameters and inputs. */
class Laboratory {
  readonly records = new Map<Digest, ActionRecord>();
  readonly latest = new Map<string, ActionRecord>();
  readonly gone = new Set<Digest>();
  readonly runs: string[] = [];
  source = "files of the first day";
  network = "tensorflow threads=2";
  /** Parameters that change nothing in the output, by kind. */
  idle: Record<string, string> = {};

  get sources(): PlanSources {
    return {
      lookup: async (key) => this.records.get(key) ?? null,
      present: async (artifact) => !this.gone.has(artifact),
      sourceDigest: async () => sha256(this.source),
      fingerprint: (numerics) => (numerics === "network" ? this.network : "v8"),
      latest: async (step) => this.latest.get(step) ?? null,
    };
  }

  plan(pipeline: CompiledPipeline): Promise<Plan> {
    return planPipeline(pipeline, this.sources);
  }

  /** Runs a step. @throws when something that it reads is not there. */
  run(step: CompiledStep, plan: Plan): void {
    const inputs: Record<string, Digest> = step.external.length > 0 ? { source: sha256(this.source) } : {};
    for (const [input, wires] of Object.entries(step.inputs)) {
      for (const { name, step: from, output } of wires) {
        const digest = plan.steps.find((planned) => planned.name === from)?.outputs?.[output];
        if (digest === undefined || this.gone.has(digest))
          throw new Error(`${step.name} reads ${from}.${output}, which is not there`);
        inputs[inputName(input, name)] = digest;
      }
    }
    const params = keyParams(step.params, step.external);
    const fingerprint = this.sources.fingerprint(step.numerics);
    const key = actionKey({ kind: step.kind, kindVersion: step.version, params, inputs, fingerprint });
    const { [this.idle[step.kind] ?? ""]: _, ...telling } = params;
    const outputs = Object.fromEntries(
      ["all", "train", "test", "labels", "model", "predictions", "evaluation", "report"].map((output) => [
        output,
        sha256(JSON.stringify([step.kind, telling, inputs, fingerprint, output])),
      ]),
    );
    for (const digest of Object.values(outputs)) this.gone.delete(digest);
    const record: ActionRecord = {
      type: "action-record",
      schemaVersion: 1,
      actionKey: key,
      kind: step.kind,
      kindVersion: step.version,
      params,
      inputs: Object.fromEntries(Object.entries(inputs).map(([name, artifact]) => [name, { artifact }])),
      outputs,
      parts: [],
      fingerprint,
      code: { version: "0", commit: null, modified: null },
      machine: { platform: "", node: "", cpu: "", cores: 1 },
      started: "2026-01-01T00:00:00Z",
      finished: "2026-01-01T00:00:00Z",
      attempt: 1,
    };
    this.records.set(key, record);
    this.latest.set(step.name, record);
    this.runs.push(step.name);
  }

  /** Plans and runs, a step at a time, until nothing is left to do. Returns the names of what ran. */
  async carryOut(pipeline: CompiledPipeline): Promise<string[]> {
    const before = this.runs.length;
    for (;;) {
      const plan = await this.plan(pipeline);
      const state = new Map(plan.steps.map((step) => [step.name, step.state]));
      const next = pipeline.steps.find(
        (step) =>
          state.get(step.name) === "to-run" &&
          Object.values(step.inputs)
            .flat()
            .every((wire) => state.get(wire.step) === "cached"),
      );
      if (next === undefined) return this.runs.slice(before);
      this.run(next, plan);
    }
  }

  /** Loses the bytes of a step's outputs, not its record. */
  lose(...steps: string[]): void {
    for (const step of steps) for (const digest of Object.values(this.latest.get(step)!.outputs)) this.gone.add(digest as Digest);
  }
}

const statesOf = (plan: Plan) => Object.fromEntries(plan.steps.map(({ name, state }) => [name, state]));
const whyOf = (plan: Plan, name: string) => plan.steps.find((step) => step.name === name)?.why;

const text = `
name: weakly
params: { data: lesions, K: 2, method: grabcut-r, title: one }
steps:
  lesions: { uses: dataset.import, with: { format: deeplesion, root: "\${params.data}" } }
  masks:   { uses: labels.initial, in: { lesions: lesions.train }, with: { method: "\${params.method}" } }
  theta0:  { uses: network.train,  in: { images: lesions.train, labels: masks } }
  wsss:    { uses: segmentation.self-paced, in: { lesions: lesions.train, model: theta0 }, with: { K: "\${params.K}" } }
  masks3d: { uses: segmentation.predict, in: { lesions: lesions.test, model: wsss } }
  scores:  { uses: evaluate, in: { predictions: masks3d, reference: lesions.test } }
  report:  { uses: report, in: { evaluation: scores }, with: { title: "\${params.title}" } }
`;
const all = ["lesions", "masks", "theta0", "wsss", "masks3d", "scores", "report"];

async function finished(): Promise<Laboratory> {
  const lab = new Laboratory();
  await lab.carryOut(compile(text));
  return lab;
}

describe("planning", () => {
  test("at first only the sources can be computed; then every step runs once, and never again", async () => {
    const lab = new Laboratory();
    expect(statesOf(await lab.plan(compile(text)))).toEqual({
      ...Object.fromEntries(all.map((name) => [name, "unknown"])),
      lesions: "to-run",
    });
    expect(await lab.carryOut(compile(text))).toEqual(all);
    expect(await lab.carryOut(compile(text))).toEqual([]);
    expect(Object.values(statesOf(await lab.plan(compile(text))))).toEqual(all.map(() => "cached"));
  });

  test("a changed parameter reaches its own step and what comes after it", async () => {
    const lab = await finished();
    expect(await lab.carryOut(compile(text, { title: "two" }))).toEqual(["report"]);
    expect(await lab.carryOut(compile(text, { K: "3" }))).toEqual(["wsss", "masks3d", "scores", "report"]);
    expect(await lab.carryOut(compile(text))).toEqual([]);
  });

  test("a moved folder is the same input, a changed file another one", async () => {
    const lab = await finished();
    expect(await lab.carryOut(compile(text, { data: "/moved" }))).toEqual([]);
    lab.source = "files of the second day";
    expect(await lab.carryOut(compile(text))).toEqual(all);
  });

  test("another network arithmetic leaves what has none alone", async () => {
    const lab = await finished();
    lab.network = "tensorflow threads=4";
    expect(await lab.carryOut(compile(text))).toEqual(["theta0", "wsss", "masks3d", "scores", "report"]);
  });

  test("when an output turns out as before, what comes after it is found again", async () => {
    const lab = new Laboratory();
    lab.idle = { "labels.initial": "method" };
    await lab.carryOut(compile(text));
    expect(await lab.carryOut(compile(text, { method: "grabcut" }))).toEqual(["masks"]);
  });

  test("lost bytes are computed again only for a step that has to run", async () => {
    const lab = await finished();
    lab.lose("lesions", "masks", "theta0", "wsss");
    expect(statesOf(await lab.plan(compile(text)))).toEqual({
      lesions: "pruned",
      masks: "pruned",
      theta0: "pruned",
      wsss: "pruned",
      masks3d: "cached",
      scores: "cached",
      report: "cached",
    });
    expect(await lab.carryOut(compile(text, { title: "two" }))).toEqual(["report"]);
    expect(await lab.carryOut(compile(text, { K: "3" }))).toEqual(all);
  });

  test("a lost output that is wanted is computed again, from what that takes", async () => {
    const lab = await finished();
    lab.lose("report");
    expect(await lab.carryOut(compile(text))).toEqual(["report"]);
    lab.lose("report", "scores");
    expect(await lab.carryOut(compile(text))).toEqual(["scores", "report"]);
  });

  test("only the output that is read must be there", async () => {
    const lab = await finished();
    const { train, all: whole } = lab.latest.get("lesions")!.outputs;
    lab.gone.add(train as Digest).add(whole as Digest);
    expect(await lab.carryOut(compile(text, { title: "two" }))).toEqual(["report"]);
    lab.lose("scores");
    const plan = await lab.plan(compile(text, { title: "three" }));
    expect(statesOf(plan)).toMatchObject({ lesions: "cached", scores: "to-run", report: "to-run" });
  });

  test("lost bytes wait while it is open whether a reader has to run", async () => {
    const twoSources = text
      .replace("lesions: lesions.test, model: wsss", "lesions: other, model: wsss")
      .concat("  other: { uses: dataset.synthesize }\n");
    const lab = new Laboratory();
    lab.idle = { "segmentation.self-paced": "K" };
    await lab.carryOut(compile(twoSources));
    lab.lose("other");
    const changed = compile(twoSources, { K: "3" });
    expect(statesOf(await lab.plan(changed))).toMatchObject({ other: "unknown", wsss: "to-run", masks3d: "unknown" });
    // wsss gives what it gave before, so masks3d is found, and nobody needs the lost bytes.
    expect(await lab.carryOut(changed)).toEqual(["wsss"]);
  });
});

describe("why", () => {
  test("names the parameter, with both values", async () => {
    const lab = await finished();
    const plan = await lab.plan(compile(text, { K: "3" }));
    expect(whyOf(plan, "wsss")).toBe("parameter K 2 → 3");
    expect(whyOf(plan, "masks3d")).toBe("waits for wsss");
    expect(whyOf(plan, "theta0")).toBe("nothing changed since its record");
  });

  test("names the input, the files, the version and the arithmetic", async () => {
    const lab = await finished();
    lab.source = "files of the second day";
    expect(whyOf(await lab.plan(compile(text)), "lesions")).toBe(
      `input source ${sha256("files of the first day").slice(0, 12)} → ${sha256(lab.source).slice(0, 12)}`,
    );
    lab.source = "files of the first day";
    lab.network = "tensorflow threads=4";
    expect(whyOf(await lab.plan(compile(text)), "theta0")).toBe('numerics "tensorflow threads=2" → "tensorflow threads=4"');
    lab.network = "tensorflow threads=2";
    const newer = compile(text);
    const steps = newer.steps.map((step) => (step.name === "masks" ? { ...step, version: step.version + 1 } : step));
    const { version } = stepKinds["labels.initial"];
    expect(whyOf(await lab.plan({ ...newer, steps }), "masks")).toBe(`version of labels.initial ${version} → ${version + 1}`);
    const other = compile(
      text.replace("in: { lesions: lesions.train }, with: { method", "in: { lesions: lesions.test }, with: { method"),
    );
    expect(whyOf(await lab.plan(other), "masks")).toMatch(/^input lesions [0-9a-f]{12} → [0-9a-f]{12}$/);
  });

  test("says what was lost, what is not needed, and that there is no record", async () => {
    const lab = await finished();
    lab.lose("report", "masks");
    const plan = await lab.plan(compile(text));
    expect(whyOf(plan, "report")).toMatch(/^no longer in the store: .*report/);
    expect(whyOf(plan, "masks")).toBe("every step that reads it is cached or not needed itself");
    expect(whyOf(await new Laboratory().plan(compile(text)), "lesions")).toBe("no record of this action");
    const other = await lab.plan(
      compile(
        text.replace('uses: dataset.import, with: { format: deeplesion, root: "${params.data}" }', "uses: dataset.synthesize"),
      ),
    );
    expect(whyOf(other, "lesions")).toBe("uses dataset.synthesize instead of dataset.import");
  });
});

/** Pipelines of up to 8 steps with random wires, and what was lost after a first run. */
const randomDag = fc
  .array(
    fc.record({ reads: fc.array(fc.nat(), { maxLength: 3 }), lost: fc.boolean(), changed: fc.boolean(), idle: fc.boolean() }),
    { minLength: 1, maxLength: 8 },
  )
  .map((nodes) => {
    const pipelineOf = (version: (i: number) => number): CompiledPipeline => {
      const steps = nodes.map(
        ({ reads, idle }, i): CompiledStep => ({
          name: `s${i}`,
          kind: idle ? "idle" : "telling",
          version: 1,
          queue: "cpu",
          shape: "single",
          numerics: "plain",
          external: [],
          params: { tag: i, p: version(i) },
          inputs:
            i === 0 || reads.length === 0
              ? {}
              : {
                  in: [...new Set(reads.map((n) => n % i))].map((from) => ({
                    name: String(from),
                    step: `s${from}`,
                    output: "all",
                  })),
                },
        }),
      );
      const read = new Set(
        steps.flatMap((step) =>
          Object.values(step.inputs)
            .flat()
            .map((wire) => wire.step),
        ),
      );
      return {
        name: "random",
        source: sha256(""),
        params: {},
        steps,
        wanted: steps.map(({ name }) => name).filter((name) => !read.has(name)),
      };
    };
    return { nodes, first: pipelineOf(() => 1), second: pipelineOf((i) => (nodes[i].changed ? 2 : 1)) };
  });

property.prop([randomDag], { numRuns: 120 })(
  "whatever was lost and changed: nothing runs twice, nothing runs without what it reads, and everything wanted is there in the end",
  async ({ nodes, first, second }) => {
    const lab = new Laboratory();
    lab.idle = { idle: "p" };
    await lab.carryOut(first);
    expect(lab.runs.length).toBe(new Set(lab.runs).size);
    lab.lose(...nodes.flatMap(({ lost }, i) => (lost ? [`s${i}`] : [])));
    const ran = await lab.carryOut(second);
    expect(new Set(ran).size).toBe(ran.length);
    const states = statesOf(await lab.plan(second));
    for (const name of second.wanted) expect(states[name]).toBe("cached");
    expect(Object.values(states).filter((state) => state === "to-run" || state === "unknown")).toEqual([]);
  },
);

property.prop([randomDag], { numRuns: 60 })(
  "with nothing lost, exactly the changed steps run, and what comes after a change that tells",
  async ({ nodes, first, second }) => {
    const lab = new Laboratory();
    lab.idle = { idle: "p" };
    await lab.carryOut(first);
    const other = new Set<string>();
    const expected = second.steps.filter((step, i) => {
      const fed = Object.values(step.inputs)
        .flat()
        .some((wire) => other.has(wire.step));
      if (fed || (nodes[i].changed && !nodes[i].idle)) other.add(step.name);
      return fed || nodes[i].changed;
    });
    const ran = await lab.carryOut(second);
    expect(ran.toSorted()).toEqual(expected.map(({ name }) => name).toSorted());
  },
);
