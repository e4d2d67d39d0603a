/** An answer of one reader to one showing of a case. */
export interface Answer {
  readonly reader: string;
  readonly answer: string;
  /** Milliseconds since the epoch, and how long the case was looked at. */
  readonly at: number;
  readonly tookMs: number;
}

export type MergeRule = "any" | "all" | "majority";

/** How many of `readers` have to agree. */
function enough(rule: MergeRule, readers: number): number {
  return { any: 1, all: readers, majority: Math.floor(readers / 2) + 1 }[rule];
}

/** Whether readers reject what they judged: if any, all, or more than half of their answers are `rejects`. */
export function isRejected(rule: MergeRule, rejects: string, answers: readonly string[]): boolean {
  const rejecting = answers.filter((answer) => answer === rejects).length;
  return rejecting > 0 && rejecting >= enough(rule, answers.length);
}

/**
 * What stands where several readers answered one case: under `any` the first of `answers` that somebody gave, under `all`
 * what everybody gave, under `majority` what more than half of them gave; null where none does. Readers who did not
 * answer the case do not count. Time is the last of those who agree, with how long they looked together.
 */
export function merged(rule: MergeRule, answers: readonly string[], given: readonly Answer[]): Omit<Answer, "reader"> | null {
  for (const answer of answers) {
    const agreeing = given.filter((one) => one.answer === answer);
    if (agreeing.length === 0 || agreeing.length < enough(rule, given.length)) continue;
    return {
      answer,
      at: Math.max(...agreeing.map(({ at }) => at)),
      tookMs: agreeing.reduce((sum, { tookMs }) => sum + tookMs, 0),
    };
  }
  return null;
}
