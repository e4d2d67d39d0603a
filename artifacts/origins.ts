import type { Manifest } from "../schemas/artifacts.ts";
import type { ActionRecord } from "../schemas/records.ts";
import { asDigest } from "./digest.ts";
import type { Digest } from "./store.ts";
import type { Problem } from "./verify.ts";

export interface Origins {
  /** Artifacts that no action made: scanned sources, and those that were declared. */
  readonly external: readonly { readonly artifact: Digest; readonly where: string }[];
  readonly problems: readonly Problem[];
}

/**
 * Follows every input of every record to what made it.
 * @param records with how the campaign comes to them @param typeOf an artifact's type, where its manifest is known
 * @param declared artifacts that may come from outside without being a scanned source
 */
export function traceOrigins(
  records: ReadonlyMap<Digest, { readonly record: ActionRecord; readonly where: string }>,
  typeOf: (artifact: Digest) => Manifest["type"] | undefined,
  declared: ReadonlySet<string> = new Set(),
): Origins {
  const external: { artifact: Digest; where: string }[] = [];
  const problems: Problem[] = [];
  const made = new Set([...records.values()].flatMap(({ record }) => Object.values(record.outputs)));
  for (const { record, where: place } of records.values()) {
    for (const [name, { artifact, record: origin }] of Object.entries(record.inputs)) {
      const where = `${place} > input ${name}`;
      const note = (detail: string) => problems.push({ kind: "origin", what: `blob ${artifact}`, where, detail });
      if (origin !== undefined) {
        const maker = records.get(asDigest(origin));
        if (maker !== undefined && !Object.values(maker.record.outputs).includes(artifact))
          note(`record ${origin}, from which it should come, has no such output`);
      } else if (!made.has(artifact)) {
        if (typeOf(asDigest(artifact)) === "source" || declared.has(artifact))
          external.push({ artifact: asDigest(artifact), where });
        else note("no action of this campaign made it, and it is not declared as external");
      }
    }
  }
  return { external, problems };
}
