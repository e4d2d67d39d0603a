import { getManifest, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { InputError } from "../methods/inputError.ts";
import { stands } from "../methods/reading/decisions.ts";
import type { Manifest } from "../schemas/artifacts.ts";
import { type Decision, type DecisionsMeta, decisionSchema, decisionsMetaSchema } from "../schemas/reading.ts";
import { parseLines } from "./datasets.ts";
import { keepingLast } from "./keepingLast.ts";

/** What was decided in a reading. */
export interface Decisions {
  readonly manifest: Manifest;
  readonly meta: DecisionsMeta;
  readonly decisions: readonly Decision[];
}

/** @throws InputError when the artifact is no `decisions` */
export const openDecisions = keepingLast(8, async (store: Store, digest: Digest): Promise<Decisions> => {
  const manifest = await getManifest(store, digest);
  if (manifest.type !== "decisions") throw new InputError(`this artifact is a ${manifest.type}, not decisions`, digest);
  return {
    manifest,
    meta: decisionsMetaSchema.parse(manifest.meta),
    decisions: parseLines(await readFile(store, manifest, "answers.jsonl"), decisionSchema),
  };
});

/**
 * What was answered to each case: of several readers' answers the one that more than half of them gave.
 *
 * @throws InputError for decisions on other cases
 */
export async function answersTo(store: Store, digest: Digest, cases: Digest): Promise<Map<string, string>> {
  const { meta, decisions } = await openDecisions(store, digest);
  if (meta.cases !== cases) throw new InputError("are about other cases", "input decisions", "wire the decisions on these cases");
  const given = new Map<string, string[]>();
  for (const { case: id, repeat, answer } of decisions) if (!repeat) given.set(id, [...(given.get(id) ?? []), answer]);
  return new Map(
    [...given].flatMap(([id, answers]) => {
      const most = answers.find((answer) => stands("majority", answer, answers));
      return most === undefined ? [] : [[id, most] as const];
    }),
  );
}
