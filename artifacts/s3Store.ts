import { sha256 } from "./digest.ts";
import { DamagedBlobError, MissingBlobError } from "./errors.ts";
import { blobAt, blobPath, pointerAt, pointerPath } from "./layout.ts";
import { decodePointer, encodePointer } from "./pointer.ts";
import { openS3Bucket, type S3Credentials } from "./s3Bucket.ts";
import { writeIfAbsent } from "./s3Claim.ts";
import type { Store } from "./store.ts";

/**
 * A store in a bucket of an S3 server: `s3:http(s)://host[:port]/bucket[/prefix]`; objects are named as `openFileStore`
 * names files, and `claims/` holds commits in progress. The bucket must exist.
 * @throws StoreInputError for a wrong url, StoreUnreachableError when the server, the bucket or the keys fail.
 */
export async function openS3Store(url: string, credentials: S3Credentials): Promise<Store> {
  const bucket = openS3Bucket(url, credentials);
  // Finds out now, not after an hour's work, that the server, the bucket or the keys are wrong.
  await bucket.read("recist3d-store");
  return {
    url,

    async putBlob(bytes) {
      const digest = sha256(bytes);
      const key = blobPath(digest);
      if (await bucket.exists(key)) {
        const present = await bucket.read(key);
        if (present !== undefined && sha256(present) === digest) return digest;
      }
      await bucket.write(key, bytes, "application/octet-stream");
      return digest;
    },

    async getBlob(digest) {
      const bytes = await bucket.read(blobPath(digest));
      if (bytes === undefined) throw new MissingBlobError(url, digest);
      const found = sha256(bytes);
      if (found !== digest) throw new DamagedBlobError(url, digest, found);
      return bytes;
    },

    hasBlob: async (digest) => bucket.exists(blobPath(digest)),
    dropBlob: async (digest) => bucket.remove(blobPath(digest)),

    async *listBlobs() {
      for await (const { key } of bucket.list("sha256/")) {
        const digest = blobAt(key);
        if (digest !== undefined) yield digest;
      }
    },

    async setPointer(name, value, options) {
      const key = pointerPath(name);
      const bytes = encodePointer(name, value);
      if (options?.ifAbsent === true) return writeIfAbsent(bucket, key, bytes, "application/json");
      return bucket.write(key, bytes, "application/json");
    },

    async getPointer(name) {
      const bytes = await bucket.read(pointerPath(name));
      return bytes === undefined ? undefined : decodePointer(url, name, bytes);
    },

    async *listPointers(prefix) {
      const names: string[] = [];
      for await (const { key } of bucket.list(`pointers/${prefix}`)) {
        const name = pointerAt(key);
        if (name !== undefined) names.push(name);
      }
      yield* names.sort();
    },

    async *listStrays() {
      for await (const { key } of bucket.list("")) {
        if (blobAt(key) === undefined && pointerAt(key) === undefined && !key.startsWith("claims/")) yield key;
      }
    },
  };
}
