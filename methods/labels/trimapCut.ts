import type { Slice, Vec3 } from "../imaging/volume.ts";
import { LayeredFlow } from "./layeredFlow.ts";
import { LatticeFlow } from "./maxflow.ts";
import { BINDING, type Smoothness } from "./smoothness.ts";
import { Region } from "./trimap.ts";

/** The eight neighbours, in the order in which OpenCV's graph walks them. */
const NEIGHBOURS: readonly Vec3[] = [
  [1, 1, 0],
  [0, 1, 0],
  [-1, 1, 0],
  [1, 0, 0],
  [1, -1, 0],
  [0, -1, 0],
  [-1, -1, 0],
  [-1, 0, 0],
];
/** Directions to the pixels that come later in raster order. */
const LATER = [0, 1, 2, 3];

/**
 * A cut is found in whichever way is fastest only where every other cut costs more by more than this: far more than
 * rounding makes of some 10⁵ sums of capacities below 450, and less than what real pictures leave between cuts.
 */
const SLACK = 1e-7;

/** The graphs are kept between calls, so that a campaign's many cuts share their buffers. */
const uncertain = new LayeredFlow(NEIGHBOURS);
const whole = new LatticeFlow(NEIGHBOURS);

/**
 * Minimum cuts of one picture: the same edges and the same certain pixels, with one data term after the other.
 *
 * Only uncertain pixels are vertices. A certain one is bound to its terminal, so that its edges are terminal edges of its
 * neighbours. The flow of one cut is where the next begins. Where more than one cut is minimum, or nearly (a flat
 * picture), the whole graph is cut again in OpenCV's order, so that the same one is found.
 *
 * One object at a time: its flow lives in buffers that the next one takes over.
 */
export class TrimapCut {
  private readonly image: Slice<Uint8Array>;
  private readonly smoothness: Smoothness;
  /** Uncertain pixels and their vertices. */
  private readonly pixels: Int32Array;
  private readonly vertices: Int32Array;
  private readonly certain: number;
  private pull = new Float64Array(256);

  /** @param regions `[y, x]`, a `Region` per pixel. */
  constructor(image: Slice<Uint8Array>, regions: Uint8Array, smoothness: Smoothness) {
    this.image = image;
    this.smoothness = smoothness;
    const { width, height } = image;
    let count = 0;
    let [x0, y0, x1, y1] = [width, height, 0, 0];
    const pixels = new Int32Array(width * height);
    for (let y = 0, p = 0; y < height; y++) {
      for (let x = 0; x < width; x++, p++) {
        if (regions[p] < Region.probableBackground) continue;
        pixels[count++] = p;
        if (x < x0) x0 = x;
        if (x >= x1) x1 = x + 1;
        if (y < y0) y0 = y;
        y1 = y + 1;
      }
    }
    this.pixels = pixels.subarray(0, count);
    this.vertices = new Int32Array(count);
    if (count > 0) uncertain.reset([x1 - x0, y1 - y0, 1]);
    for (let i = 0; i < count; i++) {
      const x = pixels[i] % width;
      this.vertices[i] = uncertain.vertex(x - x0, (pixels[i] - x) / width - y0);
    }
    this.certain = count === 0 ? 0 : (x1 - x0) * (y1 - y0) - count;
    this.join(regions);
  }

  /**
   * Decides the uncertain pixels by the minimum cut.
   *
   * @param pull cost of the background less that of the foreground, by grey level; ∞ − ∞ binds to the foreground.
   * @param regions written where they are uncertain.
   * @returns whether any pixel has changed.
   */
  decide(pull: Float64Array, regions: Uint8Array): boolean {
    const { pixels, vertices } = this;
    const { data } = this.image;
    const { terminal } = uncertain;
    const finite = pull.map((value) => (Number.isNaN(value) ? BINDING : Math.min(BINDING, Math.max(-BINDING, value))));
    const change = finite.map((value, level) => value - this.pull[level]);
    this.pull = finite;
    for (let i = 0; i < pixels.length; i++) terminal[vertices[i]] += change[data[pixels[i]]];
    if (pixels.length > 0) uncertain.solve();
    if (pixels.length > 0 && uncertain.undecided(SLACK) > this.certain) return this.decideInOrder(pull, regions);
    let changed = false;
    for (let i = 0; i < pixels.length; i++) {
      const region = uncertain.onSourceSide(vertices[i]) ? Region.probableForeground : Region.probableBackground;
      if (regions[pixels[i]] === region) continue;
      regions[pixels[i]] = region;
      changed = true;
    }
    return changed;
  }

  /** Capacities between uncertain pixels, and the pull of their certain neighbours. */
  private join(regions: Uint8Array): void {
    const { pixels, vertices, smoothness } = this;
    const { data, width, height } = this.image;
    const { capacity, terminal, directions } = uncertain;
    for (let i = 0; i < pixels.length; i++) {
      const p = pixels[i];
      const v = vertices[i];
      const x = p % width;
      const y = (p - x) / width;
      for (let d = 0; d < directions; d++) {
        const [dx, dy] = NEIGHBOURS[d];
        if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
        const q = p + dy * width + dx;
        const step = Math.abs(data[p] - data[q]);
        const weight = dx !== 0 && dy !== 0 ? smoothness.diagonal[step] : smoothness.straight[step];
        if (regions[q] === Region.foreground) terminal[v] += weight;
        else if (regions[q] === Region.background) terminal[v] -= weight;
        else capacity[v * directions + d] = weight;
      }
    }
  }

  /** The cut of all pixels that OpenCV finds where several are minimum. */
  private decideInOrder(pull: Float64Array, regions: Uint8Array): boolean {
    const { data, width, height } = this.image;
    const { straight, diagonal } = this.smoothness;
    whole.reset([width, height, 1]);
    const { capacity, terminal, directions, opposite, strides } = whole;
    for (let y = 0, p = 0; y < height; y++) {
      for (let x = 0, v = whole.vertex(0, y); x < width; x++, v++, p++) {
        if (regions[p] === Region.background) terminal[v] = -BINDING;
        else if (regions[p] === Region.foreground) terminal[v] = BINDING;
        else terminal[v] = pull[data[p]];
        for (const d of LATER) {
          const [dx, dy] = NEIGHBOURS[d];
          if (x + dx < 0 || x + dx >= width || y + dy >= height) continue;
          const step = Math.abs(data[p] - data[p + dy * width + dx]);
          const weight = dx !== 0 && dy !== 0 ? diagonal[step] : straight[step];
          capacity[v * directions + d] = weight;
          capacity[(v + strides[d]) * directions + opposite[d]] = weight;
        }
      }
    }
    whole.solve();
    let changed = false;
    for (const p of this.pixels) {
      const x = p % width;
      const side = whole.onSourceSide(whole.vertex(x, (p - x) / width));
      const region = side ? Region.probableForeground : Region.probableBackground;
      if (regions[p] !== region) changed = true;
      regions[p] = region;
    }
    return changed;
  }
}
