import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { recist3dHome } from "../artifacts/openStore.ts";
import { codeDigest } from "./codeDigest.ts";
import { exclusively, findProcess, freePort, isAnswering, startProcess, stopProcess, writeWhole } from "./localProcess.ts";
import { sameSettings } from "./localWorkers.ts";

export interface LocalReviewOptions {
  /** recist3d's home; default {@link recist3dHome}. */
  readonly home?: string;
  /** Url of the store that pictures are read from. */
  readonly store: string;
  /** Default: the port of the last start, else `usualPort` or any free one. */
  readonly port?: number;
  readonly usualPort?: number;
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROGRAM = path.join(ROOT, "cli/main.ts");

/**
 * Serves the review pages on this machine, for this machine, or finds that they are served already. The server outlives
 * this process, as engine and worker do; one of other code or another store is replaced, at the same address.
 *
 * @returns its address. @throws LocalProcessError when it does not come up; the message ends with its log
 */
export async function startReview({ home = recist3dHome(), store, port, usualPort }: LocalReviewOptions): Promise<string> {
  const folder = reviewFolder(home);
  return exclusively(folder, async () => {
    const settings = { RECIST3D_HOME: home, RECIST3D_STORE: store, code: codeDigest(["cli", "client", "review"]) };
    const running = findProcess(folder);
    if (running?.port !== undefined && sameSettings(running, settings) && (port ?? running.port) === running.port)
      return address(running.port);
    await stopProcess(folder);

    const portFile = path.join(folder, "port");
    const lastPort = existsSync(portFile) ? Number(readFileSync(portFile, "utf8")) : usualPort;
    const chosen = port ?? (await freePort(lastPort));
    await startProcess({
      folder,
      command: process.execPath,
      arguments: ["--import", "tsx", PROGRAM, "review", "--no-open", "--port", String(chosen)],
      workingFolder: ROOT,
      environment: { RECIST3D_HOME: home, RECIST3D_STORE: store },
      program: PROGRAM,
      port: chosen,
      settings,
      isReady: () => isAnswering(address(chosen)),
      readyTimeoutMs: 90_000,
    });
    writeWhole(portFile, String(chosen));
    return address(chosen);
  });
}

/** Ends the server that {@link startReview} started; what waits for people goes on waiting. @returns whether it ran */
export function stopReview(home = recist3dHome()): Promise<boolean> {
  const folder = reviewFolder(home);
  return exclusively(folder, () => stopProcess(folder));
}

function reviewFolder(home: string): string {
  return path.join(home, "review");
}

const address = (port: number): string => `http://127.0.0.1:${port}/`;
