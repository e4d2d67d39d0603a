import { type BootstrapSettings, bootstrapMeans } from "./bootstrap.ts";
import type { ScoreColumns } from "./scoreColumns.ts";
import { type Interval, type Summary, summarize } from "./summary.ts";

/** A column's summary with the confidence interval of its mean. */
export interface StratumScore extends Summary {
  /** Null where there are too few lesions or patients for one, or none was asked for. */
  readonly interval: Interval | null;
}

/** Lesions (or, by offset, slices) that have something in common, and their scores. */
export interface Stratum {
  readonly by: "all" | "category" | "size" | "offset";
  /** "all", the category, "10–20" (long diameter in mm) or the distance from the RECIST slice in slices. */
  readonly value: string;
  /** Lesions, or slices that hold lesion where `by` is "offset". */
  readonly observations: number;
  /** Where `by` is "offset": slices without lesion that the mask reaches all the same; they are in no score. */
  readonly beyond?: number;
  readonly patients: number;
  /** By column. */
  readonly scores: Readonly<Record<string, StratumScore>>;
}

export interface StatisticsSettings {
  /** `unit`: what is drawn with replacement. */
  readonly bootstrap: BootstrapSettings & { readonly unit: "patient" | "lesion" };
  /** Ascending edges of the size strata: long diameters in mm. */
  readonly sizesMm: readonly number[];
}

/** One lesion's scores and what it is grouped by. */
export interface LesionObservation {
  readonly patient: string;
  readonly category: string;
  /** Long diameter. */
  readonly longMm: number;
  readonly scores: ScoreColumns;
}

/** One slice's scores; `offset` = slice − RECIST slice. */
export interface SliceObservation {
  readonly patient: string;
  readonly offset: number;
  /** Whether the reference holds lesion there. */
  readonly inReference: boolean;
  readonly scores: ScoreColumns;
}

/**
 * Collects one method's scores, lesion after lesion and slice after slice, and summarises them by stratum. Every
 * observation needs the same columns.
 */
export class Strata {
  readonly #settings: StatisticsSettings;
  readonly #patients = new Map<string, number>();
  readonly #all = new ScoreTable();
  readonly #categories = new Map<string, ScoreTable>();
  readonly #sizes = new Map<number, ScoreTable>();
  readonly #offsets = new Map<number, ScoreTable>();
  readonly #beyond = new Map<number, number>();

  constructor(settings: StatisticsSettings) {
    this.#settings = settings;
  }

  addLesion({ patient, category, longMm, scores }: LesionObservation): void {
    const number = this.#numberOf(patient);
    const size = this.#settings.sizesMm.filter((edge) => longMm >= edge).length;
    for (const table of [this.#all, tableOf(this.#categories, category), tableOf(this.#sizes, size)]) table.add(number, scores);
  }

  /**
   * By slice offset as in Figs 4 and 10. The paper gives the axis as "voxel distance of axial slices to the
   * RECIST-slice" and no more; the convention here: slices above and below are pooled by |offset|, and a slice counts where
   * the reference holds lesion, so that methods are compared on the same slices (a mask that stops short has Dice 0 there).
   * Slices that the mask alone reaches are counted apart: averaged in, they would differ from method to method. Slices that
   * neither reaches are not to be added.
   */
  addSlice({ patient, offset, inReference, scores }: SliceObservation): void {
    const distance = Math.abs(offset);
    if (inReference) tableOf(this.#offsets, distance).add(this.#numberOf(patient), scores);
    else this.#beyond.set(distance, (this.#beyond.get(distance) ?? 0) + 1);
  }

  /**
   * All lesions, the categories by name, the sizes and the offsets ascending; only what occurs. Slices that masks reach
   * farther out than any reference are not told: at such a distance there is nothing to average.
   */
  summaries(): Stratum[] {
    const { bootstrap, sizesMm } = this.#settings;
    const names = sizeNames(sizesMm);
    const categories = [...this.#categories].sort(([a], [b]) => (a < b ? -1 : 1));
    const ascending = (tables: Map<number, ScoreTable>) => [...tables].sort(([a], [b]) => a - b);
    return [
      this.#all.stratum("all", "all", bootstrap),
      ...categories.map(([category, table]) => table.stratum("category", category, bootstrap)),
      ...(sizesMm.length === 0 ? [] : ascending(this.#sizes).map(([k, table]) => table.stratum("size", names[k], bootstrap))),
      ...ascending(this.#offsets).map(([offset, table]) => ({
        ...table.stratum("offset", String(offset), bootstrap),
        beyond: this.#beyond.get(offset) ?? 0,
      })),
    ];
  }

  #numberOf(patient: string): number {
    const number = this.#patients.get(patient) ?? this.#patients.size;
    this.#patients.set(patient, number);
    return number;
  }
}

/** "< 10", "10–20", "≥ 20" for the edges 10, 20. */
export function sizeNames(edgesMm: readonly number[]): string[] {
  if (edgesMm.length === 0) return [];
  const between = edgesMm.slice(1).map((edge, i) => `${edgesMm[i]}–${edge}`);
  return [`< ${edgesMm[0]}`, ...between, `≥ ${edgesMm[edgesMm.length - 1]}`];
}

function tableOf<K>(tables: Map<K, ScoreTable>, key: K): ScoreTable {
  const table = tables.get(key) ?? new ScoreTable();
  tables.set(key, table);
  return table;
}

/** Scores by column; undefined ones are kept as NaN, for lists of plain numbers take half the memory. */
class ScoreTable {
  readonly #patients: number[] = [];
  readonly #columns = new Map<string, number[]>();

  add(patient: number, scores: ScoreColumns): void {
    for (const [name, value] of Object.entries(scores)) {
      const column = this.#columns.get(name);
      if (column !== undefined) column.push(value ?? Number.NaN);
      else if (this.#patients.length === 0) this.#columns.set(name, [value ?? Number.NaN]);
      else throw new RangeError(`the column ${name} is missing from earlier observations`);
    }
    this.#patients.push(patient);
  }

  stratum(by: Stratum["by"], value: string, bootstrap: StatisticsSettings["bootstrap"]): Stratum {
    const names = [...this.#columns.keys()];
    const columns = names.map((name) => this.#columns.get(name)!.map((score) => (Number.isNaN(score) ? null : score)));
    const intervals = bootstrapMeans(columns, bootstrap.unit === "patient" ? this.#patients : null, bootstrap);
    const scores = Object.fromEntries(names.map((name, i) => [name, { ...summarize(columns[i]), interval: intervals[i] }]));
    return { by, value, observations: this.#patients.length, patients: new Set(this.#patients).size, scores };
  }
}
