import { type Agreement, limitsOfAgreement, ratiosOfAgreement, repeatability } from "../methods/metrics/agreement.ts";
import { bootstrapStatistics } from "../methods/metrics/bootstrap.ts";
import { linearFit } from "../methods/metrics/linearFit.ts";
import type { Interval } from "../methods/metrics/summary.ts";
import type { ReportData } from "./reportInput.ts";

type VolumeData = ReportData["volumes"][number];

/** How a method's volumes, or its volume changes, agree with the reference's. */
export interface VolumeNumbers {
  readonly data: string;
  readonly method: string;
  readonly quantity: VolumeData["quantity"];
  readonly n: number;
  readonly patients: number;
  /** Least-squares line of the measured on the reference value; intervals draw patients. */
  readonly slope: number | null;
  readonly slopeInterval: Interval | null;
  readonly intercept: number | null;
  readonly rSquared: number | null;
  readonly rSquaredInterval: Interval | null;
  /** R² less that of the ellipsoid πLW²/6 on the same lesions; null for the ellipsoid itself and without it. */
  readonly rSquaredAdvantage: { readonly difference: number; readonly interval: Interval | null } | null;
  /** Of measured − reference, ml. */
  readonly differences: Agreement | null;
  /** Of measured ÷ reference; of changes, of the ratios of the volumes at the two time points. */
  readonly ratios: Agreement | null;
  /** Points without a ratio, because a volume is 0. */
  readonly withoutRatio: number;
  /** Lesions that did not change from one time point to the others. Volumes only: a change of nothing repeats nothing. */
  readonly unchanged: number;
  /** Of those of the unchanged that the method found at two time points: the ratio of two volumes of one lesion stays below this in 95 % of the cases. */
  readonly repeatability: { readonly lesions: number; readonly ratio: number; readonly interval: Interval } | null;
}

/** Name of the estimate πLW²/6 from the marks (paper, 4.1). */
const isFormula = (method: string): boolean => method.startsWith("πLW²/6");

export function volumeNumbers(volumes: ReportData["volumes"]): VolumeNumbers[] {
  return volumes.map((one) => {
    const { data, method, quantity, points, repeated, statistics } = one;
    const formula = volumes.find((v) => v.data === data && v.quantity === quantity && isFormula(v.method));
    const byFormula = new Map((isFormula(method) ? undefined : formula)?.points.map((p) => [p.lesion, p.measuredMl]));
    const paired = points.map((point) => ({ ...point, formulaMl: byFormula.get(point.lesion) ?? null }));
    const [slope, rSquared, advantage] = fitStatistics(paired);
    const [slopeInterval, rSquaredInterval, advantageInterval] = bootstrapStatistics(
      paired,
      ({ patient, lesion }) => patient ?? lesion,
      fitStatistics,
      statistics,
    );
    const ratios = points.flatMap(({ ratio }) => ratio ?? []);
    const repeats = repeatability(
      repeated.map((mls) => mls.map(Math.log)),
      statistics.level,
    );
    return {
      data,
      method,
      quantity,
      n: points.length,
      patients: new Set(points.map(({ patient, lesion }) => patient ?? lesion)).size,
      slope,
      slopeInterval,
      intercept: linearFit(points.map((p) => [p.referenceMl, p.measuredMl] as const))?.intercept ?? null,
      rSquared,
      rSquaredInterval,
      rSquaredAdvantage: advantage === null ? null : { difference: advantage, interval: advantageInterval },
      differences: limitsOfAgreement(
        points.map((p) => p.measuredMl - p.referenceMl),
        statistics.level,
      ),
      ratios: ratiosOfAgreement(ratios, statistics.level),
      withoutRatio: points.length - ratios.length,
      unchanged: repeated.length,
      repeatability:
        repeats === null
          ? null
          : {
              lesions: repeats.lesions,
              ratio: Math.exp(repeats.coefficient),
              interval: { low: Math.exp(repeats.interval.low), high: Math.exp(repeats.interval.high) },
            },
    };
  });
}

interface PairedPoint {
  readonly referenceMl: number;
  readonly measuredMl: number;
  readonly formulaMl: number | null;
}

/** Slope, R², and R² less the formula's on the same points. */
function fitStatistics(points: readonly PairedPoint[]): [number | null, number | null, number | null] {
  const fit = linearFit(points.map((p) => [p.referenceMl, p.measuredMl] as const));
  const complete = points.every(({ formulaMl }) => formulaMl !== null);
  const other = complete ? linearFit(points.map((p) => [p.referenceMl, p.formulaMl!] as const)) : null;
  return [fit?.slope ?? null, fit?.rSquared ?? null, fit === null || other === null ? null : fit.rSquared - other.rSquared];
}
