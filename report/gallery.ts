import type { Box, HuWindow, Slice } from "../methods/imaging/volume.ts";
import type { Diameters } from "../methods/labels/recist.ts";
import { Region, type Trimap } from "../methods/labels/trimap.ts";
import { galleryColours } from "./palette.ts";
import { greyRaster, line, outline, type Raster, type Rgb, rasterPng, tint } from "./raster.ts";
import type { MethodScores } from "./reportInput.ts";

/** A lesion to show, and why. */
export interface GalleryChoice {
  readonly method: string;
  readonly dimension: MethodScores["dimension"];
  readonly lesion: string;
  readonly category: MethodScores["scores"][number]["category"];
  /** Null where there is no truth. */
  readonly dice: number | null;
  readonly rank: "worst" | "median" | "best" | null;
  /** e.g. "WSSS-GC 3D, worst". */
  readonly title: string;
}

/**
 * Which lesions a gallery shows: of each method the worst ones, then the median and the best. Equal scores go by
 * lesion id; a lesion is shown once per method.
 */
export function chooseGallery(
  methods: readonly (Pick<MethodScores, "name" | "dimension"> & {
    readonly scores: readonly Pick<MethodScores["scores"][number], "lesion" | "category" | "columns">[];
  })[],
  { worst = 3, median = 1, best = 1 } = {},
): GalleryChoice[] {
  return methods.flatMap(({ name, dimension, scores }) => {
    const ranked = [...scores].sort((a, b) => diceOf(a) - diceOf(b) || (a.lesion < b.lesion ? -1 : 1));
    const middle = Math.max(0, Math.round((ranked.length - median) / 2));
    const wanted = [
      ...ranked.slice(0, worst).map((s) => ({ s, rank: "worst" as const })),
      ...ranked.slice(middle, middle + median).map((s) => ({ s, rank: "median" as const })),
      ...ranked.slice(Math.max(0, ranked.length - best)).map((s) => ({ s, rank: "best" as const })),
    ];
    const shown = new Set<string>();
    return wanted
      .filter(({ s }) => !shown.has(s.lesion) && shown.add(s.lesion))
      .map(({ s, rank }) => ({
        method: name,
        dimension,
        lesion: s.lesion,
        category: s.category,
        dice: diceOf(s),
        rank,
        title: `${name} ${dimension}, ${rank}`,
      }));
  });
}

/** Where nothing could be measured: so many of a method's lesions, spread evenly over those that it has a mask of. */
export function chooseUnmeasured(
  {
    name,
    dimension,
    lesions,
  }: Pick<MethodScores, "name" | "dimension"> & {
    readonly lesions: readonly Pick<MethodScores["scores"][number], "lesion" | "category">[];
  },
  most: number,
): GalleryChoice[] {
  const count = Math.min(most, lesions.length);
  return Array.from({ length: count }, (_, i) => {
    const { lesion, category } = lesions[Math.floor((i * lesions.length) / count)];
    return { method: name, dimension, lesion, category, dice: null, rank: null, title: `${name} ${dimension}` };
  });
}

const diceOf = ({ columns }: Pick<MethodScores["scores"][number], "columns">): number => columns.dice as number;

export interface GalleryPanel {
  readonly label: string;
  readonly png: Uint8Array;
}

/** One slice of a lesion and what is drawn on it; all on the slice's own grid. */
export interface GallerySlice {
  /** CT in HU. */
  readonly image: Slice<ArrayLike<number>>;
  readonly window: HuWindow;
  readonly marks?: Diameters;
  readonly trimap?: Trimap;
  readonly prediction: Slice<Uint8Array>;
  readonly reference?: Slice<Uint8Array>;
}

/** Panels are about this wide, in pixels, whatever the lesion's size. */
const PANEL_PX = 320;

/**
 * The panels of one lesion: image, marks, trimap, mask, and truth over mask – those that there is something for. The
 * view is the square around marks, mask and truth with a quarter of its side around them; pixels are enlarged by a
 * whole factor and never interpolated.
 */
export function galleryPanels({ image, window, marks, trimap, prediction, reference }: GallerySlice): GalleryPanel[] {
  const view = viewOf(image, marks, [prediction, ...(reference === undefined ? [] : [reference])]);
  const zoom = Math.max(1, Math.round(PANEL_PX / Math.max(view.x1 - view.x0, view.y1 - view.y0)));
  const grey = greyRaster(cut(image, view), window, zoom);
  const panel = (label: string, draw: (raster: Raster) => void): GalleryPanel => {
    const raster = { ...grey, data: grey.data.slice() };
    draw(raster);
    return { label, png: rasterPng(raster) };
  };
  const mask = cut(prediction, view);
  const panels = [panel("image", () => {})];
  if (marks !== undefined) {
    panels.push(panel("marks", (raster) => drawMarks(raster, marks, view)));
  }
  if (trimap !== undefined)
    panels.push(panel("trimap", (raster) => tint(raster, cut(trimap, view), (region) => REGION_COLOUR[region] ?? null, 0.55)));
  panels.push(
    panel(prediction.data.some((v) => v !== 0) ? "mask" : "mask: empty on this slice", (raster) =>
      outline(raster, mask, galleryColours.mask),
    ),
  );
  if (reference !== undefined) {
    panels.push(
      panel(reference.data.some((v) => v !== 0) ? "truth (dashed) and mask" : "truth: empty on this slice", (raster) => {
        outline(raster, mask, galleryColours.mask);
        outline(raster, cut(reference, view), galleryColours.truth, true);
      }),
    );
  }
  return panels;
}

const REGION_COLOUR: Readonly<Record<number, Rgb>> = {
  [Region.foreground]: galleryColours.foreground,
  [Region.probableForeground]: galleryColours.probableForeground,
  [Region.probableBackground]: galleryColours.probableBackground,
  [Region.background]: galleryColours.background,
};

function drawMarks(raster: Raster, { long, short }: Diameters, view: Box): void {
  for (const [from, to] of [long, short]) {
    line(raster, [from[0] - view.x0, from[1] - view.y0], [to[0] - view.x0, to[1] - view.y0], galleryColours.marks, 3);
  }
}

/** The square, clipped to the slice, around everything that is drawn; the whole slice where nothing is. */
function viewOf(
  { width, height }: Slice<ArrayLike<number>>,
  marks: Diameters | undefined,
  masks: readonly Slice<Uint8Array>[],
): Box {
  const points = marks === undefined ? [] : [...marks.long, ...marks.short].map(([x, y]) => [x, y]);
  for (const { data } of masks) {
    data.forEach((value, i) => {
      if (value !== 0) points.push([i % width, Math.floor(i / width)]);
    });
  }
  if (points.length === 0) return { x0: 0, y0: 0, x1: width, y1: height };
  const [low, high] = [Math.min, Math.max].map((pick) =>
    [0, 1].map((axis) => points.reduce((v, p) => pick(v, p[axis]), points[0][axis])),
  );
  const half = Math.max(8, 0.75 * Math.max(high[0] - low[0], high[1] - low[1]));
  const [x, y] = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
  return {
    x0: Math.max(0, Math.floor(x - half)),
    y0: Math.max(0, Math.floor(y - half)),
    x1: Math.min(width, Math.ceil(x + half) + 1),
    y1: Math.min(height, Math.ceil(y + half) + 1),
  };
}

function cut(slice: Slice<Uint8Array>, box: Box): Slice<Uint8Array>;
function cut(slice: Slice<ArrayLike<number>>, box: Box): Slice<ArrayLike<number>>;
function cut(slice: Slice<ArrayLike<number>>, { x0, y0, x1, y1 }: Box): Slice<ArrayLike<number>> {
  const [width, height] = [x1 - x0, y1 - y0];
  const data = slice.data instanceof Uint8Array ? new Uint8Array(width * height) : new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data[y * width + x] = slice.data[(y + y0) * slice.width + x + x0];
  }
  return { data, width, height };
}
