import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * When a process started, in clock ticks since the machine did; with the pid it names one process and no other.
 *
 * @param {number} pid
 * @returns {string | undefined} undefined when there is no such process, or it has ended and only waits to be reaped
 */
export function startTicks(pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return process.platform === "linux" || !isSignallable(pid) ? undefined : "unknown";
  }
  // The second field is the program's name in brackets and may itself hold brackets and spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/**
 * Runs `work` while holding the lock file `path`. A lock whose holder has died is taken over.
 *
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {{ onWait?: (holder: string) => void, pollMs?: number }} [options] `onWait` is called once, when somebody else holds the lock
 * @returns {Promise<T>}
 */
export async function withLock(path, work, { onWait, pollMs = 100 } = {}) {
  const mine = JSON.stringify({ pid: process.pid, startTicks: startTicks(process.pid), host: hostname() });
  for (let told = false; !take(path, mine); told = true) {
    const holder = read(path);
    if (holder === undefined) continue;
    if (!told) onWait?.(holder);
    if (isAbandoned(holder)) discard(path, holder);
    else await sleep(pollMs);
  }
  const release = () => {
    if (read(path) === mine) rmSync(path, { force: true });
  };
  process.on("exit", release);
  try {
    return await work();
  } finally {
    process.off("exit", release);
    release();
  }
}

/** @returns {boolean} whether the lock is now ours; the file appears with its content or not at all */
function take(path, mine) {
  const own = `${path}.${randomUUID()}`;
  writeFileSync(own, mine);
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function isAbandoned(holder) {
  try {
    const { pid, startTicks: started, host } = JSON.parse(holder);
    return host === hostname() && startTicks(pid) !== started;
  } catch {
    return true;
  }
}

/** Removes an abandoned lock; puts it back should another process have taken it over in the meantime. */
function discard(path, abandoned) {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error.code === "ENOENT") return;
    throw error;
  }
  if (read(aside) !== abandoned) linkSync(aside, path);
  rmSync(aside, { force: true });
}

function isSignallable(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
