import { NONE, score } from "../format.ts";
import { paperRSquared } from "../paperFigures.ts";
import { REPEATABILITY, repeatabilityText } from "../repeatabilityText.ts";
import type { AnsweredSection, ReportFigures } from "./resultsInput.ts";

/**
 * Fig. 7 in figures, a row per method: R² (also against that of πLW²/6 on the same lesions) and slope of the line against the
 * reference, limits of agreement, repeatability.
 */
export function volumesTable({ section, figures }: AnsweredSection): [head: string[], rows: string[][]] {
  const { quantity, data } = section;
  const shown = figures.volumes.filter((one) => one.data === "" || one.data === data);
  const rows = shown
    .filter((one) => one.quantity === quantity)
    .map(({ method, n, patients, rSquared, rSquaredInterval, rSquaredAdvantage, slope, slopeInterval, differences }) => [
      method,
      `${n} of ${patients} patients`,
      withInterval(rSquared, rSquaredInterval),
      quantity === "change" ? printed(method) : NONE,
      rSquaredAdvantage === null ? NONE : withInterval(rSquaredAdvantage.difference, rSquaredAdvantage.interval),
      withInterval(slope, slopeInterval),
      differences === null
        ? NONE
        : `${millilitres(differences.bias)} (${millilitres(differences.limits.low)} to ${millilitres(differences.limits.high)})`,
      repeatabilityOf(method, shown),
    ]);
  const what = quantity === "change" ? "volume changes" : "volumes";
  const head = [
    "Method",
    `n, ${what}`,
    "R²",
    "paper",
    "R² − πLW²/6's",
    "slope",
    "bias (limits of agreement), ml",
    "repeatability",
  ];
  return [head, rows];
}

/** What must be said beneath it. */
export const volumesNote = `${REPEATABILITY}.`;

/** It is of the volumes, whichever quantity is shown. */
function repeatabilityOf(method: string, shown: ReportFigures["volumes"]): string {
  const volumes = shown.find((one) => one.method === method && one.quantity === "volume");
  return volumes === undefined ? "the report has no volumes of it" : repeatabilityText(volumes);
}

function withInterval(value: number | null, interval: { readonly low: number; readonly high: number } | null): string {
  if (value === null) return NONE;
  return interval === null ? score(value) : `${score(value)} [${score(interval.low)}, ${score(interval.high)}]`;
}

function printed(method: string): string {
  const found = paperRSquared.find(([name]) => method.startsWith(name));
  return found === undefined ? NONE : found[1].toFixed(2);
}

const millilitres = (value: number): string => score(value, 1);
