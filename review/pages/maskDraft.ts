import { fromRuns, type Runs, toRuns } from "../../schemas/drawnMask.ts";

/** Size of a case's grid. */
export interface GridSize {
  readonly slices: number;
  readonly height: number;
  readonly width: number;
}

/** A pixel of a slice: column and row. */
export type Pixel = readonly [x: number, y: number];

/** What a press of the pointer paints: on the mask, or strokes for the cut. */
export type Tool = "brush" | "erase" | "lesion" | "background";

/** Steps that can be taken back. */
const MOST_STEPS = 100;

const LAYERS = ["mask", "strokes"] as const;

/** Strokes are kept as methods/labels/strokeCut.ts wants them. */
const STROKES = { lesion: 1, background: 2 } as const;

/** A slice as it was before something was done to it. */
export interface Step {
  readonly slice: number;
  readonly mask: Runs;
  readonly strokes: Runs;
}

/**
 * A mask under correction, with strokes for the cut, both [z, y, x] on the case's grid. What is done to a slice is a step
 * that can be taken back.
 */
export class MaskDraft {
  readonly size: GridSize;
  readonly mask: Uint8Array<ArrayBuffer>;
  readonly strokes: Uint8Array<ArrayBuffer>;
  readonly #steps: Step[];

  /** @param steps what can be taken back, in order. @throws RangeError where one is of another size */
  constructor(size: GridSize, mask?: ArrayLike<number>, strokes?: ArrayLike<number>, steps: readonly Step[] = []) {
    const isStep = (step: Step): boolean =>
      step.slice < size.slices && LAYERS.every((layer) => fromRuns(step[layer], size.height * size.width, 3) !== null);
    if (!steps.every(isStep)) throw new RangeError("a step is of a slice of another size");
    this.size = size;
    this.#steps = [...steps];
    const voxels = size.slices * size.height * size.width;
    this.mask = mask === undefined ? new Uint8Array(voxels) : Uint8Array.from(mask);
    this.strokes = strokes === undefined ? new Uint8Array(voxels) : Uint8Array.from(strokes);
  }

  /** What can be taken back, in order. */
  get steps(): readonly Step[] {
    return this.#steps;
  }

  get canUndo(): boolean {
    return this.#steps.length > 0;
  }

  sliceOf(layer: "mask" | "strokes", slice: number): Uint8Array<ArrayBuffer> {
    const area = this.size.height * this.size.width;
    return this[layer].subarray(slice * area, (slice + 1) * area);
  }

  /** Begins a step on `slice`: everything until the next one is taken back with it. */
  begin(slice: number): void {
    this.#steps.push({ slice, mask: toRuns(this.sliceOf("mask", slice)), strokes: toRuns(this.sliceOf("strokes", slice)) });
    if (this.#steps.length > MOST_STEPS) this.#steps.shift();
  }

  /** A round brush of `radiusPx` drawn from one pixel to another; 0 is a single pixel. */
  paint(tool: Tool, slice: number, from: Pixel, to: Pixel, radiusPx: number): void {
    const { width, height } = this.size;
    const layer = this.sliceOf(tool === "brush" || tool === "erase" ? "mask" : "strokes", slice);
    const value = tool === "brush" ? 1 : tool === "erase" ? 0 : STROKES[tool];
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const length2 = dx * dx + dy * dy;
    const reach = radiusPx + 0.5;
    const [left, right] = [Math.min(from[0], to[0]) - radiusPx, Math.max(from[0], to[0]) + radiusPx];
    const [top, bottom] = [Math.min(from[1], to[1]) - radiusPx, Math.max(from[1], to[1]) + radiusPx];
    for (let y = Math.max(0, top); y <= Math.min(height - 1, bottom); y++) {
      for (let x = Math.max(0, left); x <= Math.min(width - 1, right); x++) {
        const along = length2 === 0 ? 0 : ((x - from[0]) * dx + (y - from[1]) * dy) / length2;
        const t = Math.min(1, Math.max(0, along));
        if (Math.hypot(x - from[0] - t * dx, y - from[1] - t * dy) > reach) continue;
        layer[y * width + x] = value;
        // What is rubbed out is no lesion stroke either.
        if (tool === "erase") this.sliceOf("strokes", slice)[y * width + x] = 0;
      }
    }
  }

  /** Puts a slice of the mask in the place of the one that is there; its strokes stay, so that more can be added. */
  replace(slice: number, mask: Uint8Array): void {
    this.begin(slice);
    this.sliceOf("mask", slice).set(mask);
  }

  /** Takes the strokes of a slice away. */
  clearStrokes(slice: number): void {
    this.begin(slice);
    this.sliceOf("strokes", slice).fill(0);
  }

  /** @returns the slice on which something was taken back; null where there is nothing to take back */
  undo(): number | null {
    const step = this.#steps.pop();
    if (step === undefined) return null;
    for (const layer of LAYERS) {
      const there = this.sliceOf(layer, step.slice);
      there.set(fromRuns(step[layer], there.length, 3)!);
    }
    return step.slice;
  }

  /** Whether the mask has a voxel, and whether it is another than `mask`. */
  get isEmpty(): boolean {
    return !this.mask.includes(1);
  }

  differsFrom(mask: Uint8Array): boolean {
    return this.mask.some((value, i) => value !== (mask[i] > 0 ? 1 : 0));
  }
}
