import { createHash } from "node:crypto";
import { digestSchema } from "../schemas/digest.ts";
import { StoreInputError } from "./errors.ts";
import type { Digest } from "./store.ts";

/** SHA-256 of `bytes` (of a string: of its UTF-8 form), as 64 lower-case hex digits. */
export function sha256(bytes: Uint8Array | string): Digest {
  return createHash("sha256").update(bytes).digest("hex") as Digest;
}

/** `text` as a digest. @throws StoreInputError when it is not 64 lower-case hex digits. */
export function asDigest(text: string): Digest {
  if (!digestSchema.safeParse(text).success) {
    throw new StoreInputError(
      `${JSON.stringify(text)} is not a digest`,
      undefined,
      "give the 64 lower-case hex digits of a SHA-256",
    );
  }
  return text as Digest;
}
