import { allHandlersFinished, condition, continueAsNew, defineQuery, setHandler, workflowInfo } from "@temporalio/workflow";
import type { Action, ActionResult, ArtifactRef, CurationProgress } from "../schemas/messages.ts";
import { actions, ledger } from "./actions.ts";
import { pauseSignal, runChild, tellPaused } from "./childWorkflow.ts";
import { reading } from "./reading.ts";
import { sharded } from "./sharded.ts";

export const curationProgress = defineQuery<CurationProgress>("progress");

/** What one run of the curation hands to the next. */
interface Rounds {
  round: number;
  denoiser: ArtifactRef;
  enhancer: ArtifactRef;
  /** Records of what was done so far. */
  parts: string[];
  started: number;
  paused: boolean;
}

/**
 * The rounds of §3.4: the stacked GAN enhances every RECIST slice, people select those that became better, and both
 * stages learn from the selection, until somebody says that nothing improves, nothing is selected, or the rounds are over.
 * Every action has a key of its own: a round that was done before is not done, and nobody asked, again.
 */
export async function curation(action: Action, from: Partial<Rounds> = {}): Promise<ActionResult> {
  const { numerics } = action;
  const { lesions, images } = action.inputs;
  let { round, denoiser, enhancer, parts, started, paused }: Rounds = {
    round: 1,
    ...stages(action),
    parts: [],
    started: Date.now(),
    paused: false,
    ...from,
  };
  const state: CurationProgress = { type: "curation", round, rounds: 0, stage: "enhancing" };
  setHandler(curationProgress, () => state);
  setHandler(pauseSignal, async (value) => {
    paused = value;
    if (state.child !== undefined) await tellPaused(state.child, value);
  });
  const done = (result: ActionResult, output: string): ArtifactRef => {
    parts.push(result.record);
    return { artifact: result.outputs[output], record: result.record };
  };
  const { workflowId } = workflowInfo();
  const child = (name: string) => ({ workflowId: `${workflowId}/${name}`, isPaused: () => paused });
  const step = workflowId.split("/").slice(1).join("/");

  const plan = await ledger.curationPlan(action);
  state.rounds = plan.rounds;
  //                                                          X2 = G2(G1(X0)) of every RECIST slice
  await condition(() => !paused);
  const apply = { ...plan.apply, inputs: { lesions, denoiser, enhancer }, numerics };
  const enhancing = child(`enhance-${round}`);
  Object.assign(state, { round, stage: "enhancing", child: enhancing.workflowId });
  const enhanced = done(
    (await ledger.findFinished({ action: apply })) ??
      (await runChild(sharded, enhancing, { action: apply, queue: "gpu", paused })),
    "enhanced",
  );
  state.child = undefined;
  const cases = done(await actions.cpu.runAction({ ...plan.cases, inputs: { lesions, enhanced } }), "cases");

  //                                                          people select up to 1,000 of them
  const ask = { ...plan.reading, inputs: { cases } };
  const asking = child(`reading-${round}`);
  Object.assign(state, { stage: "reading", child: asking.workflowId });
  const decisions = done(
    (await ledger.findFinished({ action: ask })) ?? (await runChild(reading, asking, ask, { round, step })),
    "decisions",
  );
  state.child = undefined;

  //                                                          G1 and G2 learn from the selection
  if (await ledger.improves(decisions)) {
    state.stage = "training";
    for (const stage of ["denoiser", "enhancer"] as const) {
      await condition(() => !paused);
      const init = stage === "denoiser" ? denoiser : enhancer;
      const inputs = { images, init, slices: enhanced, decisions };
      const trained = done(await actions.gpu.runAction({ ...plan.train[stage], inputs, numerics }), "enhancer");
      if (stage === "denoiser") denoiser = trained;
      else enhancer = trained;
    }
    if (round < plan.rounds) {
      await condition(allHandlersFinished);
      return continueAsNew<typeof curation>(action, { round: round + 1, denoiser, enhancer, parts, started, paused });
    }
  }
  state.stage = "done";
  return ledger.recordCuration({ action, outputs: { denoiser, enhancer, decisions }, parts, started });
}

const stages = ({ inputs: { denoiser, enhancer } }: Action) => ({ denoiser, enhancer });
