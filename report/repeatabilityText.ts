import { score } from "./format.ts";
import type { VolumeNumbers } from "./volumeNumbers.ts";

type Repeated = Pick<VolumeNumbers, "unchanged" | "repeatability">;

/** What the factor says, for a caption. */
export const REPEATABILITY =
  "Repeatability: volumes of one unchanged lesion at two time points differ by less than this factor in 95 % of the cases (1.96 √2 within-lesion standard deviations of the log-volume, Bland and Altman 1999, with the χ² interval, for which lesions are taken for independent)";

/** `11 of 12 unchanged lesions`, or why there is no factor. */
export function repeatedLesions({ unchanged, repeatability }: Repeated): string {
  if (unchanged === 0) return "no lesion is known to be unchanged";
  return repeatability === null
    ? `found at two time points: none of ${unchanged} unchanged lesions`
    : `${repeatability.lesions} of ${unchanged} unchanged lesions`;
}

/** `× 1.66 [1.48, 2.05] (11 of 11 unchanged lesions)`, or in words why there is none. */
export function repeatabilityText(repeated: Repeated): string {
  const { repeatability } = repeated;
  if (repeatability === null) return repeatedLesions(repeated);
  const { ratio, interval } = repeatability;
  return `× ${score(ratio, 2)} [${score(interval.low, 2)}, ${score(interval.high, 2)}] (${repeatedLesions(repeated)})`;
}
