import { getManifest, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { InputError } from "../methods/inputError.ts";
import { decisionSchema, decisionsMetaSchema } from "../schemas/reading.ts";
import { parseLines } from "./datasets.ts";

/**
 * What was answered to each case: of several readers' answers the one that more than half of them gave.
 *
 * @throws InputError for decisions on other cases
 */
export async function answersTo(store: Store, digest: Digest, cases: Digest): Promise<Map<string, string>> {
  const manifest = await getManifest(store, digest);
  const { cases: about } = decisionsMetaSchema.parse(manifest.meta);
  if (about !== cases) throw new InputError("are about other cases", "input decisions", "wire the decisions on these cases");
  const given = new Map<string, string[]>();
  for (const { case: id, repeat, answer } of parseLines(await readFile(store, manifest, "answers.jsonl"), decisionSchema))
    if (!repeat) given.set(id, [...(given.get(id) ?? []), answer]);
  return new Map(
    [...given].flatMap(([id, answers]) => {
      const most = answers.find((answer) => answers.filter((other) => other === answer).length > answers.length / 2);
      return most === undefined ? [] : [[id, most] as const];
    }),
  );
}
