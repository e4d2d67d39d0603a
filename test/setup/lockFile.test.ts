import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startTicks, withLock } from "../../scripts/setup/lockFile.mjs";

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "recist3d-lock-"));
  lock = path.join(folder, "lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("lets one at a time do its work, and is gone afterwards", async () => {
  let inside = 0;
  const most: number[] = [];
  const work = async () => {
    most.push(++inside);
    await sleep(5);
    inside--;
  };
  await Promise.all(Array.from({ length: 8 }, () => withLock(lock, work, { pollMs: 1 })));
  expect(most).toEqual(Array(8).fill(1));
  expect(existsSync(lock)).toBe(false);
});

it("is given back when the work fails", async () => {
  await expect(withLock(lock, () => Promise.reject(new Error("no disk")))).rejects.toThrow("no disk");
  expect(await withLock(lock, async () => "next")).toBe("next");
});

it("is taken over from a process that was killed while it held it", async () => {
  const module = fileURLToPath(new URL("../../scripts/setup/lockFile.mjs", import.meta.url));
  const script = `
    const { withLock } = await import(${JSON.stringify(module)});
    await withLock(${JSON.stringify(lock)}, () => { console.log("held"); return new Promise((r) => setTimeout(r, 60000)); });`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  const waits: string[] = [];
  const next = withLock(lock, async () => "taken over", { onWait: (who) => waits.push(who), pollMs: 5 });
  await sleep(50);
  expect(JSON.parse(waits[0]).pid).toBe(holder.pid);
  holder.kill("SIGKILL");
  expect(await next).toBe("taken over");
});

it("is taken over when its holder's pid now belongs to another process", async () => {
  await withLock(lock, async () => {
    const held = JSON.parse(readFileSync(lock, "utf8"));
    expect(held).toMatchObject({ pid: process.pid, startTicks: startTicks(process.pid) });
    writeFileSync(lock, JSON.stringify({ ...held, startTicks: "1" }));
    expect(await withLock(lock, async () => "taken over")).toBe("taken over");
  });
});
