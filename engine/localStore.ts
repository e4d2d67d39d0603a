import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { recist3dHome } from "../artifacts/openStore.ts";
import { exclusively, findProcess, freePort, isAnswering, startProcess, stopProcess, writeWhole } from "./localProcess.ts";
import { toolPath } from "./toolPath.ts";

export interface LocalStoreOptions {
  /** recist3d's home; default {@link recist3dHome}. */
  readonly home?: string;
  /** Default: the port of the last start, else any free one. */
  readonly port?: number;
}

/** An S3 server on this machine, with one bucket. */
export interface RunningStore {
  /** e.g. `s3:http://127.0.0.1:7070/recist3d`, for `RECIST3D_STORE`. */
  readonly url: string;
  readonly pid: number;
  /** For `RECIST3D_S3_ACCESS_KEY` and `RECIST3D_S3_SECRET_KEY`. */
  readonly accessKey: string;
  readonly secretKey: string;
}

const PROGRAM = "versitygw";
const BUCKET = "recist3d";

/**
 * Starts an S3 server on this machine, or finds it when it runs already. It outlives this process and keeps its objects in
 * `<home>/s3`. The keys are made at the first start and kept in a file that only its owner may read.
 *
 * @throws LocalProcessError when it does not come up; the message ends with its log
 */
export async function startStore(options: LocalStoreOptions = {}): Promise<RunningStore> {
  const folder = storeFolder(options.home ?? recist3dHome());
  return exclusively(folder, async () => {
    const keys = storeKeys(folder);
    const running = findProcess(folder);
    if (running?.port !== undefined) return { url: bucketUrl(running.port), pid: running.pid, ...keys };

    const portFile = path.join(folder, "port");
    const lastPort = existsSync(portFile) ? Number(readFileSync(portFile, "utf8")) : undefined;
    const port = options.port ?? (await freePort(lastPort));
    // A folder of the data folder is a bucket.
    for (const name of [`data/${BUCKET}`, "versions", "iam"]) mkdirSync(path.join(folder, name), { recursive: true });
    const server = [
      "--port",
      `127.0.0.1:${port}`,
      "--iam-dir",
      path.join(folder, "iam"),
      "--health",
      "/health",
      "--quiet",
      "--keep-alive",
    ];
    const { pid } = await startProcess({
      folder,
      command: toolPath("versitygw"),
      arguments: [...server, "posix", "--versioning-dir", path.join(folder, "versions"), path.join(folder, "data")],
      environment: { ROOT_ACCESS_KEY: keys.accessKey, ROOT_SECRET_KEY: keys.secretKey },
      program: PROGRAM,
      port,
      isReady: () => isAnswering(`http://127.0.0.1:${port}/health`),
    });
    writeWhole(portFile, String(port));
    return { url: bucketUrl(port), pid, ...keys };
  });
}

/** Stops the S3 server of this machine; its objects stay. @returns whether it ran */
export function stopStore(home = recist3dHome()): Promise<boolean> {
  const folder = storeFolder(home);
  return exclusively(folder, () => stopProcess(folder));
}

function storeFolder(home: string): string {
  return path.join(home, "s3");
}

function bucketUrl(port: number): string {
  return `s3:http://127.0.0.1:${port}/${BUCKET}`;
}

function storeKeys(folder: string): { accessKey: string; secretKey: string } {
  const file = path.join(folder, "keys.json");
  if (!existsSync(file)) {
    const keys = { accessKey: `recist3d-${randomBytes(6).toString("hex")}`, secretKey: randomBytes(24).toString("base64url") };
    writeWhole(file, JSON.stringify(keys), 0o600);
  }
  return JSON.parse(readFileSync(file, "utf8"));
}
