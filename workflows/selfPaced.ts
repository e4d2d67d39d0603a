import { condition, defineQuery, setHandler, workflowInfo } from "@temporalio/workflow";
import type { Action, ActionResult, ArtifactRef, SelfPacedProgress } from "../schemas/messages.ts";
import { actions, ledger } from "./actions.ts";
import { pauseSignal, runChild, tellPaused } from "./childWorkflow.ts";
import { sharded } from "./sharded.ts";

export const selfPacedProgress = defineQuery<SelfPacedProgress>("progress");

/**
 * Algorithm 1 of Cai et al. 2018, lines 5–15. Lines 1–4 (RECIST slices X, initial masks Y, θ⁰) are steps of the pipeline
 * and come in as the artifacts `lesions` (the set D) and `model` (θ⁰).
 *
 * F is rebuilt from scratch in every round, τ = 0 included (READINGS 10). Every harvest and every training is an action
 * of its own, so that K = 3 after K = 2 computes the third round only.
 */
export async function selfPaced(action: Action, from = { paused: false }): Promise<ActionResult> {
  const { numerics } = action;
  const { lesions, model } = action.inputs;
  const { K, harvest, training } = await ledger.selfPacedPlan(action);
  const started = Date.now();
  const state: SelfPacedProgress = { type: "self-paced", round: 0, rounds: K, stage: "harvesting" };
  let { paused } = from;
  setHandler(selfPacedProgress, () => state);
  setHandler(pauseSignal, async (value) => {
    paused = value;
    if (state.child !== undefined) await tellPaused(state.child, value);
  });

  let theta: ArtifactRef = model; //                                  θ⁰
  const rounds: { labels: ArtifactRef; model: ArtifactRef }[] = [];
  for (let k = 1; k <= K; k++) {
    //                                                                F = ∅; for τ = −k … k:
    //                                                                  Ŷ = f(V_{r+τ}, θ^{k−1})
    //                                                                  T̂ = trimap(Ŷ, R̂_{r+τ}, R)
    //                                                                  F = F ∪ {(V_{r+τ}, GrabCut(T̂, V_{r+τ}))}
    await condition(() => !paused);
    Object.assign(state, { round: k, stage: "harvesting" });
    state.child = `${workflowInfo().workflowId}/harvest-${k}`;
    const harvesting = { ...harvest, params: { ...harvest.params, k }, inputs: { lesions, model: theta }, numerics };
    const child = { workflowId: state.child, isPaused: () => paused };
    const labels = await runChild(sharded, child, { action: harvesting, queue: "gpu", paused });
    const F: ArtifactRef = { artifact: labels.outputs.labels, record: labels.record };

    //                                                                θᵏ := min L(F, θ^{k−1})
    Object.assign(state, { stage: "training", child: undefined });
    await condition(() => !paused);
    const trained = await actions.gpu.runAction({ ...training, inputs: { images: lesions, labels: F, init: theta }, numerics });
    theta = { artifact: trained.outputs.model, record: trained.record };

    rounds.push({ labels: F, model: theta });
  }
  state.stage = "done";
  return ledger.recordSelfPaced({ action, rounds, started }); //       return θᴷ
}
