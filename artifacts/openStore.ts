import { homedir } from "node:os";
import { join } from "node:path";
import { StoreInputError } from "./errors.ts";
import { openFileStore } from "./fileStore.ts";
import type { S3Credentials } from "./s3Bucket.ts";
import { openS3Store } from "./s3Store.ts";
import type { Store } from "./store.ts";

/**
 * Opens the store at `url`: `file:DIR`, a plain path, or `s3:http(s)://host[:port]/bucket[/prefix]`. By default
 * `RECIST3D_STORE`, else folder `store` of recist3d's home.
 *
 * S3 keys come from `RECIST3D_S3_ACCESS_KEY` and `RECIST3D_S3_SECRET_KEY`, else from `AWS_ACCESS_KEY_ID`,
 * `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; the region from `AWS_REGION`.
 * @throws StoreInputError for a url of another form or missing keys, StoreUnreachableError when an S3 server fails.
 */
export async function openStore(url?: string, env: NodeJS.ProcessEnv = process.env): Promise<Store> {
  const place = url ?? (env.RECIST3D_STORE || join(recist3dHome(env), "store"));
  if (place.startsWith("s3:")) return openS3Store(place, s3Credentials(place, env));
  if (place === "" || /^(?!file:)[a-z][a-z0-9+.-]+:/i.test(place)) {
    throw new StoreInputError(
      "not the url of a store",
      place,
      "write file:DIR, a path, or s3:http(s)://host[:port]/bucket[/prefix]",
    );
  }
  const path = place.replace(/^file:(\/\/(?=\/))?/, "");
  if (path === "") throw new StoreInputError("names no folder", place, "write file:DIR");
  return openFileStore(path);
}

/** Where recist3d keeps its things: `RECIST3D_HOME`, else `$XDG_DATA_HOME/recist3d`, else `~/.local/share/recist3d`. */
export function recist3dHome(env: NodeJS.ProcessEnv = process.env): string {
  return env.RECIST3D_HOME || join(env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "recist3d");
}

function s3Credentials(url: string, env: NodeJS.ProcessEnv): S3Credentials {
  const region = env.AWS_REGION || undefined;
  if (env.RECIST3D_S3_ACCESS_KEY && env.RECIST3D_S3_SECRET_KEY) {
    return { accessKey: env.RECIST3D_S3_ACCESS_KEY, secretKey: env.RECIST3D_S3_SECRET_KEY, region };
  }
  if (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY) {
    return {
      accessKey: env.AWS_ACCESS_KEY_ID,
      secretKey: env.AWS_SECRET_ACCESS_KEY,
      sessionToken: env.AWS_SESSION_TOKEN || undefined,
      region,
    };
  }
  throw new StoreInputError("no keys for this S3 store", url, "set RECIST3D_S3_ACCESS_KEY and RECIST3D_S3_SECRET_KEY");
}
