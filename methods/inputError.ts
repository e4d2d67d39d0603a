/**
 * The input is wrong (exit code 2): says what, where, and what to do. Everything else that is thrown means that the
 * work failed (exit code 1).
 */
export class InputError extends Error {
  override readonly name = "InputError";
  /** What is wrong. */
  readonly what: string;
  /** Where: a path, `file:line:col`, an id. */
  readonly where: string | undefined;
  /** What to do about it. */
  readonly remedy: string | undefined;

  constructor(what: string, where?: string, remedy?: string, options?: ErrorOptions) {
    super(`${where === undefined ? "" : `${where}: `}${what}${remedy === undefined ? "" : ` — ${remedy}`}`, options);
    this.what = what;
    this.where = where;
    this.remedy = remedy;
  }
}

/** Of many, so many are said. */
const SHOWN = 50;

/** @throws InputError that says all of them, in order. */
export function throwTogether(problems: readonly InputError[]): void {
  if (problems.length === 0) return;
  const [first, ...rest] = problems.slice(0, SHOWN);
  if (problems.length === 1) throw first;
  const more = problems.length > SHOWN ? [`… and ${problems.length - SHOWN} more`] : [];
  const said = ({ what, remedy }: InputError): string => (remedy === undefined ? what : `${what} — ${remedy}`);
  throw new InputError([said(first), ...rest.map((problem) => problem.message), ...more].join("\n"), first.where);
}
