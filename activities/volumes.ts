import { z } from "zod";
import { getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import {
  type PatientResponse,
  patientResponseSchema,
  type VolumeLine,
  type VolumesMeta,
  volumeLineSchema,
  volumesMetaSchema,
} from "../schemas/volumes.ts";
import { linesType, parseLines, toLines } from "./datasets.ts";

/** A volumes artifact, opened. */
export interface Volumes {
  readonly digest: Digest;
  readonly meta: VolumesMeta;
  readonly lines: readonly VolumeLine[];
  /** Null where no response was assessed. */
  readonly responses: readonly PatientResponse[] | null;
}

export async function openVolumes(store: Store, digest: Digest): Promise<Volumes> {
  const manifest = await getManifest(store, digest);
  const meta = volumesMetaSchema.parse(manifest.meta);
  const lines = parseLines(await readFile(store, manifest, "volumes.jsonl"), volumeLineSchema);
  const responses =
    meta.response === undefined
      ? null
      : z.array(patientResponseSchema).parse(JSON.parse((await readFile(store, manifest, "responses.json")).toString("utf8")));
  return { digest, meta, lines, responses };
}

export function putVolumes(store: Store, { meta, lines, responses }: Omit<Volumes, "digest">): Promise<Digest> {
  return putArtifact(store, {
    type: "volumes",
    meta: volumesMetaSchema.parse(meta),
    files: [
      { path: "volumes.jsonl", bytes: toLines(lines), mediaType: linesType },
      ...(responses === null
        ? []
        : [{ path: "responses.json", bytes: Buffer.from(JSON.stringify(responses)), mediaType: "application/json" }]),
    ],
  });
}

/** Lines by what `keyOf` says, each group in the order of its time points. */
export function byTime(lines: readonly VolumeLine[], keyOf: (line: VolumeLine) => string): Map<string, VolumeLine[]> {
  const groups = new Map<string, VolumeLine[]>();
  for (const line of lines) {
    const group = groups.get(keyOf(line));
    if (group === undefined) groups.set(keyOf(line), [line]);
    else group.push(line);
  }
  for (const group of groups.values()) group.sort((a, b) => a.timePoint - b.timePoint);
  return groups;
}
