import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "resume-"));
afterAll(() => rmSync(folder, { recursive: true }));

const child = fileURLToPath(new URL("./trainingChild.ts", import.meta.url));

function run(...args: string[]): { digest: string; signal: NodeJS.Signals | null } {
  const { stdout, stderr, signal, status } = spawnSync(process.execPath, ["--import", "tsx", child, ...args], {
    encoding: "utf8",
  });
  if (signal === null && status !== 0) throw new Error(stderr);
  return { digest: stdout.trim(), signal };
}

describe("training in processes that are killed", () => {
  it.each(["hnn", "unet", "drawn"])("ends with the bytes of an undisturbed run: %s", { timeout: 120_000 }, (network) => {
    const [whole, broken] = ["whole", "broken"].map((name) => mkdtempSync(join(folder, `${network}-${name}-`)));
    const { digest } = run(network, whole);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    // 12 training samples make 3 steps an epoch: dies in the middle of an epoch, goes on, dies again after its end.
    expect(run(network, broken, "", "5").signal).toBe("SIGKILL");
    expect(readdirSync(broken).sort()).toEqual(["0-1.safetensors", "0-2.safetensors", "1-0.safetensors", "1-1.safetensors"]);
    expect(run(network, broken, join(broken, "1-1.safetensors"), "6").signal).toBe("SIGKILL");
    expect(run(network, broken, join(broken, "2-0.safetensors")).digest).toBe(digest);
    expect(run(network, broken, join(broken, "1-1.safetensors")).digest).toBe(digest);
  });
});
