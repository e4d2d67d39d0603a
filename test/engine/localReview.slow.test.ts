import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { startReview } from "../../engine/localReview.ts";
import { stopStack } from "../../engine/localStack.ts";

const home = mkdtempSync(path.join(tmpdir(), "recist3d-review-"));
afterAll(async () => {
  await stopStack(home);
  rmSync(home, { recursive: true, force: true });
});

it("serves the pages at one address over kill -9, until everything local is stopped", async () => {
  const options = { home, store: `file:${path.join(home, "store")}` };
  const address = await startReview(options);
  const { pid } = JSON.parse(readFileSync(path.join(home, "review/process.json"), "utf8")) as { pid: number };
  expect(await (await fetch(address)).text()).toContain("<!doctype html>");
  expect(await startReview(options)).toBe(address);

  process.kill(pid, "SIGKILL");
  await expect.poll(() => answers(address)).toBe(false);
  expect(await startReview(options)).toBe(address);
  expect(await answers(address)).toBe(true);

  expect(await stopStack(home)).toBe(true);
  expect(await answers(address)).toBe(false);
});

async function answers(address: string): Promise<boolean> {
  return fetch(address).then(
    () => true,
    () => false,
  );
}
