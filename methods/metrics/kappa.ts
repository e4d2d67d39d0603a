import type { Interval } from "./summary.ts";

/** Agreement beyond chance. */
export interface Agreement {
  /** Cases that all of the readers compared answered. */
  readonly n: number;
  /** Share of equal answers (Fleiss: of equal pairs of answers); null where n is 0. */
  readonly agreement: number | null;
  /** Null where n is 0, or where chance alone gives full agreement: everybody gave one and the same answer. */
  readonly kappa: number | null;
  /** Of κ at 95 %, cut at −1 and 1; null where κ is, or where it has no spread. */
  readonly interval: Interval | null;
}

const Z95 = 1.959963984540054;

/**
 * Cohen's κ of two readers' (or one reader's first and second) answers to the same cases, unweighted (Cohen 1960), with the
 * large-sample interval of Fleiss, Cohen and Everitt (1969), which takes cases for independent.
 */
export function cohenKappa(pairs: readonly (readonly [string, string])[]): Agreement {
  const n = pairs.length;
  if (n === 0) return { n, agreement: null, kappa: null, interval: null };
  const answers = [...new Set(pairs.flat())];
  const share = (test: (pair: readonly [string, string]) => boolean): number => pairs.filter(test).length / n;
  const rows = answers.map((answer) => share(([first]) => first === answer));
  const columns = answers.map((answer) => share(([, second]) => second === answer));
  const observed = share(([first, second]) => first === second);
  const expected = rows.reduce((sum, row, i) => sum + row * columns[i], 0);
  if (answers.length === 1) return { n, agreement: observed, kappa: null, interval: null };
  const kappa = (observed - expected) / (1 - expected);
  let onDiagonal = 0;
  let beside = 0;
  for (const [i, first] of answers.entries()) {
    for (const [j, second] of answers.entries()) {
      const cell = share((pair) => pair[0] === first && pair[1] === second);
      if (i === j) onDiagonal += cell * (1 - (rows[i] + columns[i]) * (1 - kappa)) ** 2;
      else beside += cell * (columns[i] + rows[j]) ** 2;
    }
  }
  const spread = onDiagonal + (1 - kappa) ** 2 * beside - (kappa - expected * (1 - kappa)) ** 2;
  const half = (Z95 * Math.sqrt(Math.max(0, spread) / n)) / (1 - expected);
  return { n, agreement: observed, kappa, interval: half > 1e-12 ? cut(kappa - half, kappa + half) : null };
}

/**
 * Fleiss' κ of several readers (Fleiss 1971): `cases` has one list of answers for each case, all of the same length ≥ 2.
 * Its interval is by the jackknife over cases.
 *
 * @throws RangeError where lists differ in length or have fewer than two answers.
 */
export function fleissKappa(cases: readonly (readonly string[])[]): Agreement {
  const readers = cases[0]?.length ?? 2;
  if (readers < 2 || cases.some((answers) => answers.length !== readers))
    throw new RangeError("Fleiss' kappa needs two or more answers to every case, equally many");
  const n = cases.length;
  const totals = new Map<string, number>();
  const counts = cases.map((answers) => {
    const own = new Map<string, number>();
    for (const answer of answers) own.set(answer, (own.get(answer) ?? 0) + 1);
    for (const [answer, count] of own) totals.set(answer, (totals.get(answer) ?? 0) + count);
    return own;
  });
  const agreements = counts.map(
    (own) => [...own.values()].reduce((sum, count) => sum + count * (count - 1), 0) / (readers * (readers - 1)),
  );
  const agreed = agreements.reduce((sum, share) => sum + share, 0);
  const { agreement, kappa } = fleissOf(agreed, totals, n, readers);
  if (kappa === null || n < 2) return { n, agreement, kappa, interval: null };
  const without = counts.map((own, i) => {
    const rest = new Map([...totals].map(([answer, count]) => [answer, count - (own.get(answer) ?? 0)]));
    return fleissOf(agreed - agreements[i], rest, n - 1, readers).kappa;
  });
  if (without.some((one) => one === null)) return { n, agreement, kappa, interval: null };
  const mean = without.reduce<number>((sum, one) => sum + one!, 0) / n;
  const variance = ((n - 1) / n) * without.reduce<number>((sum, one) => sum + (one! - mean) ** 2, 0);
  const half = Z95 * Math.sqrt(variance);
  return { n, agreement, kappa, interval: half > 1e-12 ? cut(kappa - half, kappa + half) : null };
}

function fleissOf(agreed: number, totals: ReadonlyMap<string, number>, n: number, readers: number) {
  if (n === 0) return { agreement: null, kappa: null };
  const agreement = agreed / n;
  const given = [...totals.values()].filter((count) => count > 0);
  if (given.length === 1) return { agreement, kappa: null };
  const expected = given.reduce((sum, count) => sum + (count / (n * readers)) ** 2, 0);
  return { agreement, kappa: (agreement - expected) / (1 - expected) };
}

const cut = (low: number, high: number): Interval => ({ low: Math.max(-1, low), high: Math.min(1, high) });
