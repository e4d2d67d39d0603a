import type { ArtifactFile } from "../artifacts/manifest.ts";
import { getManifest, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { type Revision, revisionSchema } from "../schemas/revision.ts";
import { linesType, parseLines, toLines } from "./datasets.ts";
import type { Labels } from "./labels.ts";

const FILE = "revisions.jsonl";

export function revisionFile(revisions: readonly Revision[]): ArtifactFile {
  return { path: FILE, bytes: toLines(revisions), mediaType: linesType };
}

/** What became of every mask, of labels that `labels.revise` made or of one of their parts. */
export async function readRevisions(store: Store, labels: Digest): Promise<Revision[]> {
  return parseLines(await readFile(store, await getManifest(store, labels), FILE), revisionSchema);
}

/** For the report: how many masks went where, and who drew some of them. Nothing for labels of another kind. */
export async function revisionRemarks(
  store: Store,
  { name, digest, value }: { name: string; digest: Digest; value: Labels },
): Promise<string[]> {
  if (value.meta.method !== "revised") return [];
  const revisions = await readRevisions(store, digest);
  const lesions = (count: number): string => (count === 1 ? "1 lesion" : `${count} lesions`);
  const by = new Map<string, number>();
  for (const { became, how, edit } of revisions) {
    const what = edit === undefined ? `${became} (${how})` : `edited by ${edit.author}`;
    by.set(what, (by.get(what) ?? 0) + 1);
  }
  return [
    `Labels ${name}: ${[...by]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, n]) => `${lesions(n)} ${what}`)
      .join("; ")}.`,
  ];
}
