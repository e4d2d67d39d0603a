/** Lower-case hex SHA-256 of some bytes. */
export type Digest = string & { readonly __digest: unique symbol };

/**
 * A content-addressed store with a few named pointers. `file:` and `s3:` stores keep the same contract:
 * blobs are immutable and appear whole or not at all; every read verifies the digest; pointers are the only mutable things.
 * Every method may throw StoreUnreachableError, those that write also StoreFullError (and then nothing was half-written).
 */
export interface Store {
  /** e.g. `file:/var/lib/recist3d` or `s3:https://host:9000/bucket/prefix`; safe to print (no secrets). */
  readonly url: string;
  /**
   * Stores bytes and returns their digest. A no-op when they are there already; a damaged blob of that digest is mended.
   */
  putBlob(bytes: Uint8Array): Promise<Digest>;
  /** @throws MissingBlobError when absent, DamagedBlobError when the bytes do not hash to `digest`. */
  getBlob(digest: Digest): Promise<Buffer>;
  /** Whether there is a blob under that name; its bytes are not read. */
  hasBlob(digest: Digest): Promise<boolean>;
  /** Forgets a blob to which nothing refers any more (an old checkpoint); fine when it is not there. */
  dropBlob(digest: Digest): Promise<void>;
  /** Every blob's digest, for verification. */
  listBlobs(): AsyncIterable<Digest>;
  /**
   * Sets pointer `name` (path segments of [A-Za-z0-9._-], "/"-separated) to small JSON.
   * `ifAbsent` makes it a commit point: false is returned, and nothing written, when the pointer exists already. (After
   * a connection broke it may have been this very call that set it: read the pointer to know who won.)
   * @throws StoreInputError when the name is not allowed or the JSON not small.
   */
  setPointer(name: string, value: unknown, options?: { ifAbsent?: boolean }): Promise<boolean>;
  /** @throws DamagedPointerError when the content is not what `setPointer` wrote. */
  getPointer(name: string): Promise<unknown | undefined>;
  /** The names of all pointers that start with `prefix`, sorted. */
  listPointers(prefix: string): AsyncIterable<string>;
  /** Paths within the store's area that are neither a blob nor a pointer nor a write in progress, for verification. */
  listStrays(): AsyncIterable<string>;
}
