import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { sha256 } from "./digest.ts";
import type { S3Bucket } from "./s3Bucket.ts";

/** Longer than a server takes over a small PUT. */
const turnMs = 1000;
const lookAgainMs = 25;
/** A claim so old belongs to a dead process. */
const abandonedAfterMs = 3_600_000;

/**
 * Writes the object `key` unless there is one; of any number of simultaneous writers one is told true.
 *
 * `If-None-Match: *` alone is not enough: some servers look and then write (of 20 writers at once, versitygw 1.7 tells up
 * to 4 that they were first). So each writer announces itself under a name of its own and then lists who else did. Lists
 * are consistent, so of two writers at least one sees the other. Who is alone writes at once; the others let a turn pass
 * for each claim before theirs, by when the first one's object is there. The condition stays, for writers that were
 * stopped so long that they lost their turn.
 */
export async function writeIfAbsent(bucket: S3Bucket, key: string, bytes: Uint8Array, mediaType: string): Promise<boolean> {
  if (await bucket.exists(key)) return false;
  const folder = `claims/${sha256(key)}/`;
  const mine = folder + randomUUID();
  await bucket.write(mine, new Uint8Array(), "application/octet-stream");
  try {
    const announced = performance.now();
    for (;;) {
      const claims = await liveClaims(bucket, folder);
      const before = claims.filter((claim) => claim < mine).length;
      if (claims.length <= 1 || performance.now() - announced > (before + 1) * turnMs) break;
      if (await bucket.exists(key)) return false;
      await sleep(lookAgainMs);
    }
    return await bucket.write(key, bytes, mediaType, { ifAbsent: true });
  } finally {
    await bucket.remove(mine);
  }
}

async function liveClaims(bucket: S3Bucket, folder: string): Promise<string[]> {
  const claims: string[] = [];
  for await (const { key, modified } of bucket.list(folder)) {
    if (modified !== undefined && Date.now() - modified.getTime() > abandonedAfterMs) await bucket.remove(key);
    else claims.push(key);
  }
  return claims;
}
