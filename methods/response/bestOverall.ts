import type { OverallResponse } from "./overall.ts";

/** One time point after the baseline. */
export interface DatedResponse {
  /** Days since the baseline. */
  readonly day: number;
  readonly response: OverallResponse;
}

export interface BestOverallSettings {
  /** Days after the baseline at which a disease must still be stable to count as SD; in general 6 to 8 weeks. */
  readonly stableDays: number;
  /** Days after which a CR or PR must be met again where responses are to be confirmed; in general four weeks. */
  readonly confirmationDays: number;
  /** Whether the patient has target lesions: without, a stable disease is called non-CR/non-PD. */
  readonly targets: boolean;
}

/** Of a trial that needs no confirmation, and of one that does. */
export interface BestOverallResponse {
  readonly unconfirmed: OverallResponse;
  readonly confirmed: OverallResponse;
}

/**
 * Best overall response up to the first progression (RECIST 1.1, 4.4.3 and Table 3). A response is confirmed by a time
 * point at least `confirmationDays` later, where no evaluated one between the two is worse; those that could not be
 * evaluated neither confirm nor refute. A response that is not confirmed counts as stable disease.
 *
 * @param responses ascending in days, without the baseline.
 */
export function bestOverallResponse(
  responses: readonly DatedResponse[],
  { stableDays, confirmationDays, targets }: BestOverallSettings,
): BestOverallResponse {
  const end = responses.findIndex(({ response }) => response === "PD");
  const counted = responses.slice(0, end < 0 ? undefined : end + 1);
  const complete: readonly OverallResponse[] = ["CR"];
  const partial: readonly OverallResponse[] = ["CR", "PR"];
  const confirmed = (wanted: readonly OverallResponse[]): boolean =>
    counted.some(({ day, response }, first) => {
      if (!wanted.includes(response)) return false;
      for (const later of counted.slice(first + 1)) {
        if (later.response === "NE") continue;
        if (!wanted.includes(later.response)) return false;
        if (later.day - day >= confirmationDays) return true;
      }
      return false;
    });
  const met = (wanted: readonly OverallResponse[]): boolean => counted.some(({ response }) => wanted.includes(response));

  const otherwise = (): OverallResponse => {
    if (counted.some(({ day, response }) => response !== "PD" && response !== "NE" && day >= stableDays))
      return targets ? "SD" : "non-CR/non-PD";
    return end < 0 ? "NE" : "PD";
  };
  return {
    unconfirmed: met(complete) ? "CR" : met(partial) ? "PR" : otherwise(),
    confirmed: confirmed(complete) ? "CR" : confirmed(partial) ? "PR" : otherwise(),
  };
}
