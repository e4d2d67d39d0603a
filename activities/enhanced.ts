import { z } from "zod";
import { inParallel } from "../artifacts/inParallel.ts";
import { type ArtifactFile, getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { Box, Slice, Volume } from "../methods/imaging/volume.ts";
import { InputError } from "../methods/inputError.ts";
import type { InitialOptions } from "../methods/labels/initial.ts";
import { roiOfMarks } from "../methods/labels/trimap.ts";
import type { EnhancedPictures } from "../methods/networks/enhancedPictures.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "../methods/networks/safetensors.ts";
import type { Manifest } from "../schemas/artifacts.ts";
import { type Lesion, lesionSchema } from "../schemas/dataset.ts";
import { digestSchema } from "../schemas/digest.ts";
import type { Action } from "../schemas/messages.ts";
import { linesType, parseLines, safetensorsType, shardPath, toLines } from "./datasets.ts";
import { keepingLast } from "./keepingLast.ts";
import type { StepResult } from "./steps/step.ts";

/**
 * A line of `lesions.jsonl`. The pictures lie in `shards/<shard, 5 digits>.safetensors`: `<id>/original`, `<id>/denoised`
 * (not where the method is bicubic) and `<id>/enhanced`, each U16 `[slices, y, x]`, 0 … 65535 over the display window, which is exact to
 * 1/131070 of it (0.003 HU of 400). All are `zoom` times as fine as the slice and show the same `box` of it.
 */
const enhancedLineSchema = z.strictObject({
  id: lesionSchema.shape.id,
  shard: z.int().nonnegative(),
  zoom: z.number().positive(),
  /** On the grid of the lesion's crop; x1, y1 are exclusive. */
  box: z.strictObject({ x0: z.int(), y0: z.int(), x1: z.int(), y1: z.int() }),
  window: lesionSchema.shape.window,
  /** z of the crop, ascending: which slice each picture shows. */
  slices: z.array(z.int().nonnegative()).min(1),
});
export type EnhancedLine = z.infer<typeof enhancedLineSchema>;
const partLineSchema = enhancedLineSchema.omit({ shard: true });

/** `meta` of an `enhanced` manifest. */
export const enhancedMetaSchema = z.strictObject({
  /** bicubic: enlarged, nothing more. */
  method: z.enum(["bicubic", "sgan"]),
  lesions: z.int().nonnegative(),
  denoiser: digestSchema.optional(),
  enhancer: digestSchema.optional(),
});
export type EnhancedMeta = z.infer<typeof enhancedMetaSchema>;

const pictureNames = ["original", "denoised", "enhanced"] as const;
const FULL_SCALE = 65535;
const REMEDY = "wire `enhanced` to an enhancement.apply over the same lesions";

/** A lesion with the pictures of its slices, in their order. */
export interface EnhancedLesion extends z.infer<typeof partLineSchema> {
  readonly pictures: readonly EnhancedPictures[];
}

export function putEnhancedPart(store: Store, lesions: readonly EnhancedLesion[]): Promise<Digest> {
  const tensors: Record<string, Tensor> = {};
  for (const { id, pictures } of lesions) {
    for (const name of pictureNames) {
      const stack = pictures.flatMap((picture) => picture[name] ?? []);
      if (stack.length === 0) continue;
      const [{ width, height }] = stack;
      const data = new Uint16Array(stack.length * width * height);
      stack.forEach((slice, i) => data.set(asFractions(slice), i * width * height));
      tensors[`${id}/${name}`] = { dtype: "U16", shape: [stack.length, height, width], data };
    }
  }
  const lines = lesions.map(({ pictures: _, ...line }) => partLineSchema.parse(line));
  return putArtifact(store, {
    type: "part",
    meta: { lesions: lesions.length },
    files: [
      { path: "shard.safetensors", bytes: encodeSafetensors(tensors), mediaType: safetensorsType },
      { path: "lesions.jsonl", bytes: toLines(lines), mediaType: linesType },
    ],
  });
}

export async function gatherEnhanced(
  store: Store,
  parts: readonly Record<string, Digest>[],
  meta: Omit<EnhancedMeta, "lesions">,
): Promise<StepResult> {
  const files: ArtifactFile[] = [];
  const lines: EnhancedLine[] = [];
  const read = await inParallel(parts, async ({ part }) => {
    const manifest = await getManifest(store, part);
    return { manifest, own: parseLines(await readFile(store, manifest, "lesions.jsonl"), partLineSchema) };
  });
  for (const [shard, { manifest, own }] of read.entries()) {
    lines.push(...own.map((line) => ({ ...line, shard })));
    files.push({ ...manifest.blobs.find(({ path }) => path === "shard.safetensors")!, path: shardPath(shard) });
  }
  files.push({ path: "lesions.jsonl", bytes: toLines(lines), mediaType: linesType });
  const complete = enhancedMetaSchema.parse({ ...meta, lesions: lines.length });
  const enhanced = await putArtifact(store, { type: "enhanced", meta: complete, files });
  return { outputs: { enhanced }, summary: { lesions: lines.length } };
}

export interface Enhanced {
  readonly digest: Digest;
  readonly manifest: Manifest;
  readonly meta: EnhancedMeta;
  /** By lesion. */
  readonly lines: ReadonlyMap<string, EnhancedLine>;
}

/** Every part of a step asks for the same artifact, so the last few are kept. */
export const openEnhanced = keepingLast(4, async (store: Store, digest: Digest): Promise<Enhanced> => {
  const manifest = await getManifest(store, digest);
  const meta = enhancedMetaSchema.parse(manifest.meta);
  const lines = parseLines(await readFile(store, manifest, "lesions.jsonl"), enhancedLineSchema);
  return { digest, manifest, meta, lines: new Map(lines.map((line) => [line.id, line])) };
});

/** What one lesion's enhanced slice is made of. */
export interface EnhancedSlice {
  readonly zoom: number;
  readonly box: Box;
  readonly pictures: EnhancedPictures;
}

/**
 * The pictures of slice `z` of a lesion, in [0, 1].
 *
 * @throws InputError where the artifact has none of this lesion, of this slice, or in this display window.
 */
export async function readEnhancedSlice(
  store: Store,
  { digest, manifest, lines }: Enhanced,
  { id, window }: { readonly id: string; readonly window: EnhancedLine["window"] },
  z: number,
): Promise<EnhancedSlice> {
  const where = `enhanced slices ${digest.slice(0, 12)}`;
  const line = lines.get(id);
  if (line === undefined) throw new InputError(`hold no picture of lesion ${id}`, where, REMEDY);
  const at = line.slices.indexOf(z);
  if (at < 0) throw new InputError(`show slices ${line.slices.join(", ")} of lesion ${id}, not ${z}`, where, REMEDY);
  if (line.window.low !== window.low || line.window.high !== window.high)
    throw new InputError(
      `show lesion ${id} from ${line.window.low} to ${line.window.high} HU, the data set from ${window.low} to ${window.high} HU`,
      where,
      REMEDY,
    );
  const tensors = await unpackedShard(store, manifest.blobs.find(({ path }) => path === shardPath(line.shard))!.digest as Digest);
  const picture = (name: (typeof pictureNames)[number]): Slice<Float32Array> | undefined => {
    const tensor = tensors[`${id}/${name}`];
    if (tensor === undefined) return undefined;
    const [, height, width] = tensor.shape;
    const values = (tensor.data as Uint16Array).subarray(at * width * height, (at + 1) * width * height);
    return { data: Float32Array.from(values, (value) => value / FULL_SCALE), width, height };
  };
  const denoised = picture("denoised");
  return {
    zoom: line.zoom,
    box: line.box,
    pictures: {
      original: picture("original")!,
      ...(denoised === undefined ? {} : { denoised }),
      enhanced: picture("enhanced")!,
    },
  };
}

/**
 * For GrabCut-R-SR: the enhanced ROI of the marks on the RECIST slice, where the step has an input `enhanced`.
 *
 * @throws InputError where the artifact does not show this ROI.
 */
export async function enhancedRoi(
  store: Store,
  { enhanced: input }: Action["inputs"],
  lesion: Lesion,
  { dims }: Pick<Volume, "dims">,
): Promise<Pick<InitialOptions, "enhanced" | "enhancedBy">> {
  if (input === undefined) return {};
  const opened = await openEnhanced(store, input.artifact as Digest);
  const { box, pictures } = await readEnhancedSlice(store, opened, lesion, lesion.slice);
  const roi = roiOfMarks(lesion, dims[0], dims[1]);
  if (box.x0 !== roi.x0 || box.y0 !== roi.y0 || box.x1 !== roi.x1 || box.y1 !== roi.y1)
    throw new InputError(`does not show the ROI of lesion ${lesion.id}`, `enhanced slices ${opened.digest.slice(0, 12)}`, REMEDY);
  return { enhanced: pictures.enhanced, enhancedBy: opened.meta.method === "bicubic" ? "bicubic" : "network" };
}

/** Lesions are asked for one by one, so the last shards are kept. */
const unpackedShard = keepingLast(
  2,
  async (store: Store, blob: Digest) => decodeSafetensors(await store.getBlob(blob), `blob ${blob}`).tensors,
);

function asFractions({ data }: Slice<Float32Array>): Uint16Array {
  return Uint16Array.from(data, (grey) => Math.round(grey * FULL_SCALE));
}
