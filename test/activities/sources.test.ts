import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { pinnedSource, putSource, readScannedFile } from "../../activities/sources.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import type { Store } from "../../artifacts/store.ts";
import { InputError } from "../../methods/inputError.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-sources-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(["EISDIR", "ENOENT"])("a file that is there for no reader (%s) is bad input, which no attempt mends", async (code) => {
  const weights = path.join(folder, code);
  if (code === "EISDIR") mkdirSync(weights);
  const source = putSource(openFileStore(path.join(folder, "store")), "network.train", { weights });
  await expect(source).rejects.toThrow(InputError);
  await expect(source).rejects.toThrow(new RegExp(`${weights}.*cannot be read \\(${code}\\)`));
});

test("a folder that has gone since it was scanned is bad input, however slow the store is", async () => {
  const root = path.join(folder, "photographs");
  mkdirSync(root);
  writeFileSync(path.join(root, "a.png"), "");
  const store = openFileStore(path.join(folder, "store"));
  const scan = await putSource(store, "images.import", { root });
  rmSync(root, { recursive: true });
  const later = new Promise((resolve) => setTimeout(resolve, 100));
  const slow: Store = { ...store, getBlob: async (digest) => later.then(() => store.getBlob(digest)) };
  // An error that nobody waits for yet would end the process, and this run.
  const params = stepKinds["images.import"].params.parse({ root });
  await expect(pinnedSource(slow, "images.import", params, scan)).rejects.toThrow(/cannot be read \(ENOENT\)/);
});

test("a file is read as it was scanned, or not at all", async () => {
  const table = path.join(folder, "links.csv");
  writeFileSync(table, "id,lesion");
  const store = openFileStore(path.join(folder, "store"));
  const scan = { source: { artifact: await putSource(store, "timepoints.link", { table }) } };
  expect((await readScannedFile(store, scan, table)).toString()).toBe("id,lesion");
  writeFileSync(table, "id,lesioN");
  await expect(readScannedFile(store, scan, table)).rejects.toThrow(
    /links\.csv: was changed while the campaign ran — run the campaign again/,
  );
  rmSync(table);
  await expect(readScannedFile(store, scan, table)).rejects.toThrow(InputError);
});

test("a step that names no file has nothing to scan", async () => {
  await expect(putSource(openFileStore(path.join(folder, "store")), "evaluate", {})).rejects.toThrow(/names 0 files/);
});
