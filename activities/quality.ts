import { z } from "zod";
import { getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { summarize } from "../methods/metrics/summary.ts";
import type { ReportInput } from "../report/reportInput.ts";
import { imagesMetaSchema } from "../schemas/images.ts";
import { linesType, parseLines, toLines } from "./datasets.ts";

/** A line of `quality.jsonl`: one picture, one task, one method. */
const qualityLineSchema = z.strictObject({
  image: z.string(),
  /** "denoise σ 25", "enlarge × 2". */
  task: z.string(),
  method: z.string(),
  /** dB; null where nothing differs. */
  psnr: z.number().nullable(),
  ssim: z.number(),
});
export type QualityLine = z.infer<typeof qualityLineSchema>;

/** `meta` of a `quality` manifest. */
const qualityMetaSchema = z.strictObject({ images: z.int().nonnegative(), origin: imagesMetaSchema.shape.origin });
export type QualityMeta = z.infer<typeof qualityMetaSchema>;

export function putQuality(store: Store, lines: readonly QualityLine[], meta: QualityMeta): Promise<Digest> {
  return putArtifact(store, {
    type: "quality",
    meta: qualityMetaSchema.parse(meta),
    files: [{ path: "quality.jsonl", bytes: toLines(lines.map((line) => qualityLineSchema.parse(line))), mediaType: linesType }],
  });
}

export async function openQuality(store: Store, digest: Digest): Promise<{ meta: QualityMeta; lines: QualityLine[] }> {
  const manifest = await getManifest(store, digest);
  const lines = parseLines(await readFile(store, manifest, "quality.jsonl"), qualityLineSchema);
  return { meta: qualityMetaSchema.parse(manifest.meta), lines };
}

/** What a report shows: mean and spread over pictures by task and method, in the order in which they were measured. */
export function qualityOf({
  name,
  value: { meta, lines },
}: {
  readonly name: string;
  readonly value: { readonly meta: QualityMeta; readonly lines: readonly QualityLine[] };
}): NonNullable<ReportInput["quality"]>[number] {
  const groups = new Map<string, QualityLine[]>();
  for (const line of lines) {
    const key = JSON.stringify([line.task, line.method]);
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  const tasks = [...new Set(lines.map(({ task }) => task))];
  const rows = [...groups.values()].map((own) => ({
    task: own[0].task,
    method: own[0].method,
    psnr: summarize(own.map(({ psnr }) => psnr)),
    ssim: summarize(own.map(({ ssim }) => ssim)),
  }));
  return { name, ...meta, rows: rows.sort((a, b) => tasks.indexOf(a.task) - tasks.indexOf(b.task)) };
}
