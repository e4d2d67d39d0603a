import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { components } from "../../methods/imaging/components.ts";
import type { Vec3 } from "../../methods/imaging/volume.ts";
import { lesionParts } from "../../methods/metrics/lesionParts.ts";

const row = (text: string): Uint8Array => Uint8Array.from(text, Number);
const voxels = (mask: Uint8Array): number => mask.reduce((n, v) => n + v, 0);

/** Voxels of every part of a row, as [reference, prediction]. */
function sizes(
  prediction: string,
  reference: string,
): { parts: [number, number][]; unmatched: { components: number; voxels: number } } {
  const found = lesionParts(row(prediction), row(reference), [reference.length, 1, 1], [1, 1, 1]);
  return {
    parts: Array.from({ length: found.count }, (_, n) => [voxels(found.part(n).reference), voxels(found.part(n).prediction)]),
    unmatched: found.unmatched,
  };
}

describe("lesionParts", () => {
  it.each([
    {
      what: "each its own",
      prediction: "0110011100",
      reference: "0010011000",
      parts: [
        [1, 2],
        [2, 3],
      ],
      alarms: 0,
    },
    {
      what: "one missed",
      prediction: "0110000000",
      reference: "0110011000",
      parts: [
        [2, 2],
        [2, 0],
      ],
      alarms: 0,
    },
    { what: "a false alarm", prediction: "0110000011", reference: "0110000000", parts: [[2, 2]], alarms: 2 },
    {
      what: "one blob over both, shared by distance, the middle to the first",
      prediction: "1111111000",
      reference: "1100011000",
      parts: [
        [2, 4],
        [2, 3],
      ],
      alarms: 0,
    },
    { what: "two pieces of one", prediction: "1010000000", reference: "1110000000", parts: [[3, 2]], alarms: 0 },
    { what: "nothing at all", prediction: "0000000000", reference: "0000000000", parts: [], alarms: 0 },
  ])("$what", ({ prediction, reference, parts, alarms }) => {
    const found = sizes(prediction, reference);
    expect(found.parts).toEqual(parts);
    expect(found.unmatched.voxels).toBe(alarms);
  });

  const grids = fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 }))
    .chain((dims) => {
      const mask = fc
        .array(fc.constantFrom(0, 0, 0, 1), { minLength: dims[0] * dims[1] * dims[2], maxLength: dims[0] * dims[1] * dims[2] })
        .map((m) => Uint8Array.from(m));
      return fc.tuple(fc.constant<Vec3>(dims), mask, mask);
    });

  test.prop([grids])(
    "gives every reference voxel, and every predicted one that is no false alarm, to one lesion",
    ([dims, prediction, reference]) => {
      const found = lesionParts(prediction, reference, dims, [0.8, 0.8, 3]);
      const parts = Array.from({ length: found.count }, (_, n) => found.part(n));
      expect(found.count).toBe(components(reference, dims, 26).sizes.length);
      expect(parts.reduce((n, p) => n + voxels(p.reference), 0)).toBe(voxels(reference));
      expect(parts.reduce((n, p) => n + voxels(p.prediction), 0) + found.unmatched.voxels).toBe(voxels(prediction));
    },
  );
});
