import { fc, it } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { Vec3 } from "../../methods/imaging/volume.ts";
import { type CutProblem, minimumCut } from "../../methods/labels/priorEnergy.ts";

/** The energy of `minimumCut`, written out: every pair of voxels that touch in the slice or lie above each other. */
function energy({ dims, spacingMm, hu, logOdds, contrast, smoothness }: CutProblem, mask: ArrayLike<number>): number {
  const [nx, ny, nz] = dims;
  const at = (i: number): Vec3 => [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))];
  let sum = 0;
  for (let p = 0; p < nx * ny * nz; p++) {
    if (mask[p] === 1) sum -= logOdds[p];
    for (let q = 0; q < p; q++) {
      if (mask[p] === mask[q]) continue;
      const [a, b] = [at(p), at(q)];
      const [dx, dy, dz] = [Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1]), Math.abs(a[2] - b[2])];
      if (dx > 1 || dy > 1 || dz > 1 || (dz === 1 && dx + dy > 0)) continue;
      const distance = Math.hypot(dx * spacingMm[0], dy * spacingMm[1], dz * spacingMm[2]);
      const mean = Math.sqrt(spacingMm[0] * spacingMm[1]);
      sum += ((smoothness * mean) / distance) * Math.exp(-((hu[p] - hu[q]) ** 2) / (2 * contrast));
    }
  }
  return sum;
}

const problems = (dims: Vec3) => {
  const voxels = dims[0] * dims[1] * dims[2];
  const values = (range: number) =>
    fc
      .array(fc.double({ min: -range, max: range, noNaN: true }), { minLength: voxels, maxLength: voxels })
      .map((list) => Float32Array.from(list));
  return fc.record({
    dims: fc.constant(dims),
    spacingMm: fc.tuple(
      fc.double({ min: 0.4, max: 1, noNaN: true }),
      fc.double({ min: 0.4, max: 1, noNaN: true }),
      fc.double({ min: 1, max: 5, noNaN: true }),
    ),
    hu: values(100),
    logOdds: values(3),
    contrast: fc.double({ min: 100, max: 5000, noNaN: true }),
    smoothness: fc.double({ min: 0, max: 3, noNaN: true }),
  });
};

describe("the minimum cut", () => {
  it.prop([fc.oneof(problems([3, 3, 1]), problems([2, 2, 2]))], { numRuns: 60 })(
    "has the least energy of all masks",
    (problem) => {
      const voxels = problem.hu.length;
      let least = Number.POSITIVE_INFINITY;
      for (let bits = 0; bits < 1 << voxels; bits++) {
        least = Math.min(
          least,
          energy(
            problem,
            Array.from({ length: voxels }, (_, i) => (bits >> i) & 1),
          ),
        );
      }
      expect(energy(problem, minimumCut(problem))).toBeCloseTo(least, 5);
    },
  );

  it.prop([problems([5, 4, 3]), fc.nat(59), fc.double({ min: 0.1, max: 4, noNaN: true })])(
    "only gains voxels when one becomes likelier",
    (problem, voxel, more) => {
      const before = minimumCut(problem);
      const after = minimumCut({ ...problem, logOdds: problem.logOdds.map((odds, i) => (i === voxel ? odds + more : odds)) });
      for (const [i, label] of before.entries()) expect(after[i]).toBeGreaterThanOrEqual(label);
    },
  );

  it("never takes a voxel bound to the background, and cuts uniform HU without a contrast", () => {
    const logOdds = Float32Array.from([5, 5, Number.NEGATIVE_INFINITY, 5]);
    const problem = { dims: [4, 1, 1] as Vec3, spacingMm: [1, 1, 1] as Vec3, hu: new Float32Array(4), contrast: 0 };
    expect(Array.from(minimumCut({ ...problem, logOdds, smoothness: 1 }))).toEqual([1, 1, 0, 1]);
  });
});
