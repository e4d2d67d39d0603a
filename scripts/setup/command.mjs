import { spawn } from "node:child_process";
import { constants } from "node:os";
import { SetupError } from "./setupError.mjs";

const KEPT_CHARACTERS = 4000;
const OFFLINE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|no such host|Name or service not known|network is unreachable|NewConnectionError/i;

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    for (const child of running) child.kill(signal);
    process.exit(128 + constants.signals[signal]);
  });
}

/**
 * Runs a program and waits for it; its output is shown only when it fails.
 *
 * @param {string} program found on PATH, or a path
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, install: string }} options `install`: what to do when the program is
 *   missing or fails, e.g. how to install it
 * @returns {Promise<string>} what it wrote on stdout
 * @throws {SetupError} when it is missing, or exits with anything but 0; names the network when that is the likely cause
 */
export function run(program, args, { cwd, env, install }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let stdout = "";
    let tail = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      tail = (tail + chunk).slice(-KEPT_CHARACTERS);
    });
    child.stderr.on("data", (chunk) => {
      tail = (tail + chunk).slice(-KEPT_CHARACTERS);
    });
    child.on("error", (error) => {
      running.delete(child);
      const missing = "code" in error && error.code === "ENOENT";
      reject(new SetupError(missing ? `${program} was not found` : `${program} could not be started: ${error.message}`, install));
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      if (code === 0) return resolve(stdout);
      const remedy = OFFLINE.test(tail)
        ? "The package registry could not be reached. The first setup needs it; later ones work from the cache."
        : install;
      const how = code === null ? `was ended by ${signal}` : `exited with ${code}`;
      reject(new SetupError(`${program} ${args.join(" ")} ${how}:\n${tail.trim()}`, remedy));
    });
  });
}
