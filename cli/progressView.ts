import { styleText } from "node:util";
import type { CampaignSnapshot, StepActivity } from "../client/campaigns.ts";
import { isSettled } from "../client/campaigns.ts";
import type { StepProgress } from "../schemas/messages.ts";
import type { Waiting } from "../schemas/reading.ts";
import { standsAt } from "../schemas/review.ts";
import { fractionDone, timeLeft } from "./timeLeft.ts";

const BAR_CELLS = 24;

/** One line that says where a step stands. */
export function stepLine(step: StepProgress, activity: StepActivity | undefined, now: number): string {
  const seconds = step.started === undefined ? "" : duration((step.finished ?? now) - step.started);
  switch (step.state) {
    case "waiting":
      return "waiting";
    case "not-needed":
      return "not needed: only feeds finished steps";
    case "cached":
      return "reused";
    case "failed":
      return `failed: ${step.error}`;
    case "blocked":
      return "not run: a step before it failed";
    case "cancelled":
      return "cancelled";
    case "done":
      return `done in ${seconds}${figures(step.summary)}`;
    case "running":
      return activity?.waiting === undefined
        ? `${bar(fractionDone(activity))} ${activityText(activity)} · ${seconds}`
        : waitingText(activity.waiting, now);
    default:
      return step.state satisfies never;
  }
}

/** What people have done so far, where all running steps wait for them; else null. */
function waitingOf(running: readonly StepProgress[], { activity }: CampaignSnapshot): string | null {
  const all = running.map(({ name }) => activity[name]?.waiting);
  if (all.includes(undefined)) return null;
  return JSON.stringify(all.map((one) => one && [one.workflow, one.round, one.answered, one.readers, one.reminders]));
}

/** For whom a step waits, since when, and until when. */
function waitingText({ title, round, readers, since, deadline, count, answered, reminders }: Waiting, now: number): string {
  const whom = readers.length === 0 ? "a reader" : readers.join(", ");
  const words = [
    `waits for ${whom}: "${title}"${round > 1 ? `, round ${round}` : ""}`,
    `${answered} ${answered === 1 ? "answer" : "answers"}, ${count} cases`,
  ];
  words.push(`since ${duration(now - since)}`);
  if (deadline !== null) words.push(`until ${new Date(deadline).toISOString().slice(0, 16).replace("T", " ")} UTC`);
  if (reminders > 0) words.push(`${reminders} ${reminders === 1 ? "reminder" : "reminders"}`);
  return `${words.join(" · ")} — recist3d review`;
}

function activityText(activity: StepActivity | undefined): string {
  if (activity === undefined) return "starting";
  const words: string[] = [];
  if (activity.round !== undefined && activity.round.round > 0)
    words.push(`round ${activity.round.round} of ${activity.round.rounds}, ${activity.round.stage}`);
  if (activity.curation !== undefined)
    words.push(`round ${activity.curation.round} of ${activity.curation.rounds}, ${activity.curation.stage}`);
  if (activity.parts !== undefined && activity.parts.total > 0)
    words.push(`${activity.parts.done}/${activity.parts.total} shards`);
  const action = activity.actions.find(({ progress }) => progress !== undefined && progress.total > 0);
  if (action?.progress !== undefined) {
    const { unit, done, total, loss, rate, rateUnit } = action.progress;
    words.push(`${Math.floor(done)}/${total} ${unit}`);
    if (loss !== undefined) words.push(`loss ${loss.toFixed(4)}`);
    if (rate !== undefined) words.push(`${rate.toFixed(0)} ${rateUnit ?? unit}/s`);
  }
  const troubled = activity.actions.find(({ attempt }) => attempt > 1);
  if (troubled !== undefined)
    words.push(`attempt ${troubled.attempt}${troubled.lastFailure === undefined ? "" : ` (${troubled.lastFailure})`}`);
  return words.length > 0 ? words.join(" · ") : "waiting for a worker";
}

export function bar(fraction: number): string {
  const full = Math.round(Math.max(0, Math.min(1, fraction)) * BAR_CELLS);
  return `${"█".repeat(full)}${"░".repeat(BAR_CELLS - full)} ${String(Math.floor(fraction * 100)).padStart(3)} %`;
}

/** e.g. "4.2 s", "3 min 05 s", "2 h 10 min". */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")} min`;
}

function figures(summary: StepProgress["summary"]): string {
  const entries = Object.entries(summary ?? {});
  return entries.length === 0 ? "" : ` (${entries.map(([name, value]) => `${value} ${name}`).join(", ")})`;
}

/** Whole picture of a campaign as text, one step a line. */
export function render(snapshot: CampaignSnapshot, now: number): string {
  const width = Math.max(...snapshot.steps.map(({ name }) => name.length));
  const lines = snapshot.steps.map(
    (step) => `  ${symbol(step)} ${step.name.padEnd(width)}  ${stepLine(step, snapshot.activity[step.name], now)}`,
  );
  return [headline(snapshot, now), ...lines, ...troubles(snapshot).map((line) => `  ${line}`)].join("\n");
}

/** What the campaign itself tries again and again, e.g. to plan with a store that does not answer. */
function troubles({ failing }: CampaignSnapshot): string[] {
  return failing.map(({ activity, attempt, lastFailure }) => `${activity}: attempt ${attempt} (${lastFailure})`);
}

export function headline(snapshot: CampaignSnapshot, now: number): string {
  const settled = snapshot.steps.filter(isSettled).length;
  const state = standsAt(
    snapshot.phase,
    Object.values(snapshot.activity).some(({ waiting }) => waiting !== undefined),
  );
  const left = snapshot.phase === "running" ? timeLeft(snapshot, now) : null;
  const estimate = left === null ? "" : ` · about ${duration(Math.max(1000, Math.round(left / 1000) * 1000))} left`;
  return `campaign ${snapshot.campaign} (${snapshot.pipeline}): ${state}, ${settled} of ${snapshot.steps.length} steps, ${duration((snapshot.finished ?? now) - snapshot.started)}${estimate}`;
}

function symbol({ state }: StepProgress): string {
  if (state === "done" || state === "cached") return styleText("green", "✔");
  if (state === "failed") return styleText("red", "✘");
  if (state === "running") return styleText("cyan", "▶");
  return styleText("gray", "·");
}

/**
 * Shows snapshots as they come: redrawn in place on a terminal, else a line per change and a status line now and then, while
 * nothing but people is waited for only when they have done something.
 */
export class ProgressPrinter {
  readonly #out: NodeJS.WriteStream;
  #lines = 0;
  readonly #said = new Map<string, string>();
  #lastStatus = 0;
  #lastWaiting = "";

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  show(snapshot: CampaignSnapshot, now = Date.now()): void {
    if (this.#out.isTTY) {
      const columns = this.#out.columns || 120;
      const lines = render(snapshot, now)
        .split("\n")
        .map((line) => (line.length > columns + 8 ? `${line.slice(0, columns + 7)}…` : line));
      const up = this.#lines > 0 ? `\u001b[${this.#lines}A` : "";
      this.#out.write(`${up}${lines.map((line) => `\u001b[2K${line}`).join("\n")}\n`);
      this.#lines = lines.length;
      return;
    }
    for (const step of snapshot.steps) {
      if (this.#said.get(step.name) === step.state || step.state === "waiting") continue;
      this.#said.set(step.name, step.state);
      this.#out.write(`${step.name}: ${step.state === "running" ? "running" : stepLine(step, undefined, now)}\n`);
    }
    for (const { activity, lastFailure } of snapshot.failing) {
      if (this.#said.get(activity) === lastFailure) continue;
      this.#said.set(activity, lastFailure);
      this.#out.write(`${activity} failed and is tried again: ${lastFailure}\n`);
    }
    const running = snapshot.steps.filter(({ state }) => state === "running");
    const waiting = waitingOf(running, snapshot);
    if (running.length > 0 && now - this.#lastStatus >= 10_000 && (waiting === null || waiting !== this.#lastWaiting)) {
      this.#lastStatus = now;
      this.#lastWaiting = waiting ?? "";
      this.#out.write(`${headline(snapshot, now)}\n`);
      for (const step of running) this.#out.write(`  ${step.name}: ${stepLine(step, snapshot.activity[step.name], now)}\n`);
    }
  }
}
