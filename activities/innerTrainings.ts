import { readableAction } from "../artifacts/records.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { Action, ArtifactRef } from "../schemas/messages.ts";
import { kindOf } from "../schemas/stepKinds.ts";
import { type FingerprintOf, keyOf } from "./actionRecords.ts";
import type { CurationPlan } from "./curations.ts";
import type { SelfPacedPlan } from "./ledger.ts";

/** Looks an action up; null when it was not finished. */
type Look = (action: Action) => Promise<Record<string, ArtifactRef> | null>;

/** Keys of the trainings of Algorithm 1 (workflows/selfPaced.ts), as far as it has come: the last one may be under way. */
export function selfPacedTrainings(
  store: Store,
  fingerprintOf: FingerprintOf,
  { inputs: { lesions, model }, numerics }: Action,
  { K, harvest, training }: SelfPacedPlan,
): Promise<Digest[]> {
  return trainingsOf({ store, fingerprintOf, numerics }, async (look) => {
    let theta = model;
    for (let k = 1; k <= K; k++) {
      const harvested = await look({ ...harvest, params: { ...harvest.params, k }, inputs: { lesions, model: theta } });
      if (harvested === null) return;
      const trained = await look({ ...training, inputs: { images: lesions, labels: harvested.labels, init: theta } });
      if (trained === null) return;
      theta = trained.model;
    }
  });
}

/** Keys of the trainings of the curation rounds (workflows/curation.ts), as far as they have come. */
export function curationTrainings(
  store: Store,
  fingerprintOf: FingerprintOf,
  { inputs, numerics }: Action,
  plan: CurationPlan,
): Promise<Digest[]> {
  return trainingsOf({ store, fingerprintOf, numerics }, async (look) => {
    const { lesions, images } = inputs;
    let { denoiser, enhancer } = inputs;
    for (let round = 1; round <= plan.rounds; round++) {
      const applied = await look({ ...plan.apply, inputs: { lesions, denoiser, enhancer } });
      const shown = applied && (await look({ ...plan.cases, inputs: { lesions, enhanced: applied.enhanced } }));
      const read = shown && (await look({ ...plan.reading, inputs: { cases: shown.cases } }));
      if (!applied || !read) return;
      const more = { images, slices: applied.enhanced, decisions: read.decisions };
      const first = await look({ ...plan.train.denoiser, inputs: { ...more, init: denoiser } });
      const second = first && (await look({ ...plan.train.enhancer, inputs: { ...more, init: enhancer } }));
      if (!first || !second) return;
      denoiser = first.enhancer;
      enhancer = second.enhancer;
    }
  });
}

/** `numerics`: of the step that the trainings are inside of. */
interface Under extends Pick<Action, "numerics"> {
  readonly store: Store;
  readonly fingerprintOf: FingerprintOf;
}

async function trainingsOf({ store, fingerprintOf, numerics }: Under, follow: (look: Look) => Promise<void>): Promise<Digest[]> {
  const trainings: Digest[] = [];
  await follow(async (action) => {
    const key = keyOf(action, await fingerprintOf({ ...action, numerics }));
    if (kindOf(action.kind).checkpoints) trainings.push(key);
    const found = await readableAction(store, key);
    if (found === null) return null;
    return Object.fromEntries(Object.entries(found.record.outputs).map(([name, artifact]) => [name, { artifact }]));
  });
  return trainings;
}
