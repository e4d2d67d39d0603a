import { resizeAntialiased } from "../../imaging/resample.ts";
import type { Slice } from "../../imaging/volume.ts";
import { InputError } from "../../inputError.ts";
import type { Backend, Tensor } from "../backend.ts";
import type { Weights } from "../weights.ts";
import type { Enhancer } from "./enhancer.ts";
import { createGenerator, type Generate } from "./forward.ts";
import { folded, type GeneratorSpec, generatorLayers, parametersOf } from "./layers.ts";

/** The stacked GAN on slices whose grey values are fractions of the display window, 0 … 1; so are the results. */
export interface SliceEnhancer {
  /** X1 = G1(X0): the noise is reduced, the size stays. */
  denoise(x0: Slice<Float32Array>): Promise<Slice<Float32Array>>;
  /**
   * X2 = G2(X1 ↑ zoom): X1 is enlarged bicubically to ⌊side · zoom + ½⌋ pixels, then enhanced. The paper's zooms are 2 … 5.
   * @throws InputError when the zoom is below 1.
   */
  enhance(x1: Slice<Float32Array>, zoom: number): Promise<Slice<Float32Array>>;
  /** Frees the device's memory. */
  dispose(): void;
}

/** Side of the tiles in pixels that a large slice is worked on in, without the margin that each sees beside it. */
const TILE = 192;

/** @throws InputError when the two are not a denoiser and an enhancer, in this order. */
export function createSliceEnhancer(denoiser: Enhancer, enhancer: Enhancer, backend: Backend): SliceEnhancer {
  for (const [{ stage }, wanted] of [
    [denoiser, "denoise"],
    [enhancer, "enhance"],
  ] as const)
    if (stage !== wanted)
      throw new InputError(`an enhancer of stage ${stage} stands where ${wanted} belongs`, undefined, "exchange the inputs");
  const g1 = applyGenerator(denoiser.generator, denoiser.weights.generator, backend);
  const g2 = applyGenerator(enhancer.generator, enhancer.weights.generator, backend);
  return {
    denoise: async (x0) => g1.apply(x0),
    async enhance(x1, zoom) {
      if (!(zoom >= 1)) throw new InputError(`the zoom is ${zoom}`, undefined, "give a number of 1 or more");
      return g2.apply(resizeAntialiased(x1, Math.round(x1.width * zoom), Math.round(x1.height * zoom)));
    },
    dispose() {
      g1.dispose();
      g2.dispose();
    },
  };
}

/** A generator for inference, on slices of any size. */
export interface AppliedGenerator {
  /** G(x), cut to 0 … 1. The result does not depend on tiles: each sees as much beside it as the network looks at. */
  apply(slice: Slice<Float32Array>, tile?: number): Slice<Float32Array>;
  dispose(): void;
}

export function applyGenerator(spec: GeneratorSpec, weights: Weights, backend: Backend): AppliedGenerator {
  const { tf } = backend;
  const plain = folded(generatorLayers(spec), weights);
  const parameters = new Map<string, Tensor>(
    parametersOf(plain.layers).map(({ name, shape }) => [name, tf.tensor(plain.weights[name], [...shape])]),
  );
  const generate = createGenerator(spec, parameters, backend, { layers: plain.layers, frozen: true });
  const margin = plain.layers.reduce((sum, { side }) => sum + (side - 1) / 2, 0);
  return {
    apply: (slice, tile = TILE) => inTiles(slice, tile, margin, (part) => generated(generate, part, backend)),
    dispose: () => parameters.forEach((tensor) => tensor.dispose()),
  };
}

function generated(generate: Generate, { data, width, height }: Slice<Float32Array>, { tf }: Backend): Slice<Float32Array> {
  const values = tf.tidy(() =>
    generate(tf.tensor4d(data, [1, height, width, 1]))
      .clipByValue(0, 1)
      .dataSync<"float32">(),
  );
  return { data: values as Float32Array, width, height };
}

/** `work` on tiles with a margin, of which it must need no more than that around each pixel. */
function inTiles(
  slice: Slice<Float32Array>,
  tile: number,
  margin: number,
  work: (part: Slice<Float32Array>) => Slice<Float32Array>,
): Slice<Float32Array> {
  const { width, height } = slice;
  const whole = tile + 2 * margin;
  if (width <= whole && height <= whole) return work(slice);
  const result = new Float32Array(width * height);
  for (let top = 0; top < height; top += tile) {
    for (let left = 0; left < width; left += tile) {
      const [right, bottom] = [Math.min(width, left + tile), Math.min(height, top + tile)];
      const x0 = Math.max(0, left - margin);
      const y0 = Math.max(0, top - margin);
      const seen = { width: Math.min(width, right + margin) - x0, height: Math.min(height, bottom + margin) - y0 };
      const data = new Float32Array(seen.width * seen.height);
      for (let y = 0; y < seen.height; y++)
        data.set(slice.data.subarray((y0 + y) * width + x0, (y0 + y) * width + x0 + seen.width), y * seen.width);
      const made = work({ ...seen, data });
      for (let y = top; y < bottom; y++) {
        const from = (y - y0) * seen.width;
        result.set(made.data.subarray(from + left - x0, from + right - x0), y * width + left);
      }
    }
  }
  return { data: result, width, height };
}
