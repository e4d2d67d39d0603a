import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { ActionRecord } from "../schemas/records.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
let code: ActionRecord["code"] | undefined;

/**
 * Which code this process runs: the package's version and, in a git checkout, its commit and whether files differ from
 * it. Looked up once: later edits of the checkout do not change a running process.
 */
export function codeIdentity(): ActionRecord["code"] {
  code ??= identify(root);
  return code;
}

/** The identity of the code in folder `root`; commit and modified are null where git cannot tell. */
export function identify(root: string): ActionRecord["code"] {
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { version: string };
  if (!existsSync(`${root}/.git`)) return { version, commit: null, modified: null };
  try {
    return { version, commit: git(root, "rev-parse", "HEAD"), modified: git(root, "status", "--porcelain") !== "" };
  } catch {
    // No git program, no commit yet, or a checkout of another user's: the version is all there is to say.
    return { version, commit: null, modified: null };
  }
}

function git(root: string, ...args: string[]): string {
  return execFileSync("git", ["-C", root, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}

/** The machine, as far as numbers and speed may depend on it; nothing that names it. */
export function machineIdentity(): ActionRecord["machine"] {
  return {
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
  };
}
