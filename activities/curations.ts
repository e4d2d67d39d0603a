import { getManifest } from "../artifacts/manifest.ts";
import { commitAction } from "../artifacts/records.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { Action, ActionResult, ArtifactRef } from "../schemas/messages.ts";
import { decisionsMetaSchema } from "../schemas/reading.ts";
import { type StepKindName, type StepParams, stepKinds } from "../schemas/stepKinds.ts";
import { type FingerprintOf, keyOf, recordOf } from "./actionRecords.ts";

/** What readers say at the end of a round. */
const NEXT = "next-round";
const NOTHING_IMPROVES = "nothing-improves";

type PartAction = Pick<Action, "kind" | "version" | "params">;

/** The actions of every round of curation; their inputs follow from the round before. */
export interface CurationPlan {
  rounds: number;
  apply: PartAction;
  cases: PartAction;
  reading: PartAction;
  train: { denoiser: PartAction; enhancer: PartAction };
}

/** Activities of the curation rounds. */
export function createCurations(store: Store, fingerprintOf: FingerprintOf) {
  return {
    async curationPlan({ params }: Action): Promise<CurationPlan> {
      const { rounds, atMost, decide, policy, training, ...people } = params as StepParams<"enhancement.curate">;
      const { steps, rate, ...rest } = training;
      const tuned = { ...rest, pretraining: { steps: 0 }, adversarial: { steps, rate, lowRate: rate / 10 } };
      const { deadline, ...protocol } = people;
      return {
        rounds,
        apply: actionOf("enhancement.apply", {}),
        cases: actionOf("enhancement.cases", {}),
        reading: actionOf("reading", {
          title: "Curation of enhanced slices",
          question: "Which slices did the enhancement make better, so that it should learn from them?",
          layout: "grid",
          answers: [{ answer: "select", key: "s", label: "Select" }],
          mode: "shared",
          atMost: { answer: "select", cases: atMost },
          verdicts: [
            { verdict: NEXT, label: "Learn from these, then the next round" },
            { verdict: NOTHING_IMPROVES, label: "Nothing improves any more" },
          ],
          decide,
          ...protocol,
          ...(deadline === undefined ? {} : { deadline }),
          ...(policy === undefined ? {} : { policy: { ...policy, answer: "select", atMost } }),
        }),
        train: {
          denoiser: actionOf("enhancement.train", { stage: "denoise", ...tuned }),
          enhancer: actionOf("enhancement.train", { stage: "enhance", ...tuned }),
        },
      };
    },

    /** Whether a round's decisions leave anything to learn from: something was selected, and nobody said that nothing improves. */
    async improves({ artifact }: ArtifactRef): Promise<boolean> {
      const { decisions, readers } = decisionsMetaSchema.parse((await getManifest(store, artifact as Digest)).meta);
      return decisions > 0 && readers.every(({ verdict }) => verdict !== NOTHING_IMPROVES);
    },

    /** Record of the curation as a whole: its parts are the records of its rounds, its outputs those of the last. */
    async recordCuration({ action, outputs, parts, started }: CurationResult): Promise<ActionResult> {
      const fingerprint = await fingerprintOf(action);
      const key = keyOf(action, fingerprint);
      const artifacts = Object.fromEntries(Object.entries(outputs).map(([name, { artifact }]) => [name, artifact as Digest]));
      const executed = {
        action,
        key,
        fingerprint,
        outputs: artifacts,
        parts: parts as Digest[],
        started: new Date(started),
        attempt: 1,
      };
      const committed = await commitAction(store, key, recordOf(executed));
      const { decisions, decidedBy } = decisionsMetaSchema.parse((await getManifest(store, artifacts.decisions)).meta);
      const summary = { "selected last": decisions, decided: decidedBy };
      return { record: committed.digest, outputs: committed.record.outputs, cached: false, summary };
    },
  };
}

interface CurationResult {
  action: Action;
  outputs: Record<"denoiser" | "enhancer" | "decisions", ArtifactRef>;
  /** Records of everything that the rounds did, in order. */
  parts: string[];
  started: number;
}

function actionOf(kind: StepKindName, params: object): PartAction {
  const { version, params: schema } = stepKinds[kind];
  return { kind, version, params: JSON.parse(JSON.stringify(schema.parse(params))) as Action["params"] };
}
