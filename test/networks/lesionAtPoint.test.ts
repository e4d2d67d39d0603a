import { describe, expect, it } from "vitest";
import { scalingAffine, type Volume } from "../../methods/imaging/volume.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { lesionAtPoint } from "../../methods/networks/lesionAtPoint.ts";
import { brightness } from "./brightness.ts";

const backend = await openBackend({ prefer: "node" });
/** Discs (mm) of full brightness on slice 1 of a volume of 120 × 120 pixels of `pixelMm`. */
function discs(pixelMm: number, ...list: { at: [number, number]; radiusMm: number }[]): Volume {
  const spacingMm = [pixelMm, pixelMm, 5] as const;
  const data = Int16Array.from({ length: 120 * 120 * 3 }, (_, i) => {
    const [x, y, z] = [i % 120, Math.floor(i / 120) % 120, Math.floor(i / 14400)];
    return z === 1 && list.some(({ at, radiusMm }) => Math.hypot(x - at[0], y - at[1]) * pixelMm <= radiusMm) ? 1000 : 0;
  });
  return { dims: [120, 120, 3], spacingMm, affine: scalingAffine(spacingMm), data };
}
const window = { low: 0, high: 1000 };

describe("a lesion at a point", () => {
  it.each([
    [0.7, 7],
    [0.7, 20],
    [1, 33],
  ])(
    "pixels of %f mm, radius %f mm: found with its own size and centre from a point off its middle",
    async (pixelMm, radiusMm) => {
      const image = discs(
        pixelMm,
        { at: [60, 57], radiusMm },
        { at: [60 + (2.4 * radiusMm) / pixelMm, 57], radiusMm: radiusMm / 2 },
      );
      const off = [60 - (0.5 * radiusMm) / pixelMm, 57 + (0.3 * radiusMm) / pixelMm] as const;
      const found = await lesionAtPoint(brightness(), backend, image, window, { slice: 1, at: off });
      expect((found!.region.lengthPx * pixelMm) / (2 * radiusMm)).toBeCloseTo(1, 0);
      expect(Math.abs((found!.region.lengthPx * pixelMm) / (2 * radiusMm) - 1)).toBeLessThan(0.12);
      expect(Math.hypot(found!.region.centre[0] - 60, found!.region.centre[1] - 57) * pixelMm).toBeLessThan(0.12 * radiusMm);
      expect(found!.agreement).toBeGreaterThan(0.95);
    },
  );

  it("is nothing where the network finds nothing at the point", async () => {
    const image = discs(1, { at: [60, 60], radiusMm: 10 });
    expect(await lesionAtPoint(brightness(), backend, image, window, { slice: 1, at: [30, 60] })).toBeNull();
    expect(await lesionAtPoint(brightness(), backend, image, window, { slice: 0, at: [60, 60] })).toBeNull();
  });
});
