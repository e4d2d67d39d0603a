import type { TrainingOptions } from "./trainingOptions.ts";

/** Where a schedule stands after some epochs; plain JSON. */
export interface ScheduleState {
  readonly epochs: number;
  /** Lowest loss so far, and the epoch (from 0) that had it; null before the first epoch. */
  readonly best: number | null;
  readonly bestEpoch: number | null;
  readonly epochsSinceBest: number;
  /** Number of plateaus behind us: 0 = at `rate`, 1 = at `lowRate`, 2 = done. */
  readonly plateaus: number;
}

export const scheduleStart: ScheduleState = { epochs: 0, best: null, bestEpoch: null, epochsSinceBest: 0, plateaus: 0 };

/** The state after an epoch that ended with `loss`. */
export function afterEpoch(
  { schedule, patience }: Pick<TrainingOptions, "schedule" | "patience">,
  state: ScheduleState,
  loss: number,
): ScheduleState {
  const epochs = state.epochs + 1;
  if (state.best === null || loss < state.best)
    return { ...state, epochs, best: loss, bestEpoch: state.epochs, epochsSinceBest: 0 };
  const epochsSinceBest = state.epochsSinceBest + 1;
  const isPlateau = schedule === "plateau" && epochsSinceBest >= patience;
  return isPlateau
    ? { ...state, epochs, epochsSinceBest: 0, plateaus: state.plateaus + 1 }
    : { ...state, epochs, epochsSinceBest };
}

/** Training ends after `maxEpochs`, or with the second plateau. */
export function isFinished({ maxEpochs }: Pick<TrainingOptions, "maxEpochs">, { epochs, plateaus }: ScheduleState): boolean {
  return epochs >= maxEpochs || plateaus >= 2;
}

/**
 * The learning rate of step `step` (from 0) of at most `steps` in the whole training. Plateau: `rate` until the first
 * plateau, `lowRate` after it (section 4 of the paper: 5e-5, then 1e-5). Cosine: a linear rise over `warmupSteps`, then
 * half a cosine from `rate` down to `lowRate`.
 */
export function rateAt(
  { schedule, rate, lowRate, warmupSteps }: Pick<TrainingOptions, "schedule" | "rate" | "lowRate" | "warmupSteps">,
  { plateaus }: ScheduleState,
  step: number,
  steps: number,
): number {
  if (schedule === "plateau") return plateaus === 0 ? rate : lowRate;
  if (step < warmupSteps) return (rate * (step + 1)) / warmupSteps;
  const share = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  return lowRate + (rate - lowRate) * 0.5 * (1 + Math.cos(Math.PI * share));
}
