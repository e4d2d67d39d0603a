import { describe, expect, it } from "vitest";
import { bodyMask } from "../../methods/imaging/bodyMask.ts";
import { scalingAffine, type Volume } from "../../methods/imaging/volume.ts";
import { randomStream } from "../../methods/random.ts";

const dims = [160, 160, 4] as const;
const spacingMm = [2, 2, 5] as const;
const inEllipse = (x: number, y: number, cx: number, cy: number, a: number, b: number): boolean =>
  Math.hypot((x - cx) / a, (y - cy) / b) < 1;

/** A chest in noisy air: body, two lungs of −850 HU, bowel gas, a table below a gap of air. */
function chest(): Volume {
  const random = randomStream(1, "noise");
  const data = Int16Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) => {
    const [x, y] = [i % dims[0], Math.floor(i / dims[0]) % dims[1]];
    const noise = Math.round(30 * random.normal());
    if (y >= 148 && y < 153) return 100 + noise;
    if (!inEllipse(x, y, 80, 75, 70, 55)) return -1000 + noise;
    if (inEllipse(x, y, 50, 75, 20, 35) || inEllipse(x, y, 110, 75, 20, 35)) return -850 + noise;
    return (inEllipse(x, y, 80, 110, 8, 8) ? -1000 : 40) + noise;
  });
  return { dims, spacingMm, affine: scalingAffine(spacingMm), data };
}

describe("the body", () => {
  const body = bodyMask(chest());
  it("is tissue with lungs and gas within, neither air nor table", () => {
    for (let z = 0; z < 4; z++)
      for (const [x, y] of [
        [80, 75],
        [50, 75],
        [110, 75],
        [80, 110],
      ])
        expect(body.has(x, y, z), `${x}, ${y}`).toBe(true);
    for (const [x, y] of [
      [2, 2],
      [80, 140],
      [80, 150],
      [158, 75],
    ])
      expect(body.has(x, y, 1), `${x}, ${y}`).toBe(false);
    for (const [x, y, z] of [
      [-1, 75, 1],
      [80, 160, 1],
      [80, 75, 4],
    ])
      expect(body.has(x, y, z)).toBe(false);
    const exact = (Math.PI * 70 * 55) / (160 * 160);
    expect(Math.abs(body.share / exact - 1)).toBeLessThan(0.1);
  });
  it("is everything in a crop that has no air, and nothing in air", () => {
    const filled = (hu: number): Volume => ({ ...chest(), data: new Int16Array(dims[0] * dims[1] * dims[2]).fill(hu) });
    expect(bodyMask(filled(-850)).share).toBe(1);
    expect(bodyMask(filled(-1000)).share).toBe(0);
    expect(bodyMask(filled(-1000)).has(80, 75, 1)).toBe(false);
  });
});
