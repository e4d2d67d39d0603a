import { ApplicationFailure } from "@temporalio/activity";
import type { WorkflowHandle } from "@temporalio/client";
import type { Activities } from "../../activities/index.ts";
import { type Action, type ActionResult, campaignInputSchema } from "../../schemas/messages.ts";
import { taskQueues } from "../../schemas/taskQueues.ts";
import { until } from "./house.ts";
import type { WorkflowsAlone } from "./workflowsAlone.ts";

const digest = "0".repeat(64);
const PARTS = 20;
const result: ActionResult = {
  record: digest,
  outputs: { all: digest, labels: digest, model: digest },
  cached: false,
  summary: {},
};

/** Activities of a campaign that do nothing but wait at gates, say that they were called, and fail where they are told to. */
export function gatedActivities() {
  const gates = new Map<string, () => void>();
  const seen = {
    /** e.g. "dataset.import part", "dataset.import", "scanSource", in the order in which they began. */
    began: [] as string[],
    /** Under what arithmetic each kind was asked for. */
    numerics: {} as Record<string, string | undefined>,
    fingerprint: "cpu",
    /** A kind that fails for good. */
    broken: undefined as string | undefined,
  };
  const waiting = new Map<string, Promise<void>>();
  const at = async (what: string): Promise<void> => {
    seen.began.push(what);
    await waiting.get(what);
  };
  const activities: Partial<Activities> = {
    planCampaign: async () => ({}),
    numericsFingerprint: async () => seen.fingerprint,
    scanSource: async () => {
      await at("scanSource");
      return { source: { artifact: digest } };
    },
    findFinished: async ({ action }) => {
      await at(`findFinished ${action.kind}`);
      return null;
    },
    countParts: async () => PARTS,
    selfPacedPlan: async () => ({
      K: 1,
      harvest: { kind: "labels.harvest", version: 1, params: {} },
      training: { kind: "network.train", version: 1, params: {} },
    }),
    runAction: async ({ kind, part, numerics }: Action) => {
      seen.numerics[kind] = numerics;
      await at(part === undefined ? kind : `${kind} part`);
      if (kind === seen.broken) throw ApplicationFailure.nonRetryable("it is broken", "InputError");
      return result;
    },
    recordSelfPaced: async () => result,
    curationPlan: async () => {
      const action = (kind: string) => ({ kind, version: 1, params: {} });
      const train = action("enhancement.train");
      return {
        ...{ rounds: 1, apply: action("enhancement.apply"), cases: action("enhancement.cases"), reading: action("reading") },
        train: { denoiser: train, enhancer: train },
      };
    },
    commitCampaign: async () => ({ record: digest }),
  };
  return {
    seen,
    activities,
    /** Whoever comes there waits until `open`. */
    close(what: string): void {
      waiting.set(what, new Promise((resolve) => gates.set(what, resolve)));
    },
    open(what: string): void {
      waiting.delete(what);
      gates.get(what)?.();
    },
    came: (what: string) => until(`${what} begins`, () => seen.began.includes(what)),
  };
}

/** Scans are imported in parts, θ⁰ is trained beside, and Algorithm 1 follows. */
export function startSteered({ client }: WorkflowsAlone, campaign: string): Promise<WorkflowHandle> {
  const common = { version: 1, params: {}, external: [] as string[] };
  const steps = [
    {
      ...common,
      name: "scans",
      kind: "dataset.import",
      queue: "cpu",
      shape: "sharded",
      numerics: "plain",
      external: ["root"],
      inputs: {},
    },
    { ...common, name: "theta0", kind: "network.train", queue: "gpu", shape: "single", numerics: "network", inputs: {} },
    {
      ...{ ...common, name: "wsss", kind: "segmentation.self-paced", queue: "cpu", shape: "workflow", numerics: "network" },
      inputs: { lesions: [{ step: "scans", output: "all" }], model: [{ step: "theta0", output: "model" }] },
    },
  ];
  const pipeline = { name: "steered", source: digest, params: {}, steps, wanted: steps.map(({ name }) => name) };
  const args = [campaignInputSchema.parse({ campaign, pipeline, started: "2018-01-25T00:00:00Z" })];
  return client.workflow.start("campaign", { workflowId: campaign, taskQueue: taskQueues.cpu, args });
}
