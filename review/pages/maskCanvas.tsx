import { useEffect, useRef } from "preact/hooks";
import type { ShownImage } from "../../schemas/review.ts";
import type { MaskDraft, Pixel, Tool } from "./maskDraft.ts";
import { outlinesOf } from "./outlines.ts";
import { MASK_COLOURS, type PictureProps, type Placement, placeOn } from "./picture.tsx";

/** Red, green, blue, opacity. */
const STROKE_COLOURS = { 1: [77, 224, 122, 200], 2: [90, 169, 255, 200] } as const;
const FILL = [255, 77, 77, 70] as const;

export interface MaskCanvasProps {
  readonly draft: MaskDraft;
  /** Counts what was painted, since a draft changes in place. */
  readonly version: number;
  readonly slice: number;
  readonly sizePx: number;
  readonly spacingMm: ShownImage["spacingMm"];
  readonly zoom: NonNullable<PictureProps["zoom"]>;
  readonly tool: Tool;
  readonly radiusPx: number;
  /** Where the keys paint. */
  readonly cursor: Pixel;
  /** Whether mask and strokes are seen. */
  readonly isShown: boolean;
  readonly onCursor: (at: Pixel) => void;
  /** A press of the pointer begins; then pieces of it, from pixel to pixel; then it ends. */
  readonly onBegin: (at: Pixel) => void;
  readonly onPaint: (from: Pixel, to: Pixel) => void;
  readonly onEnd: () => void;
}

/** Lies over a picture: shows mask, strokes and brush, and takes what the pointer paints. */
export function MaskCanvas(props: MaskCanvasProps) {
  const { draft, sizePx, spacingMm, zoom, slice, cursor, onCursor, onBegin, onPaint, onEnd } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<Pixel | null>(null);
  useEffect(() => {
    if (canvas.current !== null) draw(canvas.current, props);
  });
  const pixelAt = (event: PointerEvent): Pixel => {
    const { left, top } = canvas.current!.getBoundingClientRect();
    const place = placeOn(sizePx, draft.size, spacingMm, zoom);
    return [
      Math.floor((event.clientX - left - place.left) / place.scaleX),
      Math.floor((event.clientY - top - place.top) / place.scaleY),
    ];
  };
  return (
    <canvas
      ref={canvas}
      class="mask-canvas"
      role="img"
      aria-label={`mask on slice ${slice + 1}, brush at column ${cursor[0]}, row ${cursor[1]}`}
      data-slice={slice}
      style={{ width: sizePx, height: sizePx }}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
        const at = pixelAt(event);
        last.current = at;
        onBegin(at);
        onPaint(at, at);
      }}
      onPointerMove={(event) => {
        const at = pixelAt(event);
        onCursor(at);
        if (last.current === null) return;
        onPaint(last.current, at);
        last.current = at;
      }}
      onPointerUp={() => {
        if (last.current !== null) onEnd();
        last.current = null;
      }}
      onPointerCancel={() => {
        if (last.current !== null) onEnd();
        last.current = null;
      }}
    />
  );
}

function draw(canvas: HTMLCanvasElement, props: MaskCanvasProps): void {
  const { draft, slice, sizePx, spacingMm, zoom, isShown, cursor, radiusPx, tool } = props;
  const side = Math.round(sizePx * (globalThis.devicePixelRatio || 1));
  if (canvas.width !== side) {
    canvas.width = side;
    canvas.height = side;
  }
  const context = canvas.getContext("2d")!;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, side, side);
  const place = placeOn(side, draft.size, spacingMm, zoom);
  context.setTransform(place.scaleX, 0, 0, place.scaleY, place.left, place.top);
  context.imageSmoothingEnabled = false;
  context.lineWidth = Math.max(1, side / 400) / Math.max(place.scaleX, place.scaleY);
  if (isShown) {
    context.drawImage(painted(draft, slice), 0, 0);
    context.strokeStyle = MASK_COLOURS[0];
    context.beginPath();
    for (const ring of outlinesOf({ ...draft.size, data: draft.mask }, slice))
      ring.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.stroke();
  }
  drawBrush(context, cursor, radiusPx, tool, place);
}

/** The brush as it would paint now. */
function drawBrush(context: CanvasRenderingContext2D, [x, y]: Pixel, radiusPx: number, tool: Tool, place: Placement): void {
  context.strokeStyle = { brush: MASK_COLOURS[0], erase: "#ffffff", lesion: MASK_COLOURS[1], background: MASK_COLOURS[2] }[tool];
  context.lineWidth = 1.5 / Math.max(place.scaleX, place.scaleY);
  context.beginPath();
  context.arc(x + 0.5, y + 0.5, radiusPx + 0.5, 0, 2 * Math.PI);
  context.stroke();
}

/** Mask and strokes of one slice in their colours, on a canvas that the next drawing uses again. */
let scratch: HTMLCanvasElement | undefined;
function painted(draft: MaskDraft, slice: number): HTMLCanvasElement {
  const { width, height } = draft.size;
  scratch ??= document.createElement("canvas");
  scratch.width = width;
  scratch.height = height;
  const context = scratch.getContext("2d")!;
  const picture = context.createImageData(width, height);
  const [mask, strokes] = [draft.sliceOf("mask", slice), draft.sliceOf("strokes", slice)];
  for (let p = 0; p < mask.length; p++) {
    const stroke = strokes[p] as 0 | 1 | 2;
    if (stroke !== 0) picture.data.set(STROKE_COLOURS[stroke], 4 * p);
    else if (mask[p] === 1) picture.data.set(FILL, 4 * p);
  }
  context.putImageData(picture, 0, 0);
  return scratch;
}
