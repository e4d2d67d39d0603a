import http from "node:http";
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "minio";
import { sha256 } from "./digest.ts";
import { DamagedBlobError, MissingBlobError, StoreFullError, StoreInputError, StoreUnreachableError } from "./errors.ts";
import { blobAt, blobPath, pointerAt, pointerPath } from "./layout.ts";
import { decodePointer, encodePointer, isPointerName } from "./pointer.ts";
import type { Store } from "./store.ts";

export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
  /** Default "us-east-1", which servers other than Amazon's take for any. */
  readonly region?: string;
}

/** A connection on which nothing moves for so long is given up. */
const silenceMs = 30_000;
/** Pauses before a request is sent again after a broken connection or an overloaded server. */
const retryAfterMs = [100, 400, 1600];

/**
 * A store in a bucket of an S3 server: `s3:http(s)://host[:port]/bucket[/prefix]`; objects are named as `openFileStore`
 * names files. Each object is one signed PUT with a checksum, whatever its size (multipart uploads can neither be
 * conditional on every server nor be made by two writers at once), so a cut upload leaves nothing.
 * The bucket must exist. The server must keep `If-None-Match: *` (Amazon, MinIO and versitygw do).
 * @throws StoreInputError for a wrong url, StoreUnreachableError when the server, the bucket or the credentials fail.
 */
export async function openS3Store(url: string, credentials: S3Credentials): Promise<Store> {
  const { server, bucket, prefix } = parseS3Url(url);
  const secure = server.protocol === "https:";
  const client = new Client({
    endPoint: server.hostname.replace(/^\[|\]$/g, ""),
    port: server.port === "" ? (secure ? 443 : 80) : Number(server.port),
    useSSL: secure,
    accessKey: credentials.accessKey,
    secretKey: credentials.secretKey,
    sessionToken: credentials.sessionToken,
    region: credentials.region ?? "us-east-1",
    retryOptions: { disableRetry: true },
    transport: impatient(secure ? https : http),
  });
  async function ask<T>(request: () => Promise<T>): Promise<T> {
    for (let failures = 0; ; failures++) {
      try {
        return await request();
      } catch (error) {
        if (failures === retryAfterMs.length || !isTransient(error)) throw error;
        await sleep(retryAfterMs[failures]);
      }
    }
  }

  async function read(key: string): Promise<Buffer | undefined> {
    try {
      return await ask(async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of await client.getObject(bucket, key)) chunks.push(chunk as Buffer);
        return Buffer.concat(chunks);
      });
    } catch (error) {
      if (codeOf(error) === "NoSuchKey") return undefined;
      throw storeError(url, bucket, error);
    }
  }

  async function write(key: string, bytes: Uint8Array, headers: Record<string, string>): Promise<boolean> {
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    try {
      await ask(() => client.putObject(bucket, key, body, body.length, { ...headers }));
      return true;
    } catch (error) {
      if (codeOf(error) === "PreconditionFailed") return false;
      throw storeError(url, bucket, error);
    }
  }

  /** All objects below the prefix that start with `start`, without the prefix, in the server's order. */
  async function* objects(start: string): AsyncIterable<string> {
    try {
      for await (const item of client.listObjectsV2(bucket, prefix + start, true)) {
        const { name } = item as { name?: string };
        if (name !== undefined) yield name.slice(prefix.length);
      }
    } catch (error) {
      throw storeError(url, bucket, error);
    }
  }

  const store: Store = {
    url,

    async putBlob(bytes) {
      const digest = sha256(bytes);
      const key = prefix + blobPath(digest);
      if (await store.hasBlob(digest)) {
        const present = await read(key);
        if (present !== undefined && sha256(present) === digest) return digest;
      }
      await write(key, bytes, { "Content-Type": "application/octet-stream" });
      return digest;
    },

    async getBlob(digest) {
      const bytes = await read(prefix + blobPath(digest));
      if (bytes === undefined) throw new MissingBlobError(url, digest);
      const found = sha256(bytes);
      if (found !== digest) throw new DamagedBlobError(url, digest, found);
      return bytes;
    },

    async hasBlob(digest) {
      const key = prefix + blobPath(digest);
      try {
        await ask(() => client.statObject(bucket, key));
        return true;
      } catch (error) {
        if (codeOf(error) === "NotFound") return false;
        throw storeError(url, bucket, error);
      }
    },

    async dropBlob(digest) {
      const key = prefix + blobPath(digest);
      try {
        await ask(() => client.removeObject(bucket, key));
      } catch (error) {
        throw storeError(url, bucket, error);
      }
    },

    async *listBlobs() {
      for await (const name of objects("sha256/")) {
        const digest = blobAt(name);
        if (digest !== undefined) yield digest;
      }
    },

    async setPointer(name, value, options) {
      const condition: Record<string, string> = options?.ifAbsent === true ? { "If-None-Match": "*" } : {};
      return write(prefix + pointerPath(name), encodePointer(name, value), { "Content-Type": "application/json", ...condition });
    },

    async getPointer(name) {
      const bytes = await read(prefix + pointerPath(name));
      return bytes === undefined ? undefined : decodePointer(url, name, bytes);
    },

    async *listPointers(start) {
      const names: string[] = [];
      for await (const path of objects(`pointers/${start}`)) {
        const name = pointerAt(path);
        if (name !== undefined) names.push(name);
      }
      yield* names.sort();
    },

    async *listStrays() {
      for await (const path of objects("")) {
        if (blobAt(path) === undefined && pointerAt(path) === undefined) yield path;
      }
    },
  };

  // Finds out now, not after an hour's work, that the server, the bucket or the credentials are wrong.
  await read(`${prefix}recist3d-store`);
  return store;
}

function parseS3Url(url: string): { server: URL; bucket: string; prefix: string } {
  const remedy = "write s3:http(s)://host[:port]/bucket[/prefix]; keys belong in RECIST3D_S3_ACCESS_KEY and RECIST3D_S3_SECRET_KEY";
  const address = /^s3:(https?:\/\/.+)$/.exec(url)?.[1];
  if (address === undefined || !URL.canParse(address)) throw new StoreInputError("not the url of an S3 store", url, remedy);
  const server = new URL(address);
  if (server.username !== "" || server.password !== "") {
    throw new StoreInputError("the url of a store is printed and recorded, so it must not hold a password", `s3:${server.protocol}//…@${server.host}`, remedy);
  }
  const [bucket, ...folders] = server.pathname.replace(/^\/|\/$/g, "").split("/");
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) throw new StoreInputError(`${JSON.stringify(bucket)} cannot name a bucket`, url, remedy);
  if (server.search !== "" || server.hash !== "" || !folders.every(isPointerName)) {
    throw new StoreInputError("the prefix may only have letters, digits, '.', '_', '-' and '/'", url, remedy);
  }
  return { server, bucket, prefix: folders.map((folder) => `${folder}/`).join("") };
}

/** `transport`, but it gives up connections on which nothing moves. */
function impatient(transport: typeof http | typeof https) {
  return {
    request(options: https.RequestOptions, onResponse: (response: http.IncomingMessage) => void): http.ClientRequest {
      const request = transport.request(options, onResponse);
      request.setTimeout(silenceMs, () => {
        request.destroy(Object.assign(new Error(`no answer for ${silenceMs / 1000} s`), { code: "ETIMEDOUT" }));
      });
      return request;
    },
  } as typeof http;
}

/** The S3 or system error code. */
function codeOf(error: unknown): string {
  return (error as { code?: string } | undefined)?.code ?? "";
}

/** Whether the same request may succeed in a moment. */
function isTransient(error: unknown): boolean {
  const { message } = error as Error;
  return (
    ["ECONNRESET", "ECONNREFUSED", "EPIPE", "SlowDown", "ConditionalRequestConflict", "OperationAborted"].includes(codeOf(error)) ||
    /socket hang up|Retryable HTTP status|aborted/.test(message)
  );
}

function storeError(url: string, bucket: string, error: unknown): Error {
  if (!(error instanceof Error)) return new StoreUnreachableError(url, String(error), "look at the server's log");
  const code = codeOf(error);
  const why = [code, error.message].filter((part) => part !== "").join(": ");
  switch (code) {
    case "NoSuchBucket":
      return new StoreUnreachableError(url, `bucket ${bucket} does not exist`, "create it, or correct the url", { cause: error });
    case "InvalidAccessKeyId":
    case "SignatureDoesNotMatch":
    case "AccessDenied":
    case "ExpiredToken":
    case "InvalidTokenId":
      return new StoreUnreachableError(
        url,
        `the server refuses these credentials (${why})`,
        "set RECIST3D_S3_ACCESS_KEY and RECIST3D_S3_SECRET_KEY to keys that may list, read and write this bucket",
        { cause: error },
      );
    case "InsufficientStorage":
    case "QuotaExceeded":
    case "XMinioStorageFull":
      return new StoreFullError(url, why, { cause: error });
    default:
      return new StoreUnreachableError(url, `the server does not answer as it should (${why})`, "check that the server is running and that the url is right", { cause: error });
  }
}
