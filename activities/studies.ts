import { getManifest, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { InputError } from "../methods/inputError.ts";
import { type StudyResult, studyResultSchema } from "../schemas/study.ts";

/** What a study of readers found. @throws InputError when the artifact is no `study` */
export async function openStudy(store: Store, digest: Digest): Promise<StudyResult> {
  const manifest = await getManifest(store, digest);
  if (manifest.type !== "study") throw new InputError(`this artifact is a ${manifest.type}, not a study of readers`, digest);
  return studyResultSchema.parse(JSON.parse((await readFile(store, manifest, "study.json")).toString("utf8")));
}
