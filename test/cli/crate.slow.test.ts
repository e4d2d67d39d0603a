import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { type SmallCampaign, smallCampaign } from "../artifacts/smallCampaign.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-crates-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const place = (name: string): string => path.join(folder, name);
let campaign: SmallCampaign;
beforeAll(async () => {
  campaign = await smallCampaign(openFileStore(place("store")), "small");
});

/** The command line as a user calls it, with a finished campaign in the store and no engine. */
function recist3d(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, RECIST3D_SETUP: "none", RECIST3D_HOME: place("home"), RECIST3D_STORE: `file:${place("store")}` };
  return new Promise((resolve) => {
    execFile("bin/recist3d", words, { env: { ...env, RECIST3D_SIGNING_KEY: "" } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test("export crate makes a key and a crate that verify crate finds whole, as long as nobody touches it", async () => {
  const crate = place("crate");
  const written = await recist3d("export", "crate", "small", "--out", crate, "--json");
  expect(written).toMatchObject({ code: 0, stderr: expect.stringContaining(place("home/keys/signing-key.pem")) });
  const { keyid } = JSON.parse(written.stdout) as { keyid: string };
  const whole = await recist3d("verify", "crate", crate);
  expect(whole).toMatchObject({ code: 0, stdout: "" });
  expect(whole.stderr).toMatch(new RegExp(`key in the crate itself, ${keyid}: nobody vouches for it`));
  const again = await recist3d("export", "crate", "small", "--out", place("all"), "--all");
  expect(again).toMatchObject({ code: 0, stderr: expect.not.stringContaining("made a key") });
  const vouched = await recist3d("verify", "crate", place("all"), "--key", path.join(crate, "signing-key.pub.pem"), "--json");
  expect(JSON.parse(vouched.stdout)).toMatchObject({ ok: true, signed: { keyid, by: "given" }, artifacts: 6 });
  expect(readdirSync(path.join(place("all"), "artifacts"))).toHaveLength(6);
  writeFileSync(path.join(crate, "pipeline.yaml"), "name: other\n");
  const changed = await recist3d("verify", "crate", crate);
  expect(changed).toMatchObject({ code: 1, stderr: expect.stringMatching(/^damaged: file pipeline\.yaml /m) });
  expect(changed.stderr).toMatch(
    /^signature: file attestations\.intoto\.jsonl \(line 6\): it was signed for other bytes of pipeline\.yaml$/m,
  );
});

test("an artifact is exported as before, with or without the word, and verify export checks the folder", async () => {
  const out = place("model");
  expect(await recist3d("export", campaign.model, "--out", out)).toMatchObject({ code: 0 });
  expect(await recist3d("export", "artifact", campaign.labels, "--out", place("labels"))).toMatchObject({ code: 0 });
  expect(await recist3d("verify", "export", out, campaign.model)).toMatchObject({ code: 0 });
  writeFileSync(path.join(out, "more"), "");
  expect(await recist3d("verify", "export", out, campaign.model)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("extra: file more"),
  });
  expect(await recist3d("verify", "small")).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("campaign small is whole"),
  });
});

test.each<[string, string[], RegExp]>([
  ["a campaign that is not finished", ["export", "crate", "other", "--out", place("x")], /no finished campaign "other"/],
  ["no folder", ["export", "crate", "small"], /required option '--out <folder>' not specified/],
  ["no key", ["export", "crate", "small", "--out", place("x"), "--key", "package.json"], /package\.json: is not a private key/],
  ["a folder that is no crate", ["verify", "crate", "docs"], /docs: is no crate/],
  ["no such folder", ["verify", "export", place("x"), "0".repeat(64)], /there is no such folder/],
  ["nothing to export", ["export"], /missing required argument|required option/],
  ["nothing to verify", ["verify"], /missing required argument 'id'/],
])("exit code 2 for %s", async (_, words, says) => {
  expect(await recist3d(...words)).toMatchObject({ code: 2, stderr: expect.stringMatching(says) });
  expect(existsSync(place("x"))).toBe(false);
});
