import type { KeyObject } from "node:crypto";
import type { ActionRecord } from "../../schemas/records.ts";
import { canonicalJson } from "../canonicalJson.ts";
import { sha256 } from "../digest.ts";
import type { DocumentKind } from "../document.ts";
import type { Digest } from "../store.ts";
import { linesOf, type Note, tryToParse } from "./documentLines.ts";
import { brokenSeal, type Envelope, envelopeSchema } from "./dsse.ts";
import { attestationsFile, attestedFiles } from "./layout.ts";
import { type CratePredicate, cratePredicateOf, crateStatement, recordStatement } from "./statement.ts";

const envelopeDocument: DocumentKind<Envelope> = { name: "DSSE envelope of an in-toto statement", schema: envelopeSchema };

export interface Attested {
  readonly records: ReadonlyMap<Digest, ActionRecord>;
  /** Bytes of the crate's files, where they are there. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Null where there is none: signatures are not looked at, which the caller has noted. */
  readonly publicKey: KeyObject | null;
}

/**
 * Whether every record has one signed statement, the one that follows from it, in the records' order, and the last line
 * says of the crate's files what they are. What is wrong is noted.
 *
 * @returns what the last statement says of the crate, whether or not its signature stands; null where there is none
 */
export function checkAttestations(bytes: Buffer, { records, files, publicKey }: Attested, note: Note): CratePredicate | null {
  const waiting = new Map([...records].map(([digest, record]) => [base64Of(recordStatement({ digest, record })), digest]));
  const lines = linesOf(bytes);
  if (bytes.length > 0 && bytes.at(-1) !== 10) note("malformed", attestationsFile, "its last line does not end");
  const order: Digest[] = [];
  let predicate: CratePredicate | null = null;
  for (const [i, line] of lines.entries()) {
    const where = `line ${i + 1}`;
    const envelope = tryToParse(attestationsFile, line, envelopeDocument, (detail) =>
      note("malformed", attestationsFile, detail, where),
    );
    if (envelope === undefined) continue;
    const broken = publicKey === null ? null : brokenSeal(envelope, publicKey);
    if (broken !== null) note("signature", attestationsFile, broken, where);
    const record = waiting.get(envelope.payload);
    if (record !== undefined) {
      waiting.delete(envelope.payload);
      order.push(record);
    } else if (i < lines.length - 1) {
      note("extra", attestationsFile, "it is not what a record in the crate says, or a record's second statement", where);
    } else {
      predicate = checkCrateStatement(envelope, files, (detail) => note("signature", attestationsFile, detail, where));
    }
  }
  for (const digest of waiting.values()) note("missing", attestationsFile, `there is no statement that record ${digest} was so`);
  if (order.some((digest, i) => digest !== [...records.keys()][i]) && waiting.size === 0)
    note("malformed", attestationsFile, "its statements are not in the order of the records");
  if (predicate === null) note("missing", attestationsFile, "its last line is no statement on the crate as a whole");
  return predicate;
}

function checkCrateStatement(
  { payload }: Envelope,
  files: ReadonlyMap<string, Buffer>,
  note: (detail: string) => void,
): CratePredicate | null {
  const statement = canonicalOf(payload);
  const predicate = cratePredicateOf(statement);
  if (predicate === null) return null;
  const digests = new Map(attestedFiles.map((path) => [path as string, sha256(files.get(path) ?? "")]));
  const expected = crateStatement(digests, predicate);
  if (base64Of(expected) === payload) return predicate;
  const { subject } = statement as { subject?: unknown };
  const said = new Set(Array.isArray(subject) ? subject.map((one: unknown) => JSON.stringify(one)) : []);
  const changed = expected.subject.filter((one) => !said.has(canonicalJson(one))).map(({ name }) => name);
  note(changed.length > 0 ? `it was signed for other bytes of ${changed.join(", ")}` : "it is not what is signed for a crate");
  return predicate;
}

function base64Of(statement: object): string {
  return Buffer.from(canonicalJson(statement)).toString("base64");
}

/** The value of a payload that is canonical JSON; null for any other. */
function canonicalOf(payload: string): unknown {
  try {
    const text = Buffer.from(payload, "base64").toString("utf8");
    const value: unknown = JSON.parse(text);
    return canonicalJson(value) === text ? value : null;
  } catch {
    return null;
  }
}
