import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { openStore } from "../../artifacts/openStore.ts";
import { startStore, stopStore } from "../../engine/localStore.ts";

const home = mkdtempSync(path.join(tmpdir(), "recist3d-s3-"));
afterAll(async () => {
  await stopStore(home);
  rmSync(home, { recursive: true, force: true });
});

it("keeps what was stored over kill -9, at the same url and with the same keys", async () => {
  const [first, again] = await Promise.all([startStore({ home }), startStore({ home })]);
  expect(again).toEqual(first);
  expect(statSync(path.join(home, "s3/keys.json")).mode & 0o777).toBe(0o600);
  const keys = { RECIST3D_S3_ACCESS_KEY: first.accessKey, RECIST3D_S3_SECRET_KEY: first.secretKey };
  const store = await openStore(first.url, keys);
  const digest = await store.putBlob(Buffer.from("lesion"));

  process.kill(first.pid, "SIGKILL");
  await expect.poll(() => store.getBlob(digest).then(String, () => "no answer")).toBe("no answer");
  const { pid, ...second } = await startStore({ home });
  expect(pid).not.toBe(first.pid);
  expect({ ...second, pid: first.pid }).toEqual(first);
  expect(String(await store.getBlob(digest))).toBe("lesion");

  expect(await stopStore(home)).toBe(true);
});
