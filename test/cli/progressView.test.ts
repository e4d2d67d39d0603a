import { describe, expect, test } from "vitest";
import { ProgressPrinter, render } from "../../cli/progressView.ts";
import { timeLeft } from "../../cli/timeLeft.ts";
import type { CampaignSnapshot } from "../../client/campaigns.ts";
import type { StepProgress } from "../../schemas/messages.ts";
import type { Waiting } from "../../schemas/reading.ts";

const since = Date.UTC(2026, 2, 3, 10, 0);
const hour = 3_600_000;
const waiting: Waiting & { workflow: string } = {
  workflow: "study/answers",
  layout: "single",
  title: "Which are good?",
  campaign: "study",
  step: "answers",
  round: 1,
  since,
  deadline: null,
  reminders: 0,
  count: 40,
  answered: 0,
  readers: [],
};
function snapshot(said: Partial<Waiting> = {}, more: CampaignSnapshot["steps"] = []): CampaignSnapshot {
  return {
    campaign: "study",
    pipeline: "study",
    phase: "running",
    status: "RUNNING",
    started: since - hour,
    steps: [
      { name: "lesions", kind: "dataset.synthesize", state: "done", after: [], started: since - hour, finished: since },
      { name: "answers", kind: "reading", state: "running", after: [], started: since },
      { name: "report", kind: "report", state: "waiting", after: ["answers"] },
      ...more,
    ],
    activity: { answers: { actions: [], waiting: { ...waiting, ...said } } },
    failing: [],
  };
}
const lineOf = (said: Partial<Waiting>, now: number): string =>
  render(snapshot(said), now)
    .split("\n")
    .find((line) => line.includes("answers"))!;

describe("a step that waits for people", () => {
  test("lets its campaign wait, while that is not paused", () => {
    expect(render(snapshot(), since)).toMatch(/^campaign study \(study\): waits for people, 1 of 3 steps/);
    expect(render({ ...snapshot(), phase: "paused" }, since)).toMatch(/: paused, 1 of 3 steps/);
    expect(render({ ...snapshot(), activity: {} }, since)).toMatch(/: running, 1 of 3 steps/);
  });

  test("says for whom, since when, and where to answer", () => {
    expect(lineOf({}, since + 65_000)).toContain(
      'waits for a reader: "Which are good?" · 0 answers, 40 cases · since 1 min 05 s — recist3d review',
    );
  });

  test("says who takes part, the round, the deadline and the reminders", () => {
    const said = { readers: ["Ada", "Bo"], answered: 1, round: 2, deadline: since + 48 * hour, reminders: 1 };
    expect(lineOf(said, since + 24 * hour)).toContain(
      'waits for Ada, Bo: "Which are good?", round 2 · 1 answer, 40 cases · since 24 h 00 min · until 2026-03-05 10:00 UTC · 1 reminder — recist3d review',
    );
  });
});

describe("the time that is left", () => {
  test("is not guessed while people are waited for", () => {
    expect(timeLeft(snapshot(), since + hour)).toBeNull();
  });

  test("does not count the days that people took", () => {
    const answered = snapshot();
    const [lesions, , report] = answered.steps;
    const answers = {
      name: "answers",
      kind: "reading",
      state: "done",
      after: [],
      started: since,
      finished: since + 500 * hour,
    } as const;
    const left = timeLeft({ ...answered, steps: [lesions, { ...answers, after: [] }, report], activity: {} }, since + 500 * hour);
    // drawing lesions took an hour and weighs 6, the report weighs 2
    expect(left).toBeCloseTo(hour / 3, -3);
  });

  test.each([1, 4, 20])("counts an hour of %i steps side by side as an hour", (steps) => {
    const half = { unit: "images", done: 1, total: 2 };
    const training = (name: string): StepProgress => ({
      name,
      kind: "network.train",
      state: "running",
      after: [],
      started: since,
    });
    const names = Array.from({ length: steps }, (_, i) => `theta${i}`);
    const activity = Object.fromEntries(names.map((name) => [name, { actions: [{ attempt: 1, progress: half }] }]));
    expect(timeLeft({ ...snapshot(), steps: names.map(training), activity }, since + hour)).toBeCloseTo(hour, -3);
  });

  test("does not count the time between steps", () => {
    const done = (from: number): StepProgress => {
      const started = since + from * hour;
      return { name: `report ${from}`, kind: "report", state: "done", after: [], started, finished: started + hour };
    };
    const waits: StepProgress = { name: "more", kind: "report", state: "waiting", after: [] };
    expect(timeLeft({ ...snapshot(), steps: [done(9), done(0), done(9.5), waits], activity: {} }, since + 20 * hour)).toBeCloseTo(
      (2.5 * hour) / 3,
      -3,
    );
  });
});

describe("without a terminal", () => {
  const printed = (...seen: [CampaignSnapshot, seconds: number][]): string[] => {
    let text = "";
    const printer = new ProgressPrinter({
      isTTY: false,
      write: (words: string) => (text += words),
    } as unknown as NodeJS.WriteStream);
    for (const [one, seconds] of seen) printer.show(one, since + seconds * 1000);
    return text.split("\n").filter((line) => line.startsWith("  answers: waits for"));
  };

  test("a line tells what people have done, not that time passes", () => {
    const lines = printed(
      [snapshot(), 0],
      [snapshot(), 60],
      [snapshot(), 86_400],
      [snapshot({ answered: 3, readers: ["Ada"] }), 86_500],
    );
    expect(lines.map((line) => line.match(/waits for ([^:]+).*since (\S+ \S+)/)!.slice(1))).toEqual([
      ["a reader", "0.0 s"],
      ["Ada", "24 h"],
    ]);
  });

  test("a step that computes meanwhile is told of as ever", () => {
    const trains = { name: "theta", kind: "network.train", state: "running", after: [], started: since } as const;
    const both = snapshot({}, [{ ...trains, after: [] }]);
    expect(printed([both, 0], [both, 5], [both, 11], [both, 22])).toHaveLength(3);
  });
});

test("what the campaign itself tries in vain is said with its reason", () => {
  const failing = [{ activity: "planCampaign", attempt: 7, lastFailure: "the store does not answer" }];
  expect(render({ ...snapshot(), failing }, since)).toMatch(/\n {2}planCampaign: attempt 7 \(the store does not answer\)$/);
});
