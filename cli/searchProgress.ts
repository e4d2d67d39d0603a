import type { SearchProgress } from "../methods/networks/search/slidingSearch.ts";

/** A line is said at most this often. */
const EVERY_MS = 5000;
/** Before this, nobody can say how long it will take. */
const ESTIMATE_AFTER_MS = 1000;

/** Says how far a search is and about how long it still takes, at first as soon as that can be told. */
export function searchProgress(
  say: (line: string) => void,
  now: () => number = () => performance.now(),
): (progress: SearchProgress) => void {
  let phase: SearchProgress["phase"] | undefined;
  let began = 0;
  let said = 0;
  return ({ phase: at, done, total }) => {
    if (at !== phase) {
      [phase, began, said] = [at, now(), 0];
      if (at === "looking") say(`${total} places to look at`);
      else say(`${total} candidates to grow`);
      return;
    }
    const elapsed = now() - began;
    if (done === 0 || elapsed < ESTIMATE_AFTER_MS || elapsed - said < (said === 0 ? 0 : EVERY_MS)) return;
    said = elapsed;
    const left = Math.ceil(((elapsed / done) * (total - done)) / 1000);
    say(`${done} of ${total} ${at === "looking" ? "places" : "candidates"}, about ${left} s left`);
  };
}
