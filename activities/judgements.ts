import { asDigest } from "../artifacts/digest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { InputError } from "../methods/inputError.ts";
import { stands } from "../methods/reading/decisions.ts";
import type { Revision } from "../schemas/revision.ts";
import { studyKeySchema } from "../schemas/study.ts";
import { openCases } from "./cases.ts";
import { openDecisions } from "./decisions.ts";
import { keepingLast } from "./keepingLast.ts";

/** What readers said of one mask; second showings are for agreement only. */
type Said = Revision["answers"];

/** Decisions, and the cases that they are about. */
const openJudged = keepingLast(8, async (store: Store, digest: Digest) => {
  const { meta, decisions } = await openDecisions(store, digest);
  return { title: meta.title, decisions, cases: await openCases(store, asDigest(meta.cases)) };
});

/**
 * What readers said of the masks of `predictions`, by lesion. A study's sealed key is opened: its readers have answered.
 *
 * @throws InputError where the reading was not about these masks.
 */
export async function judgementsOf(store: Store, decisions: Digest, predictions: Digest): Promise<Map<string, Said>> {
  const opened = await openJudged(store, decisions);
  const lesionOf = await lesionsShown(store, opened.cases, opened.title, predictions);
  const said = new Map<string, Said>();
  for (const { case: id, repeat, reader, answer } of opened.decisions) {
    const lesion = lesionOf(id);
    if (!repeat && lesion !== null) said.set(lesion, [...(said.get(lesion) ?? []), { reader, answer }]);
  }
  return said;
}

/** Whether the declared rule rejects a mask. */
export function verdictOf(
  said: Said | undefined,
  { rejects, decide }: { rejects: string; decide: "any" | "majority" | "all" },
): Revision["verdict"] {
  if (said === undefined || said.length === 0) return "not judged";
  const answers = said.map(({ answer }) => answer);
  return stands(decide, rejects, answers) ? "rejected" : "accepted";
}

/** What people who corrected the masks of `predictions` did, by lesion. @throws InputError where they corrected others */
export async function editsOf(
  store: Store,
  decisions: Digest,
  predictions: Digest,
): Promise<Map<string, { answer: string; mask?: string }>> {
  const opened = await openJudged(store, decisions);
  if (opened.cases.meta.masks !== predictions) throw notThese(opened.title);
  return new Map(opened.decisions.map(({ case: id, answer, mask }) => [id, { answer, mask }]));
}

/** Which lesion a case shows, where it shows one of these masks; else null. */
async function lesionsShown(
  store: Store,
  { meta }: Awaited<ReturnType<typeof openCases>>,
  title: string,
  predictions: Digest,
): Promise<(id: string) => string | null> {
  if (meta.sealed === undefined) {
    if (meta.masks !== predictions) throw notThese(title);
    return (id) => id;
  }
  const key = studyKeySchema.parse(JSON.parse((await store.getBlob(asDigest(meta.sealed))).toString("utf8")));
  if (key.study !== "acceptance")
    throw new InputError(
      `a study of ${key.study} says which mask is better, not which is good enough`,
      title,
      "wire the decisions of an acceptance study",
    );
  const source = key.sources.find(({ digest }) => digest === predictions)?.name;
  if (source === undefined) throw notThese(title);
  const shown = new Map(key.cases.filter(({ masks }) => masks[0] === source).map((one) => [one.case, one.lesion]));
  return (id) => shown.get(id) ?? null;
}

const notThese = (title: string): InputError =>
  new InputError("these masks were not judged in it", title, "wire `masks` to the step whose masks the cases showed");
