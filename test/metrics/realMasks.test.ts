import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readNiftiMask } from "../../methods/imaging/nifti.ts";
import type { Mask, Vec3 } from "../../methods/imaging/volume.ts";
import { scoreRegion } from "../../methods/metrics/lesionScores.ts";
import { sharedData } from "../labels/sharedData.ts";
import type { JudgedScores } from "./fixture.ts";

/** Written by test/oracles/metrics.py: real masks against themselves, moved by whole voxels. */
const judged: {
  readonly moved: Vec3;
  readonly tolerances: readonly number[];
  readonly masks: readonly (JudgedScores & { readonly file: string; readonly voxels: number })[];
} = JSON.parse(readFileSync(new URL("../fixtures/realMaskScores.json", import.meta.url), "utf8"));

function moved({ data, dims: [nx, ny, nz] }: Mask, [dx, dy, dz]: Vec3): Uint8Array {
  const found = new Uint8Array(data.length);
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        const inside = x + dx >= 0 && x + dx < nx && y + dy >= 0 && y + dy < ny && z + dz >= 0 && z + dz < nz;
        if (data[i] !== 0 && inside) found[((z + dz) * ny + y + dy) * nx + x + dx] = 1;
      }
    }
  }
  return found;
}

describe.skipIf(!existsSync(sharedData))("real masks, moved (needs ../shared/data)", () => {
  it.each(judged.masks)("$file: as MedPy, SimpleITK and surface-distance score it", ({ file, ...expected }) => {
    const place = path.join(sharedData, file);
    const mask = readNiftiMask(readFileSync(place), place);
    const { dims, spacingMm } = mask;
    const masks = { prediction: moved(mask, judged.moved), reference: mask.data, dims, spacingMm };
    const found = scoreRegion(masks, { tolerancesMm: judged.tolerances });
    expect(found.tp + found.fn).toBe(expected.voxels);
    const close = (value: number | null, other: number): void => {
      // spacings are kept as 32-bit floats in the files, and each program widens them in its own way
      expect(Math.abs((value as number) - other)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(other)));
    };
    close(found.precision, expected.precision);
    close(found.recall, expected.recall);
    close(found.dice, expected.dice);
    close(found.iou, expected.iou);
    close(found.volumetricSimilarity, expected.volumetricSimilarity);
    close(found.avdVoxels, expected.averageHausdorffVoxels);
    close(found.avdMm, expected.averageHausdorff);
    close(found.hausdorffMm, expected.hausdorff);
    close(found.hausdorff95Mm, expected.hd95);
    close(found.assdMm, expected.assd);
    close(found.volumeDifferenceMm3, expected.volumeDifference);
    for (const [i, share] of expected.surfaceDice.entries()) close(found.surfaceDice[judged.tolerances[i]], share);
  });
});
