import { type Random, randomStream } from "../../random.ts";

const SIDE = 256;
const TILES = 4;

/**
 * Reconstruction kernel: the noise power rises with frequency f (ramp filter) and is apodised, power ∝ f · exp(−(f/f₀)²),
 * f₀ in cycles per pixel; so noise is grainy, positively correlated over neighbours, and without slow drift.
 */
export const kernels = { soft: 0.16, sharp: 0.26 } as const;
export type Kernel = keyof typeof kernels;

/**
 * Periodic 256² noise tiles of zero mean and unit variance, the same for everybody: each is made once per process
 * from its own stream.
 */
const tilesOfKernel = new Map<Kernel, readonly Float32Array[]>();

function tiles(kernel: Kernel): readonly Float32Array[] {
  let made = tilesOfKernel.get(kernel);
  if (made === undefined) {
    made = Array.from({ length: TILES / 2 }, (_, i) =>
      tilePair(randomStream(0, `phantom noise, ${kernel}`, i), kernels[kernel]),
    ).flat();
    tilesOfKernel.set(kernel, made);
  }
  return made;
}

/** Adds noise of standard deviation `sdHu` to a slice `[y, x]`; it repeats after 256 pixels. */
export function addNoise(slice: Float32Array, width: number, kernel: Kernel, sdHu: number, random: Random): void {
  // The sum of two tiles, each shifted and turned at random, hardly ever repeats.
  for (let layer = 0; layer < 2; layer++) {
    const tile = tiles(kernel)[random.integer(TILES)];
    const [dx, dy, flip] = [random.integer(SIDE), random.integer(SIDE), random.integer(8)];
    const gain = sdHu * Math.SQRT1_2 * (flip & 4 ? -1 : 1);
    for (let i = 0, row = 0; i < slice.length; row++) {
      const y = (flip & 1 ? dy - row : dy + row) & (SIDE - 1);
      for (let column = 0; column < width; column++, i++) {
        const x = (flip & 2 ? dx - column : dx + column) & (SIDE - 1);
        slice[i] += gain * tile[y * SIDE + x];
      }
    }
  }
}

/** Shapes complex white noise in the frequency domain; its real and imaginary parts are two independent tiles. */
function tilePair(random: Random, cutoff: number): [Float32Array, Float32Array] {
  const re = new Float64Array(SIDE * SIDE);
  const im = new Float64Array(SIDE * SIDE);
  let power = 0;
  for (let v = 0; v < SIDE; v++) {
    for (let u = 0; u < SIDE; u++) {
      const f = Math.hypot(Math.min(u, SIDE - u), Math.min(v, SIDE - v)) / SIDE;
      const gain = Math.sqrt(f) * Math.exp(-0.5 * (f / cutoff) ** 2);
      power += gain * gain;
      re[v * SIDE + u] = gain * random.normal();
      im[v * SIDE + u] = gain * random.normal();
    }
  }
  for (let i = 0; i < SIDE; i++) transform(re, im, i * SIDE, 1);
  for (let i = 0; i < SIDE; i++) transform(re, im, i, SIDE);
  const scale = 1 / Math.sqrt(power);
  return [Float32Array.from(re, (x) => x * scale), Float32Array.from(im, (x) => x * scale)];
}

/** In-place radix-2 Fourier transform (unscaled) of SIDE numbers from `start` on, `step` apart. */
function transform(re: Float64Array, im: Float64Array, start: number, step: number): void {
  const swap = (data: Float64Array, a: number, b: number): void => {
    const kept = data[a];
    data[a] = data[b];
    data[b] = kept;
  };
  for (let i = 1, j = 0; i < SIDE; i++) {
    let bit = SIDE >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      swap(re, start + i * step, start + j * step);
      swap(im, start + i * step, start + j * step);
    }
  }
  for (let half = 1; half < SIDE; half *= 2) {
    for (let k = 0; k < half; k++) {
      const [c, s] = [Math.cos((Math.PI * k) / half), Math.sin((Math.PI * k) / half)];
      for (let i = k; i < SIDE; i += 2 * half) {
        const a = start + i * step;
        const b = a + half * step;
        const x = re[b] * c - im[b] * s;
        const y = re[b] * s + im[b] * c;
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}
