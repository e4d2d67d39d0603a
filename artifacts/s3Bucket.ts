import http from "node:http";
import https from "node:https";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "minio";
import { StoreFullError, StoreInputError, StoreUnreachableError } from "./errors.ts";
import { isPointerName } from "./pointer.ts";

export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
  /** Default "us-east-1", which servers other than Amazon's take for any. */
  readonly region?: string;
}

/** The objects of an S3 bucket below a prefix. Every method may throw StoreUnreachableError, `write` also StoreFullError. */
export interface S3Bucket {
  /** The bytes of an object, undefined when there is none. */
  read(key: string): Promise<Buffer | undefined>;
  exists(key: string): Promise<boolean>;
  /**
   * One signed PUT with a checksum, whatever the size: a cut upload leaves nothing. (Multipart uploads would be neither
   * conditional on every server, nor safe with two writers of one key.)
   * @returns false when `ifAbsent` and the server found an object there.
   */
  write(key: string, bytes: Uint8Array, mediaType: string, options?: { ifAbsent?: boolean }): Promise<boolean>;
  /** Fine when there is no such object. */
  remove(key: string): Promise<void>;
  /** All keys that start with `start`, in the server's order. */
  list(start: string): AsyncIterable<{ readonly key: string; readonly modified: Date | undefined }>;
}

/** A connection on which nothing moves for so long is given up. */
const silenceMs = 30_000;
/** Pauses before a request is sent again after a broken connection or an overloaded server. */
const retryAfterMs = [100, 400, 1600];

/**
 * The bucket and prefix at `s3:http(s)://host[:port]/bucket[/prefix]`.
 * @throws StoreInputError for a wrong url. Nothing is asked of the server yet.
 */
export function openS3Bucket(url: string, credentials: S3Credentials): S3Bucket {
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

  /** The answer to a request, or the one of `answers` that belongs to the server's error code. */
  async function ask<T, A = never>(request: () => Promise<T>, answers: Readonly<Record<string, A>> = {}): Promise<T | A> {
    for (let failures = 0; ; failures++) {
      try {
        return await request();
      } catch (error) {
        const code = codeOf(error);
        if (code in answers) return answers[code];
        if (failures === retryAfterMs.length || !isTransient(error)) throw storeError(url, bucket, error);
        await sleep(retryAfterMs[failures]);
      }
    }
  }

  return {
    read: (key) => ask(async () => buffer(await client.getObject(bucket, prefix + key)), { NoSuchKey: undefined }),

    exists: (key) => ask(async () => Boolean(await client.statObject(bucket, prefix + key)), { NotFound: false }),

    write(key, bytes, mediaType, options) {
      const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const condition: Record<string, string> = options?.ifAbsent === true ? { "If-None-Match": "*" } : {};
      return ask(
        async () => {
          await client.putObject(bucket, prefix + key, body, body.length, { "Content-Type": mediaType, ...condition });
          return true;
        },
        { PreconditionFailed: false },
      );
    },

    remove: (key) => ask(() => client.removeObject(bucket, prefix + key), { NoSuchKey: undefined }),

    async *list(start) {
      const pageFrom = (token: string) => ask(() => client.listObjectsV2Query(bucket, prefix + start, token, "", 1000, ""));
      let token = "";
      do {
        const { objects, isTruncated, nextContinuationToken } = await pageFrom(token);
        for (const { name, lastModified } of objects)
          if (name !== undefined) yield { key: name.slice(prefix.length), modified: lastModified };
        token = isTruncated ? nextContinuationToken : "";
      } while (token !== "");
    },
  };
}

function parseS3Url(url: string): { server: URL; bucket: string; prefix: string } {
  const remedy =
    "write s3:http(s)://host[:port]/bucket[/prefix]; keys belong in RECIST3D_S3_ACCESS_KEY and RECIST3D_S3_SECRET_KEY";
  const address = /^s3:(https?:\/\/.+)$/.exec(url)?.[1];
  if (address === undefined || !URL.canParse(address)) throw new StoreInputError("not the url of an S3 store", url, remedy);
  const server = new URL(address);
  if (server.username !== "" || server.password !== "") {
    throw new StoreInputError(
      "the url of a store is printed and recorded, so it must not hold keys",
      `s3:${server.protocol}//…@${server.host}`,
      remedy,
    );
  }
  const [bucket, ...folders] = server.pathname.replace(/^\/|\/$/g, "").split("/");
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new StoreInputError(`${JSON.stringify(bucket)} cannot name a bucket`, url, remedy);
  if (server.search !== "" || server.hash !== "" || !folders.every((folder) => !folder.includes("/") && isPointerName(folder))) {
    throw new StoreInputError("the prefix may only have letters, digits, '.', '_', '-' and single '/'", url, remedy);
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
  return (
    ["ECONNRESET", "ECONNREFUSED", "EPIPE", "EAI_AGAIN", "SlowDown", "ConditionalRequestConflict", "OperationAborted"].includes(
      codeOf(error),
    ) || (error as Error).message.includes("Retryable HTTP status")
  );
}

function storeError(url: string, bucket: string, error: unknown): Error {
  const code = codeOf(error);
  const why = [code, (error as Error).message].filter((part) => part !== "").join(": ");
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
        `the server refuses these keys (${why})`,
        "set RECIST3D_S3_ACCESS_KEY and RECIST3D_S3_SECRET_KEY to keys that may list, read, write and delete in this bucket",
        { cause: error },
      );
    case "RequestTimeTooSkewed":
      return new StoreUnreachableError(url, `the clocks here and there differ too much (${why})`, "set them right", {
        cause: error,
      });
    case "InsufficientStorage":
    case "QuotaExceeded":
    case "XMinioStorageFull":
      return new StoreFullError(url, why, { cause: error });
    default:
      return new StoreUnreachableError(
        url,
        `the server does not answer as it should (${why})`,
        "check that it is running and that the url is right",
        { cause: error },
      );
  }
}
