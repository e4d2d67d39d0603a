import { canonicalJson } from "../artifacts/canonicalJson.ts";
import { putArtifact } from "../artifacts/manifest.ts";
import { artifactsUsable, commitAction, commitCampaign as commitRoot, readableAction } from "../artifacts/records.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { latestPointer } from "../pipelines/latest.ts";
import { inputName, planPipeline } from "../pipelines/plan.ts";
import type { Action, ActionResult, ArtifactRef, StepProgress } from "../schemas/messages.ts";
import type { CompiledPipeline } from "../schemas/pipeline.ts";
import { type StepKind, type StepParams, stepKinds } from "../schemas/stepKinds.ts";
import { type FingerprintOf, finished, keyOf, recordOf } from "./actionRecords.ts";
import { discardCheckpoints as discard } from "./checkpoints.ts";
import { createCurations } from "./curations.ts";
import { curationTrainings, selfPacedTrainings } from "./innerTrainings.ts";
import { openLabels } from "./labels.ts";
import { trainingParams } from "./models.ts";
import { putSource } from "./sources.ts";
import { bodyOf, parseInput } from "./steps/index.ts";

/** Fingerprint of arithmetic without a network: the JavaScript engine's, whose Math functions may differ by version. */
export const plainFingerprint = `v8 ${process.versions.v8.split(".").slice(0, 2).join(".")}`;

/** The fingerprint that enters an action key, given that of the network workers. */
export function fingerprintFor(numerics: StepKind["numerics"], network: string): string {
  return { network, plain: plainFingerprint, none: "none" }[numerics];
}

/** What a planned step knows before it runs. */
export type PlannedStep = Pick<StepProgress, "state" | "outputs" | "record">;

/** Activities that look things up in the store or write them down; all are short but `scanSource`, which hashes what lies at paths. */
export function createLedger(store: Store, fingerprintOf: FingerprintOf) {
  /** The actions of Algorithm 1's rounds: what to harvest with, and how to train, after the model that came in. */
  const selfPacedPlan = async ({ params, inputs }: Action): Promise<SelfPacedPlan> => {
    const { K, training, ...harvest } = params as StepParams<"segmentation.self-paced">;
    return {
      K,
      harvest: { kind: "labels.harvest", version: stepKinds["labels.harvest"].version, params: harvest },
      training: {
        kind: "network.train",
        version: stepKinds["network.train"].version,
        params: { ...(await trainingParams(store, inputs.model.artifact as Digest, training)) },
      },
    };
  };
  /** Keys of the trainings inside a step that is a workflow. */
  const trainingsInside = async (action: Action): Promise<Digest[]> => {
    if (action.kind === "segmentation.self-paced")
      return selfPacedTrainings(store, fingerprintOf, action, await selfPacedPlan(action));
    if (action.kind === "enhancement.curate")
      return curationTrainings(store, fingerprintOf, action, await createCurations(store, fingerprintOf).curationPlan(action));
    return [];
  };

  return {
    selfPacedPlan,

    /** The number of parts of a sharded action. */
    async countParts(action: Action): Promise<number> {
      const { parts } = bodyOf(action.kind);
      if (parts === undefined) throw new Error(`step kind ${action.kind} has no parts`);
      return parts({ store }, parseInput(action));
    },

    /** What of a pipeline is there already, and what nobody needs. `fingerprint` is the network workers'. */
    async planCampaign({ pipeline, fingerprint, discardCheckpoints }: PlanRequest): Promise<Record<string, PlannedStep>> {
      const plan = await planPipeline(pipeline, {
        lookup: async (key) => (await readableAction(store, key))?.record ?? null,
        present: (artifact) => artifactsUsable(store, artifact),
        sourceDigest: ({ kind, params }) => putSource(store, kind, params),
        fingerprint: (numerics) => fingerprintFor(numerics, fingerprint ?? ""),
      });
      const planned: Record<string, PlannedStep> = {};
      const outputsOf = new Map(plan.steps.map(({ name, outputs }) => [name, outputs]));
      for (const { name, state, key, outputs } of plan.steps) {
        if (key !== undefined && discardCheckpoints.includes(name)) {
          const { kind, version, params, inputs: wires } = pipeline.steps.find((step) => step.name === name)!;
          const inputs: Action["inputs"] = {};
          for (const [input, sources] of Object.entries(wires))
            for (const { name: as, step, output } of sources)
              inputs[inputName(input, as)] = { artifact: outputsOf.get(step)![output] };
          const numerics = fingerprint ?? undefined;
          for (const training of [key, ...(await trainingsInside({ kind, version, params, inputs, numerics }))])
            await discard(store, training);
        }
        const record = key === undefined ? undefined : (await readableAction(store, key))?.digest;
        if (state === "cached") planned[name] = { state: "cached", outputs, record };
        else if (state === "pruned") planned[name] = { state: "not-needed", outputs, record };
      }
      return planned;
    },

    /** The result of an action whose record and outputs are there, or null. */
    async findFinished({ action }: { action: Action }): Promise<ActionResult | null> {
      return finished(store, keyOf(action, await fingerprintOf(action)));
    },

    /** Input `source` of a step that reads files. */
    async scanSource({ kind, params }: Action): Promise<Record<string, ArtifactRef>> {
      return { source: { artifact: await putSource(store, kind, params) } };
    },

    /** Record of Algorithm 1 as a whole: its parts are the records of its rounds, its outputs those of the last. */
    async recordSelfPaced({ action, rounds, started }: SelfPacedResult): Promise<ActionResult> {
      const { model, labels } = rounds.at(-1)!;
      const outputs = { model: model.artifact as Digest, labels: labels.artifact as Digest };
      const fingerprint = await fingerprintOf(action);
      const key = keyOf(action, fingerprint);
      const parts = rounds.flatMap((round) => [round.labels.record!, round.model.record!] as Digest[]);
      const record = recordOf({ action, key, fingerprint, outputs, parts, started: new Date(started), attempt: 1 });
      const committed = await commitAction(store, key, record);
      const { meta } = await openLabels(store, outputs.labels);
      return { record: committed.digest, outputs, cached: false, summary: { rounds: rounds.length, slices: meta.slices } };
    },

    /** The campaign as an input of its page: its steps, what they gave and by which records. */
    async describeCampaign({ campaign, pipeline, started, steps }: CampaignDescription): Promise<ArtifactRef> {
      const described = { campaign, pipeline: pipeline.name, started, steps };
      const artifact = await putArtifact(store, {
        type: "source",
        meta: { campaign },
        files: [{ path: "campaign.json", bytes: Buffer.from(canonicalJson(described)), mediaType: "application/json" }],
      });
      return { artifact };
    },

    /** Writes the campaign's root record, from which everything can be verified. */
    async commitCampaign({ campaign, pipeline, started, records }: CommitRequest): Promise<{ record: string }> {
      const compiled = await store.putBlob(Buffer.from(canonicalJson(pipeline)));
      for (const [step, record] of Object.entries(records)) {
        await store.setPointer(latestPointer(pipeline.name, step), { record });
      }
      const record = await commitRoot(store, campaign, {
        type: "campaign-record",
        schemaVersion: 1,
        campaign,
        pipeline: compiled,
        source: pipeline.source,
        steps: records,
        started,
        finished: new Date().toISOString(),
      });
      return { record };
    },
  };
}

interface PlanRequest {
  pipeline: CompiledPipeline;
  fingerprint: string | null;
  discardCheckpoints: string[];
}

type PartAction = Pick<Action, "kind" | "version" | "params">;

export interface SelfPacedPlan {
  K: number;
  harvest: PartAction;
  training: PartAction;
}

export interface SelfPacedResult {
  action: Action;
  rounds: { labels: ArtifactRef; model: ArtifactRef }[];
  started: number;
}

/** `campaign.json` of a campaign's description. */
export interface CampaignDescription {
  campaign: string;
  pipeline: CompiledPipeline;
  started: string;
  steps: DescribedStep[];
}

interface DescribedStep {
  name: string;
  uses: string;
  after: string[];
  outputs: Record<string, string>;
  record?: string;
  state: StepProgress["state"];
}

interface CommitRequest {
  campaign: string;
  pipeline: CompiledPipeline;
  started: string;
  records: Record<string, string>;
}
