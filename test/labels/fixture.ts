import { readFileSync } from "node:fs";
import type { Slice } from "../../methods/imaging/volume.ts";
import type { Axis } from "../../methods/labels/recist.ts";

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
  readonly base: number;
  readonly contrast: number;
  readonly noise: number;
}

/** Written by test/oracles/labels.py with OpenCV and SciPy; masks are runs of alternating value and length. */
interface LabelsFixture {
  readonly kmeans: readonly {
    readonly seed: number;
    readonly count: number;
    readonly levels: number;
    readonly offset: number;
    /** Per cluster: pairs of level and number of samples. */
    readonly clusters: readonly (readonly [number, number][])[];
  }[];
  readonly trimaps: readonly {
    readonly long: Axis;
    readonly short: Axis;
    readonly roi: [number, number, number, number];
    readonly trimap: readonly number[];
  }[];
  readonly diameters: readonly {
    readonly spacing: [number, number];
    readonly mask: readonly number[];
    readonly longMm: number;
    readonly shortMm: number;
  }[];
  readonly grabcut: readonly {
    readonly picture: Picture;
    readonly seed: number;
    readonly trimap: readonly number[];
    readonly regions: readonly number[];
  }[];
}

export const fixture: LabelsFixture = JSON.parse(readFileSync(new URL("../fixtures/labels.json", import.meta.url), "utf8"));

export function fromRuns(runs: readonly number[]): Uint8Array {
  const values: number[] = [];
  for (let i = 0; i < runs.length; i += 2) values.push(...new Array<number>(runs[i + 1]).fill(runs[i]));
  return Uint8Array.from(values);
}

/** Integers in 0 … 32767, the same in labels.py. */
export function lcg(seed: number, count: number): Uint16Array {
  let state = seed;
  return Uint16Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >>> 16;
  });
}

/** A bright ellipse under uniform noise, the same in labels.py. */
export function picture({ width, height, seed, base, contrast, noise }: Picture): Slice<Uint8Array> {
  const grain = lcg(seed, width * height);
  const data = new Uint8Array(width * height);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const inside = ((6 * x - 3 * width) * height) ** 2 + ((8 * y - 4 * height) * width) ** 2 < (2 * width * height) ** 2;
      const level = base + (inside ? contrast : 0) + Math.floor((grain[p] * (2 * noise + 1)) / 32768) - noise;
      data[p] = Math.min(255, Math.max(0, level));
    }
  }
  return { data, width, height };
}
