import { asDigest } from "../../artifacts/digest.ts";
import { putArtifact, readFile } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { writeCsvTable } from "../../methods/datasets/csvTable.ts";
import { InputError } from "../../methods/inputError.ts";
import { quantile } from "../../methods/metrics/summary.ts";
import {
  type AcceptanceAnswer,
  acceptanceRates,
  agreements,
  pairedAcceptance,
  readersOf,
} from "../../methods/reading/acceptance.ts";
import { type ComparisonAnswer, comparisonRows, sidePreference, unblinded } from "../../methods/reading/comparison.ts";
import { type decisionSchema, type LogLine, logLineSchema } from "../../schemas/reading.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { type StudyKey, type StudyResult, studyKeySchema, studyResultSchema } from "../../schemas/study.ts";
import { studyAnswers } from "../../schemas/studyProtocols.ts";
import { openCases } from "../cases.ts";
import { parseLines } from "../datasets.ts";
import { openDecisions } from "../decisions.ts";
import type { StepBody } from "./step.ts";

/** What the readers' answers mean, once the key is opened. */
export const studyEvaluate: StepBody<StepParams<"study.evaluate">> = {
  async run({ store }, { params: { seed }, inputs }) {
    const { digest, meta, cases } = await openCases(store, inputs.cases.artifact as Digest);
    if (meta.sealed === undefined)
      throw new InputError("these cases have no sealed key", meta.title, "they are not of study.prepare");
    const opened = await store.getBlob(asDigest(meta.sealed));
    const key = studyKeySchema.parse(JSON.parse(opened.toString("utf8")));
    const { manifest, meta: decided, decisions } = await openDecisions(store, inputs.decisions.artifact as Digest);
    if (decided.cases !== digest) throw new InputError("these decisions are about other cases", decided.title);
    const log = parseLines(await readFile(store, manifest, "log.jsonl"), logLineSchema);
    const answers = unsealed(key, decisions);
    const sources = key.sources.map(({ name }) => name);
    const readers = [...new Set([...readersOf(answers), ...decided.readers.map(({ reader }) => reader)])].sort();
    const result: StudyResult = studyResultSchema.parse({
      title: decided.title,
      decidedBy: decided.decidedBy,
      policy: decided.policy ?? null,
      closedBy: decided.closedBy,
      data: { name: key.data.name, origin: key.data.origin },
      cases: cases.length,
      leftOut: key.leftOut,
      sources,
      readers: readers.map((reader) => readerRow(reader, answers, log, cases.length)),
      agreement: agreements(answers),
      acceptance:
        key.study === "acceptance"
          ? { rates: acceptanceRates(answers, sources, seed), paired: pairedAcceptance(answers, sources) }
          : null,
      comparison:
        key.study === "comparison"
          ? {
              first: sources[0],
              second: sources[1],
              rows: comparisonRows(answers, [sources[0], sources[1]], seed),
              sides: sidePreference(answers),
            }
          : null,
    });
    const study = await putArtifact(store, {
      type: "study",
      meta: { title: result.title, study: key.study, decidedBy: result.decidedBy, cases: digest, sealed: meta.sealed },
      files: [
        { path: "study.json", bytes: Buffer.from(`${JSON.stringify(result, null, 1)}\n`), mediaType: "application/json" },
        // Its SHA-256 is the one that the cases were given before anybody saw them.
        { path: "key.json", bytes: opened, mediaType: "application/json" },
        { path: "decisions.csv", bytes: Buffer.from(table(key, answers, decided.decidedBy)), mediaType: "text/csv" },
      ],
    });
    return { outputs: { study }, summary: { answers: answers.length, readers: readers.length } };
  },
};

type Opened = AcceptanceAnswer & ComparisonAnswer & { at: number | null };

/** Answers with what the key says of their cases. @throws InputError where an answer or a case is not of this study */
function unsealed(key: StudyKey, decisions: readonly ReturnType<typeof decisionSchema.parse>[]): Opened[] {
  const byCase = new Map(key.cases.map((one) => [one.case, one]));
  const words = studyAnswers(key.study);
  return decisions.map((decision) => {
    const shown = byCase.get(decision.case);
    if (shown === undefined) throw new InputError("was answered but is not in the study's key", decision.case);
    if (!words.includes(decision.answer))
      throw new InputError(
        `"${decision.answer}" is no answer of a study of ${key.study}`,
        decision.case,
        `they are ${words.join(", ")}`,
      );
    const { lesion, patient, category, masks } = shown;
    return { ...decision, lesion, patient, category, source: masks[0], left: masks[0], right: masks.at(-1)! };
  });
}

function readerRow(
  reader: string,
  answers: readonly Opened[],
  log: readonly LogLine[],
  cases: number,
): StudyResult["readers"][number] {
  const own = answers.filter((answer) => answer.reader === reader);
  const first = own.filter(({ repeat }) => !repeat);
  const seconds = Float64Array.from(first, ({ tookMs }) => tookMs / 1000).sort();
  const at = (p: number): number | null => (seconds.length === 0 ? null : quantile(seconds, p));
  const stood = new Map<number, string | null>();
  let changes = 0;
  for (const line of log) {
    if (line.event !== "answer" || line.reader !== reader) continue;
    const before = stood.get(line.position) ?? null;
    if (before !== null && before !== line.answer) changes++;
    stood.set(line.position, line.answer);
  }
  return {
    reader,
    answered: first.length,
    unanswered: cases - first.length,
    repeated: own.length - first.length,
    changes,
    seconds: { median: at(0.5), q1: at(0.25), q3: at(0.75) },
  };
}

/** decisions.csv: one row an answer, unsealed. */
function table({ study }: StudyKey, answers: readonly Opened[], decidedBy: string): string {
  const shown = study === "acceptance" ? ["source"] : ["left", "right", "preferred"];
  const header = ["case", "lesion", "patient", "category", ...shown, "reader", "repeat", "answer", "at", "tookMs", "decidedBy"];
  const rows = answers.map((one) => [
    one.case,
    one.lesion,
    one.patient,
    one.category,
    ...(study === "acceptance" ? [one.source] : [one.left, one.right, unblinded(one)]),
    one.reader ?? "",
    one.repeat ? "yes" : "no",
    one.answer,
    one.at === null ? "" : new Date(one.at).toISOString(),
    one.tookMs,
    decidedBy,
  ]);
  return writeCsvTable(header, rows);
}
