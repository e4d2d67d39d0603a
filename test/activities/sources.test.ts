import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { putSource } from "../../activities/sources.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { InputError } from "../../methods/inputError.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-sources-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(["EISDIR", "ENOENT"])("a file that is there for no reader (%s) is bad input, which no attempt mends", async (code) => {
  const weights = path.join(folder, code);
  if (code === "EISDIR") mkdirSync(weights);
  const source = putSource(openFileStore(path.join(folder, "store")), "network.train", { weights });
  await expect(source).rejects.toThrow(InputError);
  await expect(source).rejects.toThrow(new RegExp(`${weights}.*cannot be read \\(${code}\\)`));
});
