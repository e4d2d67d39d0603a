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

/** Whether an answer stands: if any, all, or more than half of the readers' answers are it. */
export function stands(rule: MergeRule, answer: string, answers: readonly string[]): boolean {
  const agreeing = answers.filter((one) => one === answer).length;
  return agreeing > 0 && agreeing >= enough(rule, answers.length);
}

/**
 * What stands where several readers answered one case: under `any` the first of `answers` that somebody gave, under `all`
 * what everybody gave, under `majority` what more than half of them gave; null where none does. Readers who did not
 * answer the case do not count. Time is the last of those who agree, with how long they looked together.
 */
export function merged(rule: MergeRule, answers: readonly string[], given: readonly Answer[]): Omit<Answer, "reader"> | null {
  const words = given.map(({ answer }) => answer);
  for (const answer of answers) {
    if (!stands(rule, answer, words)) continue;
    const agreeing = given.filter((one) => one.answer === answer);
    return {
      answer,
      at: Math.max(...agreeing.map(({ at }) => at)),
      tookMs: agreeing.reduce((sum, { tookMs }) => sum + tookMs, 0),
    };
  }
  return null;
}
