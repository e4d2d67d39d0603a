import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset, readLesions } from "../../activities/datasets.ts";
import { responseData, volumeData } from "../../activities/reportVolumes.ts";
import { putSource } from "../../activities/sources.ts";
import { openVolumes } from "../../activities/volumes.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import { reportInputSchema } from "../../report/reportInput.ts";
import { volumeNumbers } from "../../report/volumeNumbers.ts";
import { options, writeBackgroundFolder, writeShapeFolder } from "../datasets/implantMaterial.ts";
import { stepOutputs } from "./stepOutputs.ts";

let root: string;
let store: Store;
let dataset: Digest;
beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-volumes-"));
  store = openFileStore(path.join(root, "store"));
  writeShapeFolder(path.join(root, "shapes"));
  writeBackgroundFolder(path.join(root, "backgrounds"));
  const params = {
    ...{ sets: options.sets, seed: 3, lesions: 6, followUps: 2, stable: 0.6, growth: [0.5, 2], longAxisPx: [12, 20] },
    ...{ testFraction: 1, shardSize: 4, shapes: path.join(root, "shapes"), backgrounds: path.join(root, "backgrounds") },
  };
  const source = await putSource(store, "timepoints.construct", params);
  dataset = (await step("timepoints.construct", params, { source })).all;
});
afterAll(() => rmSync(root, { recursive: true }));

const step = (kind: string, params: object, inputs: Record<string, Digest>): Promise<Record<string, Digest>> =>
  stepOutputs(store, kind, params, inputs);

describe("volumes over time", () => {
  it("are measured at every time point by mask, by method and by πLW²/6, and then assessed", async () => {
    const { predictions } = await step("segmentation.classical", { method: "ellipsoid" }, { lesions: dataset });
    const measured = await step("volumes.measure", {}, { lesions: dataset, "predictions:Ellipsoid": predictions });
    const volumes = await openVolumes(store, measured.volumes);
    expect(volumes.meta).toMatchObject({ lesions: 6, timePoints: 3, constructed: true, origin: "semi-synthetic" });
    expect(volumes.meta.methods.map(({ name }) => name)).toEqual(["πLW²/6 of the marks", "Ellipsoid"]);

    const opened = await openDataset(store, dataset);
    for await (const { lesion, reference } of readLesions(store, opened)) {
      const line = volumes.lines.find(({ id }) => id === lesion.id)!;
      const [l, w] = [lengthMm(lesion.long, lesion.spacingMm), lengthMm(lesion.short, lesion.spacingMm)];
      expect(line.measuredMl["πLW²/6 of the marks"]).toBeCloseTo((Math.PI * l * w * w) / 6000, 9);
      const voxels = reference!.data.reduce((sum, value) => sum + value, 0);
      expect(line.referenceMl).toBeCloseTo((voxels * lesion.spacingMm.reduce((a, b) => a * b)) / 1000, 9);
    }

    const assessed = await openVolumes(store, (await step("response.assess", { method: "Ellipsoid" }, measured)).volumes);
    expect(assessed.lines).toEqual(volumes.lines);
    expect(assessed.responses!.map(({ timePoints }) => timePoints.length)).toEqual(assessed.responses!.map(() => 3));
    for (const { patient, timePoints } of assessed.responses!) {
      const own = volumes.lines.filter((line) => line.patient === patient);
      for (const [t, { sumMm, volumeMl }] of timePoints.entries()) {
        const now = own.filter(({ timePoint }) => timePoint === t);
        expect(sumMm).toBeCloseTo(
          now.reduce((sum, { longMm }) => sum + longMm, 0),
          9,
        );
        expect(volumeMl).toBeCloseTo(
          now.reduce((sum, { measuredMl }) => sum + measuredMl.Ellipsoid, 0),
          9,
        );
      }
    }

    // Of lymph nodes the short axes count.
    const nodes = await openVolumes(store, (await step("response.assess", { lymphNodes: true }, measured)).volumes);
    for (const { patient, timePoints } of nodes.responses!)
      for (const [t, { sumMm, newLesions }] of timePoints.entries()) {
        const now = volumes.lines.filter((line) => line.patient === patient && line.timePoint === t);
        expect(sumMm).toBeCloseTo(
          now.reduce((sum, { shortMm }) => sum + shortMm, 0),
          9,
        );
        expect(newLesions).toBe("no");
      }

    const named = [{ name: "volumes", value: assessed }];
    const [ofVolumes, ofChanges] = volumeData(named).filter(({ method }) => method === "Ellipsoid");
    expect([ofVolumes.points.length, ofChanges.points.length]).toEqual([18, 12]);
    const unchanged = new Set(volumes.lines.map(({ lesion }) => lesion));
    for (const { lesion, constructedFactor } of volumes.lines) if (constructedFactor !== 1) unchanged.delete(lesion);
    expect(unchanged.size).toBeGreaterThan(0);
    const [numbers] = volumeNumbers(reportInputSchema.shape.volumes.parse([ofVolumes]));
    expect(numbers).toMatchObject({ unchanged: unchanged.size, repeatability: { lesions: unchanged.size } });
    const [first, , third] = volumes.lines
      .filter(({ lesion }) => lesion === "course-00002")
      .sort((a, b) => a.timePoint - b.timePoint);
    expect(ofChanges.points.find(({ lesion }) => lesion === third.id)).toMatchObject({
      referenceMl: third.referenceMl! - first.referenceMl!,
      measuredMl: third.measuredMl.Ellipsoid - first.measuredMl.Ellipsoid,
    });
    expect(responseData(named)[0].patients).toEqual(assessed.responses);
  });

  it("refuse a method that fills one slice, and volumes that nobody measured", async () => {
    const { predictions } = await step("segmentation.classical", { method: "ellipse" }, { lesions: dataset });
    await expect(step("volumes.measure", {}, { lesions: dataset, "predictions:Ellipse": predictions })).rejects.toThrow(
      /"Ellipse" fill the RECIST slice only/,
    );
    const measured = await step("volumes.measure", {}, { lesions: dataset });
    await expect(step("response.assess", { method: "WSSS" }, measured)).rejects.toThrow(/no volumes were measured by "WSSS"/);
  });
});
