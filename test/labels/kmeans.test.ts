import { describe, expect, it } from "vitest";
import { clusterLevels } from "../../methods/labels/kmeans.ts";
import { MultiplyWithCarry } from "../../methods/labels/multiplyWithCarry.ts";
import { fixture, lcg } from "./fixture.ts";

describe("the random stream", () => {
  it("is the recurrence state ← low · 4164903690 + carry on 64 bits", () => {
    const random = new MultiplyWithCarry(12345);
    let state = 12345n;
    for (let i = 0; i < 1000; i++) {
      state = (state & 0xffffffffn) * 4164903690n + (state >> 32n);
      expect(random.next()).toBe(Number(state & 0xffffffffn));
    }
  });

  it("takes seed 0 for 2³² − 1", () => {
    expect(new MultiplyWithCarry(0).next()).toBe(new MultiplyWithCarry(0xffffffff).next());
  });
});

describe("k-means of grey levels equals OpenCV's", () => {
  it.each(fixture.kmeans)(
    "seed $seed: $count samples of $levels levels from $offset",
    ({ seed, count, levels, offset, clusters }) => {
      const samples = Uint8Array.from(lcg(seed, count), (value) => Math.min(255, Math.floor((value * levels) / 32768) + offset));
      const counts = clusterLevels(samples, 5, new MultiplyWithCarry(seed));
      const found = Array.from({ length: 5 }, (_, c) =>
        Array.from(counts.subarray(c * 256, (c + 1) * 256).entries()).filter(([, n]) => n > 0),
      );
      expect(found).toEqual(clusters);
    },
  );
});
