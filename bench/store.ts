/**
 * What the store costs beside what it stands on: a folder store beside plain file writes, an S3 store beside the bare
 * client, on one machine in one run. Ratios above 1 mean that the store takes longer. S3 needs a versitygw
 * (`npm run setup`, or VERSITYGW_BIN).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { openFileStore } from "../artifacts/fileStore.ts";
import { openS3Store } from "../artifacts/s3Store.ts";
import type { Store } from "../artifacts/store.ts";
import { startS3Server } from "../test/artifacts/s3Server.ts";
import { median } from "./timing/median.ts";

const sizes = [
  { name: "200 B", bytes: 200, count: 100 },
  { name: "1 MB", bytes: 1_000_000, count: 24 },
  { name: "30 MB", bytes: 30_000_000, count: 4 },
];
const rounds = 3;

interface Plain {
  put(name: string, bytes: Buffer): Promise<unknown>;
  get(name: string): Promise<unknown>;
}

/** Bytes that are different for every (round, item), so that nothing is stored already. */
function blob(size: number, round: number, item: number): Buffer {
  const bytes = Buffer.alloc(size, round * 100 + item + 1);
  bytes.writeUInt32LE(round * 1000 + item, 0);
  return bytes;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Puts and gets the same bytes through both, in turns, and prints medians over the rounds. */
async function compare(title: string, store: Store, plain: Plain): Promise<void> {
  console.log(`\n${title}`);
  console.log("size     put ms   plain ms   ratio      get ms   plain ms   ratio");
  for (const { name, bytes, count } of sizes) {
    const times = { put: [] as number[], plainPut: [] as number[], get: [] as number[], plainGet: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      const blobs = Array.from({ length: count }, (_, item) => blob(bytes, round, item));
      const digests: Awaited<ReturnType<Store["putBlob"]>>[] = [];
      times.plainPut.push(
        await seconds(async () => {
          for (const [item, content] of blobs.entries()) await plain.put(`${bytes}-${round}-${item}`, content);
        }),
      );
      times.put.push(
        await seconds(async () => {
          for (const content of blobs) digests.push(await store.putBlob(content));
        }),
      );
      times.plainGet.push(
        await seconds(async () => {
          for (const item of blobs.keys()) await plain.get(`${bytes}-${round}-${item}`);
        }),
      );
      times.get.push(
        await seconds(async () => {
          for (const digest of digests) await store.getBlob(digest);
        }),
      );
    }
    const [put, plainPut, get, plainGet] = [times.put, times.plainPut, times.get, times.plainGet].map(
      (all) => (median(all) / count) * 1000,
    );
    const cells = [
      put.toFixed(2),
      plainPut.toFixed(2),
      (put / plainPut).toFixed(2),
      get.toFixed(2),
      plainGet.toFixed(2),
      (get / plainGet).toFixed(2),
    ];
    console.log(
      `${name.padEnd(6)} ${cells[0].padStart(8)} ${cells[1].padStart(10)} ${cells[2].padStart(7)}  ${cells[3].padStart(10)} ${cells[4].padStart(10)} ${cells[5].padStart(7)}`,
    );
  }
}

const scratch = mkdtempSync(join(tmpdir(), "recist3d-bench-"));
try {
  await compare(
    "folder store beside writeFile with flush (both are on the disk when put returns)",
    openFileStore(join(scratch, "store")),
    {
      put: (name, bytes) => writeFile(join(scratch, name), bytes, { flush: true }),
      get: (name) => readFile(join(scratch, name)),
    },
  );
} finally {
  rmSync(scratch, { recursive: true });
}

const server = await startS3Server();
try {
  await server.client.makeBucket("plain");
  await compare("S3 store beside the bare minio client", await openS3Store(await server.bucket(), server.credentials), {
    put: (name, bytes) => server.client.putObject("plain", name, bytes, bytes.length),
    get: async (name) => buffer(await server.client.getObject("plain", name)),
  });
} finally {
  await server.stop();
}
