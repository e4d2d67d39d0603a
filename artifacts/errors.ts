/** Everything that a store throws on purpose. `store` is its url; the message says what, where and what to do. */
export class StoreError extends Error {
  override readonly name: string = "StoreError";
  readonly store: string;

  constructor(store: string, what: string, remedy: string, options?: ErrorOptions) {
    super(`${store}: ${what} — ${remedy}`, options);
    this.store = store;
  }
}

/** The store has no blob of this digest. */
export class MissingBlobError extends StoreError {
  override readonly name = "MissingBlobError";
  readonly digest: string;

  constructor(store: string, digest: string, options?: ErrorOptions) {
    super(store, `blob ${digest} is missing`, "restore it from a backup, or run again the step that made it", options);
    this.digest = digest;
  }
}

/** The blob's bytes are not those that were stored. */
export class DamagedBlobError extends StoreError {
  override readonly name = "DamagedBlobError";
  readonly digest: string;
  /** What its bytes hash to now. */
  readonly found: string;

  constructor(store: string, digest: string, found: string) {
    super(
      store,
      `blob ${digest} is damaged: its bytes now hash to ${found}`,
      "restore it from a backup, or delete it and run again the step that made it; then check the disk",
    );
    this.digest = digest;
    this.found = found;
  }
}

/** The pointer's content is not what `setPointer` writes. */
export class DamagedPointerError extends StoreError {
  override readonly name = "DamagedPointerError";
  readonly pointer: string;

  constructor(store: string, pointer: string, why: string, options?: ErrorOptions) {
    super(
      store,
      `pointer ${pointer} is damaged (${why})`,
      "restore it from a backup, or delete it and run again what set it",
      options,
    );
    this.pointer = pointer;
  }
}

/** The bytes of a blob are whole, but they are not the document that they should be. */
export class MalformedDocumentError extends StoreError {
  override readonly name = "MalformedDocumentError";
  readonly digest: string;

  constructor(store: string, digest: string, kind: string, why: string, options?: ErrorOptions) {
    super(
      store,
      `blob ${digest} is not a valid ${kind}: ${why}`,
      `check that this digest is that of a ${kind}, written by this version of recist3d`,
      options,
    );
    this.digest = digest;
  }
}

/** No room for more bytes; nothing was half-written. */
export class StoreFullError extends StoreError {
  override readonly name = "StoreFullError";

  constructor(store: string, why: string, options?: ErrorOptions) {
    super(
      store,
      `the store is full (${why})`,
      "free some space or raise the quota: a campaign then goes on by itself, any other command is run again; what is stored already is kept",
      options,
    );
  }
}

/** The store does not answer, or refuses to. */
export class StoreUnreachableError extends StoreError {
  override readonly name = "StoreUnreachableError";
}

/** What was asked of the store is wrong (a url, a pointer's name, a digest): the input's fault, not the store's. */
export class StoreInputError extends Error {
  override readonly name = "StoreInputError";

  constructor(what: string, where: string | undefined, remedy: string, options?: ErrorOptions) {
    super(`${where === undefined ? "" : `${where}: `}${what} — ${remedy}`, options);
  }
}
