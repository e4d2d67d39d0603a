import { z } from "zod";
import { digestSchema } from "../../schemas/digest.ts";
import type { ActionRecord } from "../../schemas/records.ts";
import type { FoundAction } from "../records.ts";
import type { Digest } from "../store.ts";

/** in-toto Statement v1: what is said (the predicate) of which bytes (the subjects). */
export interface Statement {
  readonly _type: "https://in-toto.io/Statement/v1";
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
  readonly predicateType: string;
  readonly predicate: object;
}

/** The name of a step kind at a version, as build type and as tool. */
export function kindUrn({ kind, kindVersion }: Pick<ActionRecord, "kind" | "kindVersion">): string {
  return `urn:recist3d:step-kind:${encodeURIComponent(kind)}:${kindVersion}`;
}

/**
 * What an action's record says, as SLSA provenance v1. It follows from the record alone, so that a verifier makes it again
 * instead of believing it. Parts are dependencies by their records: what they gave is in their own statements.
 */
export function recordStatement({ digest, record }: FoundAction): Statement {
  const { params, part, parts, inputs, outputs, fingerprint, actionKey, code, started, finished } = record;
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: Object.entries(outputs).map(([name, output]) => ({ name, digest: { sha256: output } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: kindUrn(record),
        externalParameters: params,
        internalParameters: { actionKey, fingerprint, ...(part === undefined ? {} : { part }) },
        resolvedDependencies: [
          ...Object.entries(inputs).map(([name, { artifact, record: origin }]) => ({
            name,
            digest: { sha256: artifact },
            ...(origin === undefined ? {} : { annotations: { record: origin } }),
          })),
          ...parts.map((sha256, i) => ({ name: `part ${i}`, digest: { sha256 } })),
        ],
      },
      runDetails: {
        builder: {
          id: "urn:recist3d:worker",
          version: {
            recist3d: code.version,
            ...(code.commit === null ? {} : { commit: code.commit }),
            ...(code.modified === null ? {} : { modified: String(code.modified) }),
          },
        },
        metadata: { invocationId: digest, startedOn: started, finishedOn: finished },
      },
    },
  };
}

const cratePredicateSchema = z.strictObject({
  campaign: z.string(),
  /** Digest of the campaign's record. */
  record: digestSchema,
  /** Artifacts whose files are in the crate, sorted; what else is named by digest was left out. */
  artifacts: z.array(digestSchema),
});
export type CratePredicate = z.infer<typeof cratePredicateSchema>;

const crateType = "urn:recist3d:crate:1";

/** What the crate as a whole is. @param files SHA-256 by path */
export function crateStatement(files: ReadonlyMap<string, Digest>, predicate: CratePredicate): Statement {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: Array.from(files, ([name, sha256]) => ({ name, digest: { sha256 } })),
    predicateType: crateType,
    predicate,
  };
}

/** What a payload says of the crate as a whole; null where it is another statement. */
export function cratePredicateOf(payload: unknown): CratePredicate | null {
  const parsed = z.object({ predicateType: z.literal(crateType), predicate: cratePredicateSchema }).safeParse(payload);
  return parsed.success ? parsed.data.predicate : null;
}
