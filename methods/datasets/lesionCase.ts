import type { HuWindow, Mask, Volume } from "../imaging/volume.ts";
import type { RecistMarks } from "../labels/recist.ts";

/** DeepLesion's `Coarse_lesion_type` 1 … 8 in order; −1 is "unknown". */
export const categories = [
  "bone",
  "abdomen",
  "mediastinum",
  "liver",
  "lung",
  "kidney",
  "soft-tissue",
  "pelvis",
  "unknown",
] as const;
export type Category = (typeof categories)[number];

/**
 * One marked lesion as a data set delivers it. The crop holds at least the square of side 2 × the long diameter around
 * the marks' centre (READINGS 4) and the whole reference mask, on every slice that the source has within
 * ±max(0.75 × long diameter, 4 slices) of the RECIST slice or that the reference reaches.
 */
export interface LesionCase {
  /** Unique in the data set; names files: letters, digits, '.', '_', '-'. Never a patient's name. */
  readonly id: string;
  readonly patient: string;
  readonly category: Category;
  /** The source's own split, where it has one. */
  readonly officialSplit?: "train" | "validation" | "test";
  /** Marks on the crop's grid: 0-based, `slice` = z in the crop. */
  readonly marks: RecistMarks;
  readonly window: HuWindow;
  /** CT crop in HU; its affine places it in the source's world. */
  readonly image: Volume;
  /** True mask, where one exists; same grid as `image`. */
  readonly reference?: Mask;
  readonly source: { readonly series: string; readonly origin: readonly [number, number, number] };
  /** Irregularities to count in the report, e.g. "z spacing was negative". */
  readonly notes: readonly string[];
  /** Where the lesion is one of several time points of the same one. */
  readonly followUp?: FollowUp;
}

/** Which lesion this is a time point of. */
export interface FollowUp {
  /** The same at every time point. */
  readonly lesion: string;
  /** 0 is the baseline. */
  readonly timePoint: number;
  /** Days since the baseline. */
  readonly day: number;
  /** By which the volume was made to differ from the baseline's; only where the course was constructed. */
  readonly constructedFactor?: number;
}

/** What a source loads at a time, before it is loaded: a lesion, or the lesions of a volume (see `VolumeSource`). */
export interface SourceEntry {
  /** The lesion's, or the volume's. */
  readonly id: string;
  readonly patient: string;
  readonly officialSplit?: LesionCase["officialSplit"];
  /** Files that `load` reads, relative to the source's root. */
  readonly files: readonly string[];
}

/** A source that can be listed cheaply and loaded lesion by lesion. */
export interface LesionSource {
  /** Loadable lesions in a stable order, with the files each needs (paths relative to the source's root). */
  readonly entries: readonly SourceEntry[];
  /** Files that list the lesions (paths relative to the source's root), e.g. `DL_info.csv`. */
  readonly index?: readonly string[];
  /** What was seen but cannot be loaded, by reason, e.g. {"image file is absent": 7}. */
  readonly skipped: Readonly<Record<string, number>>;
  load(index: number): Promise<LesionCase>;
}

/** Every lesion of one CT volume; what its masks hold besides is counted by reason. */
export interface VolumeLesions {
  readonly cases: readonly LesionCase[];
  readonly skipped: Readonly<Record<string, number>>;
}

/**
 * A source whose entries are CT volumes with masks. How many lesions one has is known only when its masks are read, so
 * that listing reads none and no volume is read twice.
 */
export interface VolumeSource extends Omit<LesionSource, "load"> {
  load(index: number): Promise<VolumeLesions>;
}
