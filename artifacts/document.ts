import type { z } from "zod";
import { canonicalJson } from "./canonicalJson.ts";
import { MalformedDocumentError } from "./errors.ts";
import type { Digest, Store } from "./store.ts";

/** A kind of JSON document that is kept as a blob. */
export interface DocumentKind<T> {
  /** As error messages call it, e.g. "manifest". */
  readonly name: string;
  readonly schema: z.ZodType<T>;
}

/** Stores `value` as canonical JSON. @throws ZodError when it is not what the kind's schema allows. */
export async function putDocument<T>(store: Store, kind: DocumentKind<T>, value: T): Promise<Digest> {
  return store.putBlob(Buffer.from(canonicalJson(kind.schema.parse(value))));
}

/**
 * Reads a document and checks it against its kind's schema.
 * @throws MissingBlobError, DamagedBlobError, or MalformedDocumentError when the blob is another thing.
 */
export async function getDocument<T>(store: Store, kind: DocumentKind<T>, digest: Digest): Promise<T> {
  return parseDocument(store.url, kind, digest, await store.getBlob(digest));
}

/** The document that `bytes` hold. @throws MalformedDocumentError */
export function parseDocument<T>(store: string, kind: DocumentKind<T>, digest: Digest, bytes: Buffer): T {
  const malformed = (why: string, cause?: unknown) => new MalformedDocumentError(store, digest, kind.name, why, { cause });
  let value: unknown;
  let canonical: string;
  try {
    value = JSON.parse(bytes.toString("utf8"));
    canonical = canonicalJson(value);
  } catch (error) {
    throw malformed("it is not JSON", error);
  }
  if (!bytes.equals(Buffer.from(canonical))) throw malformed("its JSON is not in canonical form");
  const parsed = kind.schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw malformed(`${issue.message} (at ${["$", ...issue.path].join(".")})`, parsed.error);
  }
  // A key such as __proto__ is JSON, but is lost on the way into an object.
  if (canonicalJson(parsed.data) !== canonical) throw malformed("it holds a key that cannot be kept");
  return parsed.data;
}
