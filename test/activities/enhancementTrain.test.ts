import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkpointsOf } from "../../activities/checkpoints.ts";
import { curatedSlices } from "../../activities/curatedSlices.ts";
import { gatherEnhanced, putEnhancedPart } from "../../activities/enhanced.ts";
import { loadEnhancer, loadSliceEnhancer } from "../../activities/enhancers.ts";
import { readImages } from "../../activities/images.ts";
import { putDecisions } from "../../activities/readingLog.ts";
import { putSource } from "../../activities/sources.ts";
import { bodyOf, parseInput } from "../../activities/steps/index.ts";
import type { StepContext, StepResult } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import type { Digest } from "../../artifacts/store.ts";
import { drawDeadLeaves } from "../../methods/datasets/deadLeaves.ts";
import { InputError } from "../../methods/inputError.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import type { Action } from "../../schemas/messages.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-enhancement-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const store = openFileStore(path.join(folder, "store"));
const backend = await openBackend({ prefer: "node" });
let keys = 0;
const freshKey = (): string => `${++keys}`.padStart(64, "a");
const context = (key = freshKey(), given: Partial<StepContext> = {}): StepContext => ({
  store,
  signal: new AbortController().signal,
  progress: () => undefined,
  backend: async () => backend,
  checkpoints: checkpointsOf(store, key as Digest),
  ...given,
});

async function sharded(kind: string, params: object, inputs: Action["inputs"] = {}): Promise<StepResult> {
  const body = bodyOf(kind);
  const input = parseInput({ kind, params: { ...params }, inputs });
  const parts = [];
  const count = await body.parts!(context(), input);
  for (let part = 0; part < count; part++) parts.push((await body.run(context(), { ...input, part })).outputs);
  return body.gather!(context(), input, parts);
}

const tiny = {
  ...{ width: 1 / 16, blocks: 1, patch: 16, batch: 2, featureWidth: 1 / 16, reportEverySteps: 2, checkpointEverySteps: 1 },
  ...{ pretraining: { steps: 2, rate: 1e-3 }, adversarial: { steps: 2, rate: 1e-3 } },
};
const train = (inputs: Record<string, Digest>, params: object, at = context()): Promise<StepResult> =>
  bodyOf("enhancement.train").run(
    at,
    parseInput({
      kind: "enhancement.train",
      params: { ...tiny, ...params },
      inputs: Object.fromEntries(Object.entries(inputs).map(([name, artifact]) => [name, { artifact }])),
    }),
  );

describe("images", () => {
  test("are imported from a folder and its subfolders in grey; small ones are left out and counted; other files are passed over", async () => {
    const root = path.join(folder, "photographs");
    mkdirSync(path.join(root, "HR"), { recursive: true });
    const png = (side: number, first: number) =>
      encode({
        width: side,
        height: side,
        channels: 1,
        data: Uint8Array.from({ length: side * side }, (_, i) => (first + i) % 256),
      });
    writeFileSync(path.join(root, "HR", "b.png"), png(20, 1));
    writeFileSync(path.join(root, "a.PNG"), png(16, 2));
    writeFileSync(path.join(root, "tiny.png"), png(15, 3));
    writeFileSync(path.join(root, "readme.txt"), "no picture");
    const params = { root, smallest: 16, shardSize: 1 };
    const source = { artifact: await putSource(store, "images.import", params) };
    const { outputs } = await sharded("images.import", params, { source });
    const { meta, pictures } = await readImages(store, outputs.images);
    expect(meta).toEqual({ origin: "photographs", images: 2, shards: 2, skipped: { "smaller than 16 pixels": 1 } });
    expect(pictures.map(({ id, pixels }) => [id, pixels.width, pixels.data[0]])).toEqual([
      ["HR/b.png", 20, 1],
      ["a.PNG", 16, 2],
    ]);
    writeFileSync(path.join(root, "a.PNG"), png(16, 9));
    await expect(sharded("images.import", params, { source })).rejects.toThrow(/a\.PNG: was changed while the campaign ran/);
    await expect(putSource(store, "images.import", { ...params, root: path.join(folder, "none") })).rejects.toThrow(InputError);
  });

  test("are drawn where there are no photographs, whatever the shards", async () => {
    const one = await sharded("images.synthesize", { images: 5, side: 64, seed: 3, shardSize: 2 });
    const other = await sharded("images.synthesize", { images: 5, side: 64, seed: 3, shardSize: 5 });
    const [drawn, again] = [await readImages(store, one.outputs.images), await readImages(store, other.outputs.images)];
    expect(drawn.meta).toMatchObject({ origin: "drawn", images: 5, shards: 3 });
    expect(drawn.pictures).toEqual(again.pictures);
    expect(drawn.pictures[4].pixels).toEqual(drawDeadLeaves(64, 3, 4));
  });
});

describe("enhancement.train", () => {
  let images: Digest;
  let denoiser: Digest;
  let enhancer: Digest;
  beforeAll(async () => {
    ({ images } = (await sharded("images.synthesize", { images: 4, side: 64 })).outputs);
    denoiser = (await train({ images }, { stage: "denoise" })).outputs.enhancer;
    enhancer = (await train({ images }, { stage: "enhance" })).outputs.enhancer;
  });

  test("gives both stages, which enlarge a slice together, and says what it was trained with", async () => {
    const stacked = await loadSliceEnhancer(store, { denoiser, enhancer }, backend);
    const slice = { data: new Float32Array(9 * 7).fill(0.5), width: 9, height: 7 };
    expect(await stacked.enhance(await stacked.denoise(slice), 2)).toMatchObject({ width: 18, height: 14 });
    stacked.dispose();
    const { stage, features, training, generator } = await loadEnhancer(store, denoiser);
    expect({ stage, features, generator }).toMatchObject({
      stage: "denoise",
      features: { origin: "random", width: 1 / 16 },
      generator: { blocks: 1, norm: "batch", skip: "image" },
    });
    expect(training).toMatchObject({
      pictures: { origin: "drawn", count: 4 },
      slices: 0,
      options: { degradation: { stage: "denoise", noise: [0, 50] } },
    });
    expect(training.history.at(-1)).toMatchObject({ phase: "adversarial", step: 4 });
  });

  test("goes on from the newest checkpoint after it was killed, to the same bytes", async () => {
    for (const kill of [1, 3]) {
      const stop = new AbortController();
      const key = `${kill}`.padStart(64, "0");
      const progress: StepContext["progress"] = ({ done }) => void (done === kill && stop.abort(new Error("killed")));
      await expect(train({ images }, { stage: "denoise" }, context(key, { signal: stop.signal, progress }))).rejects.toThrow(
        "killed",
      );
      const steps: number[] = [];
      const seen = context(key, { progress: ({ done, loss }) => void (loss !== undefined && steps.push(done)) });
      expect((await train({ images }, { stage: "denoise" }, seen)).outputs.enhancer).toBe(denoiser);
      expect(steps[0]).toBe(kill + 1);
    }
  });

  test("has the paper's sizes where it is told none", () => {
    const { params } = stepKinds["enhancement.train"];
    expect(params.parse({ stage: "denoise" })).toMatchObject({ width: 1, blocks: 9, patch: 32, noise: [0, 50] });
    expect(params.parse({ stage: "enhance" })).toMatchObject({
      blocks: 16,
      patch: 128,
      scale: [1, 4],
      smoothing: [0, 3],
      contrast: [1, 3],
    });
    expect(() => params.parse({ stage: "denoise", pretraining: { steps: 0 }, adversarial: { steps: 0 } })).toThrow(/no step/);
  });

  test("goes on from an enhancer of the same stage only", async () => {
    const tuned = await train({ images, init: denoiser }, { stage: "denoise", pretraining: { steps: 0 } });
    expect(tuned.outputs.enhancer).not.toBe(denoiser);
    await expect(train({ images, init: enhancer }, { stage: "denoise" })).rejects.toThrow(/init was trained to enhance/);
  });

  describe("with curated slices", () => {
    let slices: Digest;
    const decide = (answers: readonly (readonly [string, string])[]): Promise<Digest> =>
      putDecisions(
        store,
        answers.map(([id, answer]) => ({ case: id, repeat: false, reader: "a", answer, at: 1, tookMs: 1 })),
        { bytes: Buffer.from("") },
        { title: "curation", cases: "0".repeat(64) as Digest, decidedBy: "people", readers: [], closedBy: "readers" },
      );
    const made = async (method: "sgan" | "bicubic"): Promise<Digest> => {
      const picture = (side: number, index: number) => {
        const { data } = drawDeadLeaves(side, 7, index);
        return { data: Float32Array.from(data, (grey) => grey / 255), width: side, height: side };
      };
      // Regions of 30, 16 and 6 pixels, twice as fine.
      const lesion = (id: string, side: number, index: number) => ({
        ...{ id, zoom: 2, box: { x0: 3, y0: 3, x1: 3 + side, y1: 3 + side }, window: { low: -100, high: 200 }, slices: [4] },
        pictures: [
          { original: picture(2 * side, index), denoised: picture(2 * side, index), enhanced: picture(2 * side, index + 1) },
        ],
      });
      const part = await putEnhancedPart(store, [lesion("large", 30, 0), lesion("middle", 16, 2), lesion("small", 6, 4)]);
      return (await gatherEnhanced(store, [{ part }], { method })).outputs.enhanced;
    };
    beforeAll(async () => {
      slices = await made("sgan");
    });
    const select = { selected: "select", stage: "enhance", patch: 32 } as const;

    test("learns from the selected ones, at the size of its stage, mirrored where they do not fill a patch", async () => {
      const decisions = await decide([
        ["large", "select"],
        ["middle/4", "select"],
        ["small", "select"],
      ]);
      const enhanced = await curatedSlices(store, { slices, decisions }, select);
      expect(enhanced.tooSmall).toBe(1);
      expect(enhanced.pictures.map(({ id, pixels }) => [id, pixels.width])).toEqual([
        ["large/4", 60],
        ["middle/4", 32],
      ]);
      const denoised = await curatedSlices(store, { slices, decisions }, { ...select, stage: "denoise" });
      expect(denoised.pictures.map(({ id, pixels }) => [id, pixels.width])).toEqual([
        ["large/4", 32],
        ["middle/4", 32],
      ]);
      const { data } = denoised.pictures[0].pixels;
      expect([data[30], data[31]]).toEqual([data[29], data[28]]);
    });

    test("does not learn from what was not selected", async () => {
      const decisions = await decide([
        ["large", "reject"],
        ["middle", "select"],
      ]);
      const { pictures } = await curatedSlices(store, { slices, decisions }, select);
      expect(pictures.map(({ id }) => id)).toEqual(["middle/4"]);
      expect((await curatedSlices(store, { slices }, select)).pictures).toHaveLength(2);
      const tuned = await train({ images, init: denoiser, slices, decisions }, { stage: "denoise" });
      expect(tuned.summary).toMatchObject({ slices: 1, tooSmall: 0 });
      expect((await loadEnhancer(store, tuned.outputs.enhancer)).training.slices).toBe(1);
    });

    test("refuses slices of interpolation, decisions about others, and a selection of nothing", async () => {
      await expect(curatedSlices(store, { slices: await made("bicubic") }, select)).rejects.toThrow(/only interpolated/);
      await expect(curatedSlices(store, { slices, decisions: await decide([["other", "select"]]) }, select)).rejects.toThrow(
        /do not show other/,
      );
      await expect(curatedSlices(store, { slices, decisions: await decide([["large", "reject"]]) }, select)).rejects.toThrow(
        /no slice was answered "select"/,
      );
      await expect(curatedSlices(store, { slices, decisions: await decide([["small", "select"]]) }, select)).rejects.toThrow(
        /all too small for a patch of 32/,
      );
      const { checkInputs } = stepKinds["enhancement.train"];
      expect(checkInputs({}, new Set(["images", "decisions"]))).toMatch(/need the `slices`/);
      expect(checkInputs({}, new Set(["images", "slices", "decisions"]))).toBeNull();
    });
  });
});
