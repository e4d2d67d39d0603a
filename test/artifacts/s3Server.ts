import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "minio";

/** A versitygw of our own, over a folder: what it stores lies there as plain files. */
export interface S3Server {
  readonly host: string;
  readonly port: number;
  readonly credentials: { readonly accessKey: string; readonly secretKey: string };
  /** For what a store has no method for. */
  readonly client: Client;
  /** The folder whose folders are the buckets. */
  readonly data: string;
  /** `s3:` url of a place in a new, empty bucket. */
  bucket(prefix?: string): Promise<string>;
  /** Ends the process at once, as `kill -9` does. */
  kill(): Promise<void>;
  /** Starts it again over the same folder and on the same port. */
  start(): Promise<void>;
  /** Ends the process and removes the folder. */
  stop(): Promise<void>;
}

const credentials = { accessKey: "contract", secretKey: "contract-secret" };

/** @throws when the server cannot be started: a test of an S3 store without an S3 server has failed. */
export async function startS3Server(data?: string): Promise<S3Server> {
  const program = process.env.VERSITYGW_BIN ?? resolve(import.meta.dirname, "../../.bin/versitygw");
  if (!existsSync(program))
    throw new Error(
      `no S3 server: ${program} does not exist — run \`npm run setup\`, or set VERSITYGW_BIN to a versitygw binary`,
    );
  const root = await mkdtemp(join(tmpdir(), "recist3d-s3-"));
  const folder = data ?? join(root, "data");
  for (const made of [folder, join(root, "iam")]) mkdirSync(made, { recursive: true });
  const port = await freePort();
  const client = new Client({ endPoint: "127.0.0.1", port, useSSL: false, ...credentials, region: "us-east-1" });
  let child: ChildProcess | undefined;
  let buckets = 0;

  async function start(): Promise<void> {
    let log = "";
    const server = spawn(
      program,
      ["--port", `127.0.0.1:${port}`, "--iam-dir", join(root, "iam"), "--quiet", "--keep-alive", "posix", folder],
      {
        env: { ...process.env, ROOT_ACCESS_KEY: credentials.accessKey, ROOT_SECRET_KEY: credentials.secretKey },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    child = server;
    for (const stream of [server.stdout, server.stderr]) stream.on("data", (text) => (log += text));
    const failed = new Promise<never>((_, reject) => {
      server.once("error", reject);
      server.once("exit", (code, signal) => reject(new Error(`${program} ended (${signal ?? code}): ${log}`)));
    });
    failed.catch(() => undefined);
    const deadline = Date.now() + 20_000;
    for (;;) {
      try {
        await Promise.race([client.listBuckets(), failed]);
        return;
      } catch (error) {
        if (server.exitCode !== null || server.signalCode !== null || Date.now() > deadline) {
          throw new Error(`no S3 server: ${(error as Error).message} ${log}`, { cause: error });
        }
        await sleep(20);
      }
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((done) => child?.once("exit", done));
    child.kill(signal);
    await exited;
  }

  const stop = async (): Promise<void> => {
    await end("SIGTERM");
    await rm(root, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    host: "127.0.0.1",
    port,
    credentials,
    client,
    data: folder,
    async bucket(prefix) {
      const name = `bucket-${++buckets}`;
      await client.makeBucket(name);
      return `s3:http://127.0.0.1:${port}/${name}${prefix === undefined ? "" : `/${prefix}`}`;
    },
    kill: () => end("SIGKILL"),
    start,
    stop,
  };
}

function freePort(): Promise<number> {
  return new Promise((done, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}
