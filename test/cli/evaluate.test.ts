import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { evaluateFiles, register } from "../../cli/commands/evaluate.ts";
import { writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { scoreRegion } from "../../methods/metrics/lesionScores.ts";
import { scoreColumns } from "../../methods/metrics/scoreColumns.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "recist3d-evaluate-"));
});
afterAll(() => rm(root, { recursive: true }));

const spacingMm: Vec3 = [0.5, 0.5, 5];
/** Slices of one row each. */
const rows = (...text: string[]): Uint8Array => Uint8Array.from(text.join(""), Number);

async function save(name: string, data: Uint8Array, nz: number, affine = scalingAffine(spacingMm)): Promise<string> {
  const file = path.join(root, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, writeNiftiMask({ data, dims: [data.length / nz, 1, nz], spacingMm, affine }));
  return file;
}

describe("evaluate, two files", () => {
  it("scores every component of the reference and the whole image, by hand", async () => {
    const reference = await save("pair/reference.nii.gz", rows("110000011", "110000000"), 2);
    const prediction = await save("pair/prediction.nii.gz", rows("111000000", "100010000"), 2);
    const { lesions, total, unmatched, summary } = await evaluateFiles({ prediction, reference });
    expect(lesions.map((l) => [l.lesion, l.tp, l.fp, l.fn, l.tn])).toEqual([
      ["1", 3, 1, 1, 13],
      ["2", 0, 0, 2, 16],
    ]);
    expect(lesions[0]).toMatchObject({
      dice: 0.75,
      precision: 0.75,
      recall: 0.75,
      volumetricSimilarity: 1,
      referenceMm3: 5,
      predictedMm3: 5,
    });
    // one voxel of four is one column off, on either side
    expect([lesions[0].avdVoxels, lesions[0].avdMm, lesions[0].hausdorffMm]).toEqual([0.25, 0.125, 0.5]);
    expect(lesions[1]).toMatchObject({ dice: 0, precision: null, recall: 0, avdVoxels: null, avdMm: null });
    expect(total).toMatchObject({ tp: 3, fp: 2, fn: 3, tn: 10, dice: 6 / 11 });
    expect(unmatched).toEqual({ components: 1, voxels: 1 });
    expect(summary.dice).toMatchObject({ n: 2, undefined: 0, mean: 0.375 });
    expect(summary.avdMm).toMatchObject({ n: 1, undefined: 1, mean: 0.125 });
  });

  it("one lesion alone scores as the whole image does", async () => {
    const [p, r] = [rows("0111000000", "0011100000", "0000000000"), rows("0110000000", "0111000000", "0010000000")];
    const found = await evaluateFiles({
      prediction: await save("one/p.nii.gz", p, 3),
      reference: await save("one/r.nii.gz", r, 3),
    });
    const { lesion, ...score } = found.lesions[0];
    expect(score).toEqual(found.total);
    const masks = { prediction: p, reference: r, dims: [10, 1, 3], spacingMm } as const;
    expect(score).toEqual(scoreRegion(masks, { tolerancesMm: [1, 3] }));
    expect([lesion, score.predictedMm3, score.referenceMm3]).toEqual(["1", 7.5, 7.5]);
  });

  it("empty masks: two score 1, one scores 0 and its distance is undefined", async () => {
    const empty = await save("empty/empty.nii.gz", rows("0000", "0000"), 2);
    const full = await save("empty/full.nii.gz", rows("0110", "0000"), 2);
    expect((await evaluateFiles({ prediction: empty, reference: empty })).total).toMatchObject({
      dice: 1,
      avdVoxels: 0,
      avdMm: 0,
    });
    expect((await evaluateFiles({ prediction: full, reference: empty })).total).toMatchObject({
      dice: 0,
      avdVoxels: null,
      avdMm: null,
    });
    expect((await evaluateFiles({ prediction: empty, reference: full })).total).toMatchObject({
      dice: 0,
      avdVoxels: null,
      precision: null,
      recall: 0,
    });
  });

  it("measures the surface Dice at the tolerances asked for, and how far the volumes differ", async () => {
    const reference = await save("tolerance/r.nii.gz", rows("0110000000"), 1);
    const prediction = await save("tolerance/p.nii.gz", rows("0111100000"), 1);
    const { lesions, summary } = await evaluateFiles({ prediction, reference, tolerancesMm: [0.5, 2] });
    expect(Object.keys(summary).filter((name) => name.startsWith("surface"))).toEqual(["surfaceDice0.5mm", "surfaceDice2mm"]);
    expect(Object.keys(scoreColumns(lesions[0])).filter((name) => name.startsWith("surface"))).toHaveLength(2);
    expect(lesions[0].surfaceDice[0.5]).toBeLessThan(1);
    expect(lesions[0].surfaceDice[2]).toBe(1);
    // two voxels of 0.5 × 0.5 × 5 mm too many
    expect(lesions[0]).toMatchObject({ volumeDifferenceMm3: 2.5, relativeVolumeDifference: 1 });
    expect(summary.surfaceDice2mm).toMatchObject({ n: 1, mean: 1 });
  });

  it("refuses a tolerance that is no distance", async () => {
    const file = await save("tolerance/r.nii.gz", rows("0110000000"), 1);
    const program = new Command().exitOverride();
    register(program);
    const line = ["evaluate", "--prediction", file, "--reference", file, "--tolerance-mm", "1", "far"];
    await expect(program.parseAsync(line, { from: "user" })).rejects.toThrow(/--tolerance-mm far is not a distance/);
  });

  it("refuses another grid", async () => {
    const reference = await save("grid/reference.nii.gz", rows("0110", "0000"), 2);
    const moved = scalingAffine(spacingMm);
    moved[3] = 7;
    const prediction = await save("grid/prediction.nii.gz", rows("0110", "0000"), 2, moved);
    await expect(evaluateFiles({ prediction, reference })).rejects.toThrow(InputError);
    await expect(evaluateFiles({ prediction, reference })).rejects.toThrow(/prediction\.nii\.gz.*another grid/);
    const shorter = await save("grid/shorter.nii.gz", rows("0110"), 1);
    await expect(evaluateFiles({ prediction: shorter, reference })).rejects.toThrow(InputError);
  });
});

describe("evaluate, two folders", () => {
  it("matches files by name; every file is a lesion, also one in two pieces", async () => {
    await save("a/b.nii.gz", rows("0110", "0000"), 2);
    await save("a/a.nii.gz", rows("1001", "0000"), 2);
    await save("r/a.nii.gz", rows("1001", "0000"), 2);
    await save("r/b.nii", rows("0100", "0000"), 2);
    await writeFile(path.join(root, "r", "notes.txt"), "not a mask");
    const { lesions, total, unmatched } = await evaluateFiles({
      prediction: path.join(root, "a"),
      reference: path.join(root, "r"),
    });
    expect(lesions.map((l) => [l.lesion, l.dice])).toEqual([
      ["a", 1],
      ["b", 2 / 3],
    ]);
    expect(total).toEqual({
      tp: 3,
      fp: 1,
      fn: 0,
      tn: 12,
      precision: 0.75,
      recall: 1,
      dice: 6 / 7,
      iou: 0.75,
      volumetricSimilarity: expect.closeTo(6 / 7, 12),
    });
    expect(unmatched).toBeNull();
  });

  it.each([
    { missing: "prediction", prediction: ["a"], reference: ["a", "b"] },
    { missing: "reference", prediction: ["a", "b"], reference: ["a"] },
  ])("names the mask that has no $missing", async ({ missing, prediction, reference }) => {
    const folders = [path.join(`missing-${missing}`, "p"), path.join(`missing-${missing}`, "r")];
    for (const [folder, ids] of [
      [folders[0], prediction],
      [folders[1], reference],
    ] as const)
      for (const id of ids) await save(path.join(folder, `${id}.nii.gz`), rows("01"), 1);
    const evaluating = evaluateFiles({ prediction: path.join(root, folders[0]), reference: path.join(root, folders[1]) });
    await expect(evaluating).rejects.toThrow(InputError);
    await expect(evaluating).rejects.toThrow(new RegExp(`b\\.nii\\.gz: has no ${missing}`));
  });

  it("refuses what it cannot compare", async () => {
    const file = await save("other/a.nii.gz", rows("01"), 1);
    await mkdir(path.join(root, "nothing"));
    await expect(evaluateFiles({ prediction: file, reference: path.join(root, "other") })).rejects.toThrow(
      /is a file and .* is a folder/,
    );
    await expect(evaluateFiles({ prediction: path.join(root, "nothing"), reference: path.join(root, "other") })).rejects.toThrow(
      /holds no NIfTI mask/,
    );
    await expect(evaluateFiles({ prediction: path.join(root, "absent"), reference: file })).rejects.toThrow(
      /absent: there is no such file or folder/,
    );
    await save("twice/a.nii.gz", rows("01"), 1);
    await save("twice/a.nii", rows("01"), 1);
    await expect(evaluateFiles({ prediction: path.join(root, "twice"), reference: path.join(root, "other") })).rejects.toThrow(
      /one lesion's name/,
    );
  });
});

describe("the commands", () => {
  it.each(["evaluate", "measure"])("%s --json writes one JSON document to stdout, and a table without", async (name) => {
    const file = await save("command/a.nii.gz", rows("0110", "0110"), 2);
    const command = await import(`../../cli/commands/${name}.ts`);
    const written: string[] = [];
    const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
    const run = async (...more: string[]): Promise<string> => {
      written.length = 0;
      const program = new Command();
      command.register(program);
      await program.parseAsync([name, ...(name === "evaluate" ? ["--prediction", file, "--reference", file] : [file]), ...more], {
        from: "user",
      });
      return written.join("");
    };
    const [json, text] = [await run("--json"), await run()];
    write.mockRestore();
    const { total } = JSON.parse(json);
    expect(name === "evaluate" ? total.dice : total.voxels).toBe(name === "evaluate" ? 1 : 4);
    expect(text).toMatch(name === "evaluate" ? /whole image +1\.000/ : /total: 1 components, 0\.005 ml/);
  });
});
