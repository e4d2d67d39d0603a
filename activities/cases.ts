import type { ArtifactFile } from "../artifacts/manifest.ts";
import { blobOf, getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { InputError } from "../methods/inputError.ts";
import { lengthMm } from "../methods/labels/recist.ts";
import { decodeSafetensors } from "../methods/networks/safetensors.ts";
import type { Manifest } from "../schemas/artifacts.ts";
import { type Case, type CasesMeta, caseSchema, casesMetaSchema, stackShape } from "../schemas/cases.ts";
import type { Lesion } from "../schemas/dataset.ts";
import { linesType, parseLines, toLines } from "./datasets.ts";
import { keepingLast } from "./keepingLast.ts";

const casesFile = "cases.jsonl";

export interface Cases {
  readonly digest: Digest;
  readonly manifest: Manifest;
  readonly meta: CasesMeta;
  readonly cases: Case[];
}

/** @throws InputError when the artifact is no `cases` */
export async function openCases(store: Store, digest: Digest): Promise<Cases> {
  const manifest = await getManifest(store, digest);
  if (manifest.type !== "cases") throw new InputError(`this artifact is a ${manifest.type}, not cases to look at`, digest);
  const meta = casesMetaSchema.parse(manifest.meta);
  return { digest, manifest, meta, cases: parseLines(await readFile(store, manifest, casesFile), caseSchema) };
}

/** Shapes of the tensors of a safetensors file, by their names. */
const tensorShapes = keepingLast(64, async (store: Store, file: Digest): Promise<Record<string, readonly number[]>> => {
  const { tensors } = decodeSafetensors(await store.getBlob(file), `blob ${file}`);
  return Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]));
});

/** Slices, rows, columns of a case's first picture, on which masks are drawn. @throws InputError when the artifact lacks it */
export async function drawnOnShape(store: Store, manifest: Manifest, { id, images: [{ file, tensor }] }: Case) {
  const shape = (await tensorShapes(store, blobOf(manifest, file)))[tensor];
  if (shape === undefined) throw new InputError(`case ${id} names picture ${tensor}, which the file does not have`, file);
  return stackShape(shape);
}

/** The marks' diameters, as they are shown beside a case. */
export function markFacts({ long, short, spacingMm }: Pick<Lesion, "long" | "short" | "spacingMm">): Case["facts"] {
  return {
    "long diameter": `${lengthMm(long, spacingMm).toFixed(1)} mm`,
    "short diameter": `${lengthMm(short, spacingMm).toFixed(1)} mm`,
  };
}

/** @param files the safetensors files that the cases name. @throws InputError when two cases have one id, or a file is not there */
export async function putCases(
  store: Store,
  about: Omit<CasesMeta, "cases">,
  cases: readonly Case[],
  files: readonly ArtifactFile[],
): Promise<Digest> {
  const { title } = about;
  const ids = new Set<string>();
  for (const { id } of cases) {
    if (ids.has(id)) throw new InputError(`two cases are called ${id}`, title);
    ids.add(id);
  }
  const paths = new Set(files.map(({ path }) => path));
  for (const { id, images, masks } of cases)
    for (const { file } of [...images, ...masks])
      if (!paths.has(file)) throw new InputError(`case ${id} names file ${file}, which the artifact does not have`, title);
  const meta = casesMetaSchema.parse({ ...about, cases: cases.length });
  const lines = toLines(cases.map((one) => caseSchema.parse(one)));
  return putArtifact(store, { type: "cases", meta, files: [...files, { path: casesFile, bytes: lines, mediaType: linesType }] });
}
