import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ShownCase, ShownImage } from "../../schemas/review.ts";
import { outlinesOf } from "./outlines.ts";
import { loadPixels, type Pixels, pixelsAddress } from "./pixels.ts";

/** From black to white, in the unit of the image's `levels`. */
export interface Window {
  readonly low: number;
  readonly high: number;
}

/** What is drawn over a picture, on the case's grid. */
export interface Overlay {
  /** Numbers of the masks whose outline is drawn. */
  readonly masks?: readonly number[];
  /** Masks that are held against each other are drawn alike: a colour would speak for one. */
  readonly oneColour?: boolean;
  readonly marks?: boolean;
  /** Loaded, but not drawn. */
  readonly hidden?: boolean;
}

export interface PictureProps {
  /** Digest of the cases, and which case and which of its images it is. */
  readonly cases: string;
  readonly index: number;
  readonly shown: ShownCase;
  readonly image: number;
  /** Side of the square that it is fitted into, in CSS pixels. */
  readonly sizePx: number;
  /** Slice of the stack; that of the marks, else the middle one, by default. */
  readonly slice?: number;
  /** Default: the image's own. */
  readonly window?: Window;
  readonly overlay?: Overlay;
  /** Part of the picture that fills the square: magnification about a centre, given as fractions of the picture. */
  readonly zoom?: { readonly factor: number; readonly x: number; readonly y: number };
  /** Called with the number of slices, once it is known. */
  readonly onSlices?: (slices: number) => void;
  /** Called with the label before anything is seen: whether pixels or masks are still missing. */
  readonly onMissing?: (label: string, isMissing: boolean) => void;
  readonly label?: string;
}

export const MARKS_COLOUR = "#ffdd33";
/** Outlines of masks by their number. */
export const MASK_COLOURS = ["#ff4d4d", "#4de07a", "#5aa9ff", "#ffa14d"] as const;

/**
 * One picture of a case on a canvas: windowed, magnified to fit, with outlines of masks and the RECIST marks over it. Pixels
 * and masks are loaded when it appears; until all are there it is black, and says so to who cannot see it. What moves often
 * (window, slice, zoom) costs one redrawing and no loading.
 */
export function Picture(props: PictureProps) {
  const { cases, index, shown, image, sizePx, overlay, label, onSlices, onMissing } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const pixels = usePixels(pixelsAddress(cases, index, "images", image));
  const masks = useMasks(cases, index, overlay?.masks ?? []);
  const loaded = pixels.value;
  const isMissing = loaded === undefined || masks.value === undefined;
  const name = label ?? shown.images[image].name;
  useEffect(() => {
    if (loaded !== undefined) onSlices?.(loaded.slices);
  }, [loaded, onSlices]);
  useLayoutEffect(() => {
    if (!isMissing) return;
    onMissing?.(name, true);
    return () => onMissing?.(name, false);
  }, [isMissing, name, onMissing]);
  useEffect(() => {
    if (canvas.current !== null && loaded !== undefined && masks.value !== undefined)
      draw(canvas.current, loaded, masks.value, props);
  });
  const failed = pixels.error !== undefined ? pixels : masks.error !== undefined ? masks : undefined;
  if (failed !== undefined)
    return (
      <button type="button" class="picture missing" style={{ width: sizePx, height: sizePx }} onClick={failed.again}>
        {failed === masks && "The mask on "}
        {name} could not be loaded: {failed.error}. Try again
      </button>
    );
  return (
    <canvas
      // Of another case nothing must be left to be seen.
      key={`${cases} ${index}`}
      ref={canvas}
      class="picture"
      role="img"
      aria-label={name}
      aria-busy={isMissing}
      data-state={isMissing ? "loading" : "drawn"}
      style={{ width: sizePx, height: sizePx }}
    />
  );
}

/** The slice that is shown first: that of the marks, else the middle one. */
export function firstSlice(shown: ShownCase, slices: number): number {
  return Math.min(slices - 1, shown.marks?.slice ?? slices >> 1);
}

interface Loading<T> {
  readonly value?: T;
  readonly error?: string;
  readonly again: () => void;
}

/** Pixels at an address, when they are there. */
export const usePixels = (address: string): Loading<Pixels> => useLoaded(address, () => loadPixels(address));

/** Masks of a case by their numbers, when all are there. */
function useMasks(cases: string, index: number, numbers: readonly number[]): Loading<ReadonlyMap<number, Pixels>> {
  return useLoaded(`${cases} ${index} ${numbers.join()}`, async () => {
    const asked = numbers.map(
      async (number) => [number, await loadPixels(pixelsAddress(cases, index, "masks", number))] as const,
    );
    return new Map(await Promise.all(asked));
  });
}

/** What `load` brings, which is another for another key. */
function useLoaded<T>(key: string, load: () => Promise<T>): Loading<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: string }>({ key });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let wanted = true;
    load().then(
      (value) => wanted && setState({ key, value }),
      (error: Error) => wanted && setState({ key, error: error.message }),
    );
    return () => {
      wanted = false;
    };
  }, [key, attempt]);
  const again = (): void => setAttempt(attempt + 1);
  return state.key === key ? { value: state.value, error: state.error, again } : { again };
}

/** The canvas has a pixel for every pixel of the screen, so that lines stay fine at any magnification. */
function draw(canvas: HTMLCanvasElement, pixels: Pixels, masks: ReadonlyMap<number, Pixels>, props: PictureProps): void {
  const { shown, image, sizePx, overlay, zoom } = props;
  const { zoom: perGridPixel, spacingMm, window: ownWindow } = shown.images[image];
  const side = Math.round(sizePx * (globalThis.devicePixelRatio || 1));
  if (canvas.width !== side) {
    canvas.width = side;
    canvas.height = side;
  }
  const context = canvas.getContext("2d", { alpha: false })!;
  const z = Math.min(pixels.slices - 1, props.slice ?? firstSlice(shown, pixels.slices));
  // A single slice is that of the marks, on whichever slice of the case's grid they lie.
  const gridZ = pixels.slices > 1 ? z : undefined;
  const { scaleX, scaleY, left, top } = placeOn(side, pixels, spacingMm, zoom);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#000";
  context.fillRect(0, 0, side, side);
  context.setTransform(scaleX, 0, 0, scaleY, left, top);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(windowed(pixels, z, stored(props.window ?? ownWindow, pixels, shown.images[image])), 0, 0);
  canvas.dataset.slice = String(z);
  if (overlay?.hidden) return;
  // Masks and marks lie on the case's grid.
  context.setTransform(scaleX * perGridPixel, 0, 0, scaleY * perGridPixel, left, top);
  const lineWidth = Math.max(1, side / 220) / (Math.max(scaleX, scaleY) * perGridPixel);
  context.lineWidth = lineWidth;
  context.lineJoin = "round";
  for (const number of overlay?.masks ?? []) {
    const mask = masks.get(number);
    if (mask === undefined) continue;
    context.strokeStyle = MASK_COLOURS[overlay?.oneColour ? 0 : number % MASK_COLOURS.length];
    context.beginPath();
    for (const ring of outlinesOf(mask, gridZ ?? firstSlice(shown, mask.slices)))
      ring.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.stroke();
  }
  if (overlay?.marks && shown.marks !== undefined && (gridZ ?? shown.marks.slice) === shown.marks.slice) {
    context.strokeStyle = MARKS_COLOUR;
    context.beginPath();
    for (const [[x1, y1], [x2, y2]] of [shown.marks.long, shown.marks.short]) {
      // Marks name pixels by their centres.
      context.moveTo(x1 + 0.5, y1 + 0.5);
      context.lineTo(x2 + 0.5, y2 + 0.5);
    }
    context.stroke();
  }
}

/** Where on a square of `side` pixels a picture lies: the size of its pixels there, and its upper left corner. */
export interface Placement {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly left: number;
  readonly top: number;
}

/** Millimetres are square on the screen even where pixels are not. */
export function placeOn(
  side: number,
  { width, height }: Pick<Pixels, "width" | "height">,
  [spacingX, spacingY]: ShownImage["spacingMm"],
  zoom: PictureProps["zoom"] = { factor: 1, x: 0.5, y: 0.5 },
): Placement {
  const fit = (side / Math.max(width * spacingX, height * spacingY)) * zoom.factor;
  const [scaleX, scaleY] = [fit * spacingX, fit * spacingY];
  return { scaleX, scaleY, left: placed(side, width * scaleX, zoom.x), top: placed(side, height * scaleY, zoom.y) };
}

/** Where a picture of `length` begins on a side of `side`, so that `centre` of it is in the middle, without a gap. */
function placed(side: number, length: number, centre: number): number {
  if (length <= side) return (side - length) / 2;
  return Math.min(0, Math.max(side - length, side / 2 - centre * length));
}

/** The window in the values that are stored: fractions may be stored as 8 or 16 bits. */
function stored({ low, high }: Window, { data }: Pixels, { levels }: ShownImage): Window {
  const one = levels === "HU" ? 1 : data instanceof Uint8Array ? 255 : data instanceof Uint16Array ? 65535 : 1;
  return { low: low * one, high: high * one };
}

/** One slice in grey, on a canvas of its own that the next drawing uses again. */
let scratch: HTMLCanvasElement | undefined;
function windowed({ data, width, height }: Pixels, z: number, { low, high }: Window): HTMLCanvasElement {
  scratch ??= document.createElement("canvas");
  scratch.width = width;
  scratch.height = height;
  const context = scratch.getContext("2d")!;
  const picture = context.createImageData(width, height);
  const grey = new Uint32Array(picture.data.buffer);
  const scale = 255 / (high - low);
  const start = z * width * height;
  for (let i = 0; i < grey.length; i++) {
    const value = (data[start + i] - low) * scale;
    const level = value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0;
    grey[i] = 0xff000000 | (level << 16) | (level << 8) | level;
  }
  context.putImageData(picture, 0, 0);
  return scratch;
}

/** Everyday words for the window: centre ("level") and width, in HU or percent. */
export function windowWords({ low, high }: Window, { levels }: ShownImage): string {
  const [centre, width] = [(low + high) / 2, high - low];
  return levels === "HU"
    ? `L ${Math.round(centre)} W ${Math.round(width)} HU`
    : `L ${(100 * centre).toFixed(0)} % W ${(100 * width).toFixed(0)} %`;
}
