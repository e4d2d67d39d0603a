import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { codeIdentity, identify, machineIdentity } from "../../artifacts/identity.ts";
import { recordSchema } from "../../schemas/records.ts";

describe("identify", () => {
  let root: string;
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", root, "-c", "user.name=Test", "-c", "user.email=test@example.org", ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "recist3d-identity-"));
    writeFileSync(join(root, "package.json"), '{"version":"1.2.3"}');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("knows only the version outside a checkout, and before the first commit", () => {
    expect(identify(root)).toEqual({ version: "1.2.3", commit: null, modified: null });
    git("init", "--quiet");
    expect(identify(root)).toEqual({ version: "1.2.3", commit: null, modified: null });
  });

  it("knows the commit, and whether the files are those of the commit", () => {
    git("init", "--quiet");
    git("add", "package.json");
    git("commit", "--quiet", "-m", "first");
    const commit = git("rev-parse", "HEAD");
    expect(identify(root)).toEqual({ version: "1.2.3", commit, modified: false });
    writeFileSync(join(root, "package.json"), '{"version":"1.2.4"}');
    expect(identify(root)).toEqual({ version: "1.2.4", commit, modified: true });
    git("checkout", "--quiet", "package.json");
    writeFileSync(join(root, "new.ts"), "");
    expect(identify(root)).toEqual({ version: "1.2.3", commit, modified: true });
  });
});

describe("codeIdentity and machineIdentity", () => {
  it("are what records take, and name no host or user", () => {
    const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, "../../package.json"), "utf8")) as {
      version: string;
    };
    expect(recordSchema.shape.code.parse(codeIdentity()).version).toBe(version);
    expect(recordSchema.shape.machine.parse(machineIdentity())).toMatchObject({
      platform: `${process.platform}-${process.arch}`,
      node: process.version,
    });
    expect(Object.keys(machineIdentity()).sort()).toEqual(["cores", "cpu", "node", "platform"]);
  });
});
