import { describe, expect, it } from "vitest";
import { afterEpoch, isFinished, rateAt, type ScheduleState, scheduleStart } from "../../methods/networks/schedule.ts";

const options = { schedule: "plateau", rate: 5e-5, lowRate: 1e-5, patience: 2, maxEpochs: 100, warmupSteps: 0 } as const;

/** Rates of the epochs until training ends. */
function rates(losses: number[], maxEpochs = 100): number[] {
  const seen: number[] = [];
  let state: ScheduleState = scheduleStart;
  while (!isFinished({ ...options, maxEpochs }, state) && seen.length < losses.length) {
    seen.push(rateAt(options, state, 0, 1));
    state = afterEpoch(options, state, losses[seen.length - 1]);
  }
  return seen;
}

describe("plateau schedule", () => {
  it("lowers the rate on the first plateau and stops on the second", () => {
    //              best      plateau          better           plateau
    expect(rates([3, 2, 2.5, 2, 1, 1.5, 1.1, 9, 9])).toEqual([5e-5, 5e-5, 5e-5, 5e-5, 1e-5, 1e-5, 1e-5]);
  });

  it("stops after maxEpochs however well it goes", () => {
    expect(rates([9, 8, 7, 6, 5], 3)).toHaveLength(3);
  });

  it("remembers the best epoch", () => {
    const state = [3, 1, 2].reduce((s: ScheduleState, loss) => afterEpoch(options, s, loss), scheduleStart);
    expect(state).toEqual({ epochs: 3, best: 1, bestEpoch: 1, epochsSinceBest: 1, plateaus: 0 });
  });
});

describe("cosine schedule", () => {
  const cosine = { ...options, schedule: "cosine", rate: 1, lowRate: 0, warmupSteps: 4 } as const;

  it("rises linearly, then falls from rate to lowRate", () => {
    const at = (step: number): number => rateAt(cosine, scheduleStart, step, 104);
    expect([0, 1, 2, 3, 4].map(at)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect(at(54)).toBeCloseTo(0.5, 12);
    expect(at(104)).toBeCloseTo(0, 12);
  });

  it("has no plateaus", () => {
    const state = Array(50)
      .fill(1)
      .reduce((s: ScheduleState, loss) => afterEpoch(cosine, s, loss), scheduleStart);
    expect(isFinished({ maxEpochs: 51 }, state)).toBe(false);
  });
});
