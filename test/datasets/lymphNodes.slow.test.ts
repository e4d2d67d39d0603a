import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLesionShapes } from "../../methods/datasets/lesionShapes.ts";
import { openLymphNodes } from "../../methods/datasets/lymphNodes.ts";
import { marksOfMask } from "../../methods/datasets/simulatedMarks.ts";
import { cropVolume } from "../../methods/imaging/crop.ts";
import type { Mask, Vec3 } from "../../methods/imaging/volume.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import { ctOf, labelVolume, sideBySide, stored, writeDicomCt, writeNiftiCt, writeNodes } from "./lymphNodeFolder.ts";

const shared = path.join(process.env.RECIST3D_SHARED_DATA ?? "../shared/data", "lesion-shapes");
const PATIENTS = ["ABD_LYMPH_001", "ABD_LYMPH_003", "MED_LYMPH_003", "MED_LYMPH_010"];

describe.skipIf(!existsSync(shared))(
  "CT Lymph Nodes with the nodes of real patients, in constructed CT (needs the shared data)",
  () => {
    let root: string;
    const shapes = new Map<string, Mask[]>();
    beforeAll(async () => {
      root = mkdtempSync(path.join(tmpdir(), "recist3d-lymph-nodes-"));
      const archive = await openLesionShapes(shared);
      for (const [i, patient] of PATIENTS.entries()) {
        const masks = archive.entries.flatMap((entry, n) => (entry.patient === patient ? [archive.load(n)] : []));
        shapes.set(patient, masks);
        const { grid, nodes } = sideBySide(masks);
        const labels = labelVolume(grid, nodes);
        if (i % 2 === 0) writeDicomCt(root, patient, ctOf(labels));
        else writeNiftiCt(root, patient, stored(ctOf(labels), [false, true, i === 3]));
        writeNodes(root, patient, i === 2 ? stored(labels, [true, true, false]) : labels);
      }
    });
    afterAll(() => rmSync(root, { recursive: true, force: true }));

    it("gives back every node's shape, as a lesion of its own, with the marks that are measured in it", async () => {
      const source = await openLymphNodes(root, { seed: 1 });
      expect(source.entries.map(({ patient }) => patient)).toEqual([...PATIENTS].sort());
      let nodes = 0;
      for (const [i, { patient }] of source.entries.entries()) {
        const { cases, skipped } = await source.load(i);
        expect(skipped).toEqual({});
        expect(cases).toHaveLength(shapes.get(patient)!.length);
        for (const [n, { id, category, reference, image, marks, notes }] of cases.entries()) {
          const shape = shapes.get(patient)![n];
          expect(id).toBe(`${patient}-${String(n + 1).padStart(2, "0")}`);
          expect(category).toBe(patient.startsWith("MED") ? "mediastinum" : "abdomen");
          expect(notes).toEqual(
            patient === "ABD_LYMPH_001" ? [] : [expect.stringMatching(/^mask's axes \((y|yz|xy)\) were turned/)],
          );
          // The mask as it was drawn, whichever way its CT is stored.
          const reversed = [false, patient === "ABD_LYMPH_003" || patient === "MED_LYMPH_010", patient === "MED_LYMPH_010"];
          expect(tight(reference!).data).toEqual(tight(stored(shape, reversed as [boolean, boolean, boolean])).data);
          expect(image.data.findIndex((hu, p) => reference!.data[p] === 1 && hu < 60)).toBe(-1);
          const measured = marksOfMask(shape)!;
          expect(lengthMm(marks.long, image.spacingMm)).toBeCloseTo(lengthMm(measured.long, shape.spacingMm), 3);
          nodes++;
        }
      }
      expect(nodes).toBe(31);
    });
  },
);

/** The box of a mask's voxels. */
function tight(mask: Mask): Mask {
  const [nx, ny] = mask.dims;
  const low = [Infinity, Infinity, Infinity];
  const high = [0, 0, 0];
  mask.data.forEach((value, i) => {
    if (value === 0) return;
    [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))].forEach((at, axis) => {
      low[axis] = Math.min(low[axis], at);
      high[axis] = Math.max(high[axis], at + 1);
    });
  });
  return cropVolume(mask, low as unknown as Vec3, high as unknown as Vec3);
}
