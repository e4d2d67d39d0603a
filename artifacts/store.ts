/** Lower-case hex SHA-256 of some bytes. */
export type Digest = string & { readonly __digest: unique symbol };

/**
 * A content-addressed store with a few named pointers. `file:` and `s3:` stores keep the same contract:
 * blobs are immutable and appear whole or not at all; every read verifies the digest; pointers are the only mutable things.
 */
export interface Store {
  /** e.g. `file:/var/lib/recist3d` or `s3:https://host:9000/bucket/prefix`; safe to print (no secrets). */
  readonly url: string;
  /** Stores bytes (a no-op when they are there already) and returns their digest. */
  putBlob(bytes: Uint8Array): Promise<Digest>;
  /** @throws MissingBlobError when absent, DamagedBlobError when the bytes do not hash to `digest`. */
  getBlob(digest: Digest): Promise<Buffer>;
  hasBlob(digest: Digest): Promise<boolean>;
  /** Every blob's digest, for verification. */
  listBlobs(): AsyncIterable<Digest>;
  /**
   * Sets pointer `name` (path segments of [A-Za-z0-9._-], "/"-separated) to small JSON.
   * `ifAbsent` makes it a commit point: false is returned, and nothing written, when the pointer exists already.
   */
  setPointer(name: string, value: unknown, options?: { ifAbsent?: boolean }): Promise<boolean>;
  getPointer(name: string): Promise<unknown | undefined>;
  listPointers(prefix: string): AsyncIterable<string>;
}
