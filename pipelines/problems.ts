import { InputError } from "../methods/inputError.ts";

/** One thing that is wrong in a pipeline, and where. */
export interface Problem {
  /** `file:line:column`, or `--set name`. */
  readonly where: string;
  readonly message: string;
  /** Offset in the text, for sorting; what has no place in it comes first. */
  readonly offset: number;
}

/** Collects problems, so that one run reports them all. */
export class Problems {
  readonly found: Problem[] = [];
  private readonly whereIs: (offset: number) => string;

  constructor(whereIs: (offset: number) => string) {
    this.whereIs = whereIs;
  }

  add(offset: number, message: string): void {
    this.found.push({ where: this.whereIs(offset), message, offset });
  }

  /** A problem of an argument rather than of the text. */
  addArgument(where: string, message: string): void {
    this.found.push({ where, message, offset: -1 });
  }

  /** @throws PipelineError when there is any. */
  throwIfAny(): void {
    if (this.found.length > 0) throw new PipelineError(this.found);
  }
}

const SHOWN = 50;

/** A pipeline that cannot be run: everything that is wrong with it, in the order of the text. */
export class PipelineError extends InputError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const sorted = distinct(problems);
    const [first, ...rest] = sorted.slice(0, SHOWN);
    const lines = [first.message, ...rest.map(({ where, message }) => `${where}: ${message}`)];
    if (sorted.length > SHOWN) lines.push(`… and ${sorted.length - SHOWN} more`);
    super(lines.join("\n"), first.where);
    this.problems = sorted;
  }
}

function distinct(problems: readonly Problem[]): Problem[] {
  const byText = new Map(problems.map((problem) => [`${problem.where}\u0000${problem.message}`, problem]));
  return [...byText.values()].sort((a, b) => a.offset - b.offset);
}
