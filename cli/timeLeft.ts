import type { CampaignSnapshot, RunningAction, StepActivity } from "../client/campaigns.ts";

/** Fraction of a running step that is done, 0 … 1, as far as its shards, rounds and actions tell. */
export function fractionDone(activity: StepActivity | undefined): number {
  if (activity === undefined) return 0;
  const ofAction = ({ progress }: RunningAction): number =>
    progress === undefined || progress.total === 0 ? 0 : progress.done / progress.total;
  const under = activity.actions.map(ofAction);
  const inner =
    activity.parts === undefined || activity.parts.total === 0
      ? Math.max(0, ...under)
      : Math.min(1, (activity.parts.done + under.reduce((sum, f) => sum + f, 0)) / activity.parts.total);
  if (activity.round === undefined) return inner;
  const { round, rounds, stage } = activity.round;
  if (stage === "done") return 1;
  // Round k trains on 2k + 1 slices, so it weighs as much; harvesting is about a tenth of a round.
  const weight = (k: number): number => 2 * k + 1;
  let before = 0;
  let all = 0;
  for (let k = 1; k <= rounds; k++) {
    all += weight(k);
    if (k < round) before += weight(k);
  }
  const within = stage === "harvesting" ? 0.1 * inner : 0.1 + 0.9 * inner;
  return (before + weight(Math.max(1, round)) * within) / all;
}

/**
 * Time left in ms, from the time that the finished and running steps took, those side by side counted once, against their
 * expected share of the work; null before anything can be said, or where people are waited for.
 */
export function timeLeft(snapshot: CampaignSnapshot, now: number): number | null {
  const worked: [from: number, to: number][] = [];
  let finished = 0;
  let left = 0;
  for (const step of snapshot.steps) {
    const weight = expectedWork(step.kind);
    // How long people take says nothing of the steps that compute.
    if (snapshot.activity[step.name]?.waiting !== undefined) return null;
    if (asksPeople.has(step.kind)) continue;
    if (step.state === "running") {
      const fraction = fractionDone(snapshot.activity[step.name]);
      worked.push([step.started ?? now, now]);
      finished += weight * fraction;
      left += weight * (1 - fraction);
    } else if (step.state === "done") {
      worked.push([step.started!, step.finished!]);
      finished += weight;
    } else if (step.state === "waiting") {
      left += weight;
    }
  }
  return finished < 1 ? null : (lengthOfUnion(worked) / finished) * left;
}

function lengthOfUnion(intervals: [from: number, to: number][]): number {
  let length = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const [from, to] of intervals.sort(([a], [b]) => a - b)) {
    length += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return length;
}

const asksPeople = new Set(["reading", "enhancement.curate"]);

/** Rough shares of a campaign's time by step kind; only their ratios matter. */
function expectedWork(kind: string): number {
  const shares: Record<string, number> = {
    "dataset.synthesize": 6,
    "dataset.import": 4,
    "labels.initial": 1,
    "network.train": 20,
    "segmentation.self-paced": 60,
    "segmentation.predict": 3,
    "segmentation.classical": 1,
    evaluate: 3,
    report: 2,
  };
  return shares[kind] ?? 2;
}
