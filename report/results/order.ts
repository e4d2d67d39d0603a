import type { AnsweredSection, ReportFigures } from "./resultsInput.ts";

type Method = ReportFigures["methods"][number];

/** Two methods that stand in one order in the paper and in the other one here, by mean Dice. */
export interface Reversal {
  /** The method that the paper has above, with its mean Dice there and here. */
  readonly above: { readonly method: string; readonly paper: number; readonly ours: number };
  readonly below: { readonly method: string; readonly paper: number; readonly ours: number };
  /** Wilcoxon's p of the two, corrected over all pairs of the table (Holm); null where they share no lesion. */
  readonly p: number | null;
  /** Why, as far as anybody has said. */
  readonly because: string | null;
}

/**
 * Every pair of a section's methods whose order by mean Dice is not the paper's. Pairs that the paper prints as equal, and
 * methods that it does not have, are in no order.
 */
export function reversals({ section, figures }: Pick<AnsweredSection, "section" | "figures">): Reversal[] {
  const ranked = shownMethods(section, figures).flatMap((method) => {
    const paper = paperRow(method, section.paper)?.dice.mean;
    const ours = method.total.dice?.mean ?? null;
    return paper === undefined || ours === null ? [] : [{ method: method.name, paper, ours }];
  });
  const found = ranked.flatMap((above) =>
    ranked.filter((below) => above.paper > below.paper && above.ours < below.ours).map((below) => ({ above, below })),
  );
  return found
    .map(({ above, below }) => ({
      above,
      below,
      p:
        figures.comparisons.find(
          ({ data, dimension, first, second }) =>
            data === section.data &&
            dimension === section.dimension &&
            [first, second].includes(above.method) &&
            [first, second].includes(below.method),
        )?.pHolm ?? null,
      because:
        section.explanations.find(
          (explanation) => explanation.above.includes(above.method) && explanation.below.includes(below.method),
        )?.because ?? null,
    }))
    .sort((a, b) => b.above.paper - a.above.paper || a.below.paper - b.below.paper);
}

/** The methods of a section's data and dimension, in the report's order. */
export function shownMethods({ data, dimension }: AnsweredSection["section"], { methods }: ReportFigures): Method[] {
  return methods.filter((method) => method.data === data && method.dimension === dimension);
}

/** The paper's row of a method for one of its data sets. */
export function paperRow(
  { paper }: Method,
  dataset: "DeepLesion" | "lymph nodes" | undefined,
): Method["paper"][number] | undefined {
  return paper.find((row) => row.dataset === dataset);
}
