import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { proposeLesions } from "../../cli/commands/propose.ts";
import { searchProgress } from "../../cli/searchProgress.ts";
import { readNiftiMask, writeNifti } from "../../methods/imaging/nifti.ts";
import { InputError } from "../../methods/inputError.ts";
import { encodeModel } from "../../methods/networks/model.ts";
import { preprocessingSchema } from "../../methods/networks/preprocess.ts";
import { brightBalls } from "../networks/brightBalls.ts";
import { brightness } from "../networks/brightness.ts";

const balls = [
  { at: [40, 45, 9], radiusMm: 10 },
  { at: [76, 60, 14], radiusMm: 16 },
] as const;
/** An affine with turned and moved axes, so that the world is not the grid. */
const affine = [-1.5, 0, 0, 90, 0, -1.5, 0, 70, 0, 0, 4, -200, 0, 0, 0, 1];

let folder: string;
const at = (name: string): string => path.join(folder, name);
const search = { window: { low: 0, high: 1000 }, lengthsMm: [20, 32] };

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "recist3d-propose-"));
  await writeFile(at("ct.nii.gz"), writeNifti({ ...brightBalls(balls), affine }));
  for (const [name, bytes] of Object.entries(encodeModel(brightness()))) await writeFile(at(name), bytes);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

describe("propose", () => {
  it("writes masks on the image's grid, pictures, a table with centres in the world, and marks", async () => {
    const { proposals, dims } = await proposeLesions({ image: at("ct.nii.gz"), model: folder, out: at("out"), ...search });
    expect(proposals.map(({ id }) => id)).toEqual(["proposal-01", "proposal-02"]);
    for (const ball of balls) {
      const world = [90 - 1.5 * ball.at[0], 70 - 1.5 * ball.at[1], -200 + 4 * ball.at[2]];
      const found = proposals.find(({ centreMm }) => Math.hypot(...centreMm.map((mm, axis) => mm - world[axis])) < 4);
      expect(found).toBeDefined();
      const mask = readNiftiMask(await readFile(at(`out/${found!.mask}`)), "mask");
      expect(mask.dims).toEqual(dims);
      expect(mask.affine).toEqual(affine);
      const [x, y, z] = ball.at;
      expect(mask.data[(z * dims[1] + y) * dims[0] + x]).toBe(1);
      expect(found!.volumeMl * 1000).toBeCloseTo(mask.data.reduce((sum, value) => sum + value, 0) * 9, 6);
      expect(Math.abs(found!.longMm / (2 * ball.radiusMm) - 1)).toBeLessThan(0.12);
    }
    const lines = (await readFile(at("out/proposals.csv"), "utf8")).trim().split("\r\n");
    expect(lines).toHaveLength(3);
    expect(lines[1].split(",").slice(0, 2)).toEqual(["proposal-01", proposals[0].score.toFixed(4)]);
    expect(lines[1].split(",")).toHaveLength(lines[0].split(",").length);
    const marks = JSON.parse(await readFile(at("out/marks.json"), "utf8"));
    expect(marks).toEqual(proposals.map(({ id, marks: measured }) => JSON.parse(JSON.stringify({ id, ...measured }))));
    expect((await readdir(at("out"))).sort()).toEqual([
      "marks.json",
      "proposal-01.nii.gz",
      "proposal-01.png",
      "proposal-02.nii.gz",
      "proposal-02.png",
      "proposals.csv",
    ]);
  });

  it("refuses a model that has only learned with marks, before it looks at the image, and writes nothing", async () => {
    const card = { ...brightness(), preprocessing: preprocessingSchema.parse({ crop: { size: 64 }, channels: ["ellipse"] }) };
    for (const [name, bytes] of Object.entries(encodeModel(card))) await writeFile(path.join(folder, name), bytes);
    const refused = proposeLesions({ image: at("none.nii.gz"), model: folder, out: at("refused") });
    await expect(refused).rejects.toThrow(/shown the marks/);
    await expect(refused).rejects.toBeInstanceOf(InputError);
    expect(await readdir(folder)).not.toContain("refused");
  });
});

describe("the progress of a search", () => {
  it("says how much there is to do, how far it is and how long it still takes, every five seconds", () => {
    let now = 0;
    const said: string[] = [];
    const progress = searchProgress(
      (line) => said.push(line),
      () => now,
    );
    for (let done = 0; done < 120; done++) {
      progress({ phase: "looking", done, total: 120 });
      now += 100;
    }
    progress({ phase: "growing", done: 0, total: 2 });
    expect(said).toEqual([
      "120 places to look at",
      "10 of 120 places, about 11 s left",
      "60 of 120 places, about 6 s left",
      "110 of 120 places, about 1 s left",
      "2 candidates to grow",
    ]);
  });
});
