import { defineSearchAttributeKey } from "@temporalio/common";
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  defineQuery,
  defineUpdate,
  isCancellation,
  patched,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from "@temporalio/workflow";
import type { Action, ActionResult, ArtifactRef, CampaignInput, CampaignProgress, StepProgress } from "../schemas/messages.ts";
import type { CompiledStep } from "../schemas/pipeline.ts";
import { campaignPage } from "../schemas/stepKinds/evaluation.ts";
import type { WorkflowKindName } from "../schemas/stepKinds.ts";
import { actions, ledger, numerics } from "./actions.ts";
import { type Child, pauseSignal, runChild, tellPaused } from "./childWorkflow.ts";
import { curation } from "./curation.ts";
import { reading } from "./reading.ts";
import { selfPaced } from "./selfPaced.ts";
import { sharded } from "./sharded.ts";

export const campaignProgress = defineQuery<CampaignProgress>("progress");
export const retryUpdate = defineUpdate<string[], [step: string | null]>("retry");
const campaignPhase = defineSearchAttributeKey("CampaignPhase", "KEYWORD");

/** Carries out a compiled pipeline: every needed step once, as soon as its inputs are there. */
export async function campaign(input: CampaignInput): Promise<Record<string, Record<string, string>>> {
  const { pipeline } = input;
  const declared = new Map(pipeline.steps.map((step) => [step.name, step]));
  const steps = new Map(pipeline.steps.map((step) => [step.name, waiting(step)]));
  let phase: CampaignProgress["phase"] = "planning";
  let paused = false;
  let changes = 0;
  let finished: number | undefined;
  let fingerprint: string | null = null;
  let askedAgain: Promise<void> | undefined;

  setHandler(campaignProgress, () => ({
    campaign: input.campaign,
    pipeline: pipeline.name,
    phase: paused && phase === "running" ? "paused" : phase,
    started: Date.parse(input.started),
    finished,
    steps: shown([...steps.values()]),
  }));
  setHandler(pauseSignal, async (value) => {
    paused = value;
    changes++;
    const children = [...steps.values()].flatMap(({ state, child }) => (state === "running" && child ? [child] : []));
    await Promise.all(children.map((child) => tellPaused(child, value)));
  });
  setHandler(
    retryUpdate,
    (name) => {
      const again = [...steps.values()].filter((step) => step.state === "failed" && (name === null || step.name === name));
      for (const step of again) steps.set(step.name, waiting(declared.get(step.name)!));
      // What failed because the workers have another arithmetic now goes on with that.
      if (fingerprint !== null && patched("arithmetic-asked-on-retry")) {
        askedAgain = numerics.numericsFingerprint().then((answer) => {
          fingerprint = answer;
        });
        askedAgain.catch(() => {});
      }
      changes++;
      return again.map((step) => step.name);
    },
    {
      validator: (name) => {
        const failed = [...steps.values()].filter((step) => step.state === "failed").map((step) => step.name);
        if (failed.length === 0) throw ApplicationFailure.nonRetryable("no step has failed", "InputError");
        if (name !== null && !failed.includes(name))
          throw ApplicationFailure.nonRetryable(`step "${name}" has not failed; failed: ${failed.join(", ")}`, "InputError");
      },
    },
  );
  const enter = (next: typeof phase): void => {
    phase = next;
    if (next === "done" || next === "failed") finished = Date.now();
    upsertSearchAttributes([{ key: campaignPhase, value: next }]);
  };

  enter("planning");
  if (pipeline.steps.some((step) => step.numerics === "network")) fingerprint = await numerics.numericsFingerprint();
  const plan = await ledger.planCampaign({ pipeline, fingerprint, discardCheckpoints: input.discardCheckpoints });
  for (const [name, planned] of Object.entries(plan)) Object.assign(steps.get(name)!, planned);

  enter("running");
  const scope = CancellationScope.current();
  const run = async (step: StepProgress): Promise<void> => {
    try {
      if (askedAgain !== undefined) await askedAgain;
      const { kind, version, params, ...declaration } = declared.get(step.name)!;
      const action: Action = {
        kind,
        version,
        params,
        inputs: wire(declaration.inputs, steps),
        numerics: fingerprint ?? undefined,
      };
      const result = await runStep(declaration, action, {
        isPaused: () => paused,
        onChild: (child) => {
          step.child = child;
        },
      });
      const { record, outputs, summary, cached } = result;
      Object.assign(step, { state: cached ? "cached" : "done", record, outputs, summary });
    } catch (error) {
      if (!isCancellation(error)) Object.assign(step, { state: "failed", error: rootCause(error) });
      else if (scope.consideredCancelled) step.state = "cancelled";
      else Object.assign(step, { state: "failed", error: "was cancelled by itself, without the campaign" });
    }
    step.finished = Date.now();
    changes++;
  };
  scope.cancelRequested.catch(() => changes++);
  for (;;) {
    const seen = changes;
    const all = [...steps.values()];
    const held = paused && !scope.consideredCancelled;
    for (const step of all) {
      if (
        held ||
        scope.consideredCancelled ||
        step.state !== "waiting" ||
        !step.after.every((name) => hasOutputs(steps.get(name)!))
      )
        continue;
      Object.assign(step, { state: "running", started: Date.now() });
      void run(step);
    }
    if (!all.some((step) => step.state === "running") && !(held && all.some((step) => step.state === "waiting"))) break;
    await CancellationScope.nonCancellable(() => condition(() => changes !== seen));
  }
  if (scope.consideredCancelled) throw new CancelledFailure(`campaign ${input.campaign} was cancelled`);

  const failed = [...steps.values()].filter((step) => step.state === "failed");
  if (failed.length > 0) {
    enter("failed");
    const reasons = failed.map((step) => `step "${step.name}": ${step.error}`).join("\n");
    throw ApplicationFailure.nonRetryable(reasons, "StepFailed");
  }
  enter("recording");
  const pages = await makePages(input, [...steps.values()]);
  const outputs = Object.fromEntries([...steps.values()].flatMap((step) => (step.outputs ? [[step.name, step.outputs]] : [])));
  const records = {
    ...Object.fromEntries([...steps.values()].flatMap((step) => (step.record ? [[step.name, step.record]] : []))),
    ...pages,
  };
  await ledger.commitCampaign({ campaign: input.campaign, pipeline, started: input.started, records });
  enter("done");
  return outputs;
}

function waiting(step: CompiledStep): StepProgress {
  const after = new Set(Object.values(step.inputs).flatMap((wires) => wires.map((wire) => wire.step)));
  return { name: step.name, kind: step.kind, state: "waiting", after: [...after] };
}

/** The steps as people see them: what waits for a step that has failed is blocked. In the order of the pipeline, where inputs come first. */
function shown(steps: readonly StepProgress[]): StepProgress[] {
  const stuck = new Set<string>();
  return steps.map((step) => {
    const blocked = step.state === "waiting" && step.after.some((name) => stuck.has(name));
    if (blocked || step.state === "failed") stuck.add(step.name);
    return blocked ? { ...step, state: "blocked" } : step;
  });
}

const hasOutputs = (step: StepProgress): boolean => step.outputs !== undefined;

async function runStep(
  step: Pick<CompiledStep, "name" | "shape" | "queue" | "external">,
  action: Action,
  { isPaused, onChild }: { isPaused: () => boolean; onChild: (workflowId: string) => void },
): Promise<ActionResult> {
  if (step.external.length > 0) Object.assign(action.inputs, await ledger.scanSource(action));
  if (step.shape === "single") return actions[step.queue].runAction(action, step.name);
  const found = await ledger.findFinished({ action });
  if (found !== null) return found;
  const workflowId = `${workflowInfo().workflowId}/${step.name}`;
  onChild(workflowId);
  const child = { workflowId, isPaused };
  const from = { paused: isPaused() };
  const result = await (step.shape === "sharded"
    ? runChild(sharded, child, { action, queue: step.queue, ...from })
    : runWorkflow(child, action, from));
  return { ...result, cached: false };
}

/** A step kind that is a workflow of its own. */
function runWorkflow(child: Child, action: Action, from: { paused: boolean }): Promise<ActionResult> {
  switch (action.kind as WorkflowKindName) {
    case "segmentation.self-paced":
      return runChild(selfPaced, child, action, from);
    case "enhancement.curate":
      return runChild(curation, child, action, from);
    case "reading":
      return runChild(reading, child, action);
  }
}

/** The page of every report, with the campaign as it was run. Returns the pages' records. */
async function makePages({ campaign, pipeline, started }: CampaignInput, steps: StepProgress[]): Promise<Record<string, string>> {
  const reports = steps.filter((step) => step.kind === "report" && step.outputs !== undefined);
  if (reports.length === 0) return {};
  const described = steps.map(({ name, kind, after, outputs, record, state }) => ({
    name,
    uses: kind,
    after,
    outputs: outputs ?? {},
    record,
    state,
  }));
  const description = await ledger.describeCampaign({ campaign, pipeline, started, steps: described });
  const records: Record<string, string> = {};
  for (const step of reports) {
    const report = { artifact: step.outputs!.report, record: step.record };
    const page = await actions.cpu.runAction({
      kind: "campaign.page",
      version: campaignPage.version,
      params: {},
      inputs: { campaign: description, report },
    });
    step.outputs = { ...step.outputs, page: page.outputs.page };
    records[`${step.name}/page`] = page.record;
  }
  return records;
}

function wire(declared: CompiledStep["inputs"], steps: ReadonlyMap<string, StepProgress>): Record<string, ArtifactRef> {
  const inputs: Record<string, ArtifactRef> = {};
  for (const [input, wires] of Object.entries(declared)) {
    for (const { name, step: from, output } of wires) {
      const source = steps.get(from)!;
      inputs[name === undefined ? input : `${input}:${name}`] = { artifact: source.outputs![output], record: source.record };
    }
  }
  return inputs;
}

function rootCause(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error ? cause.message : String(cause);
}
