import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** A clone, at a path that is awkward in a URL, whose command line only tells how it was called. */
const MAIN = `
  const [command, ...rest]: string[] = process.argv.slice(2);
  if (command === "exit") process.exit(Number(rest[0]));
  if (command === "wait") process.on("SIGTERM", () => process.exit(42));
  if (command === "wait") setInterval(() => {}, 1000);
  console.log(JSON.stringify({ arguments: [command, ...rest], folder: process.cwd(), pid: process.pid }));`;

describe("bin/recist3d", () => {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "recist3d-launcher-")));
  const clone = path.join(folder, "50% of clone");
  const launcher = path.join(folder, "bin", "recist3d");
  const environment = { ...process.env, RECIST3D_SETUP: "npm" };

  beforeAll(() => {
    for (const name of ["bin", "cli"]) mkdirSync(path.join(clone, name), { recursive: true });
    for (const name of ["node_modules", "scripts", "package.json", "tsconfig.json"]) {
      symlinkSync(path.join(repository, name), path.join(clone, name));
    }
    copyFileSync(path.join(repository, "bin/recist3d"), path.join(clone, "bin/recist3d"));
    writeFileSync(path.join(clone, "cli/main.ts"), MAIN);
    mkdirSync(path.dirname(launcher));
    symlinkSync(path.join(clone, "bin/recist3d"), launcher);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("passes every argument on, from any folder, through a link, and writes nothing of its own to stdout", () => {
    const given = ["segment", "--image", "a b.nii.gz", "", "*", `"quoted"`, "--for", "--only"];
    const { stdout } = spawnSync(launcher, given, { cwd: tmpdir(), env: environment, encoding: "utf8" });
    expect(JSON.parse(stdout)).toMatchObject({ arguments: given, folder: realpathSync(tmpdir()) });
  });

  it.each([0, 1, 2, 77])("ends with the command's exit code %i", (code) => {
    expect(spawnSync(launcher, ["exit", String(code)], { env: environment }).status).toBe(code);
  });

  it("is the command, so that a signal reaches it", async () => {
    const running = spawn(launcher, ["wait"], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
    const said = await new Promise<string>((resolve) => running.stdout.once("data", (chunk) => resolve(String(chunk))));
    expect(JSON.parse(said).pid).toBe(running.pid);
    running.kill("SIGTERM");
    expect(await new Promise((resolve) => running.once("exit", resolve))).toBe(42);
  });

  it("does not start the command when setup fails", () => {
    const { status, stdout, stderr } = spawnSync(launcher, ["exit", "0"], {
      env: { ...environment, RECIST3D_SETUP: "npn" },
      encoding: "utf8",
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain(`setup has no part "npn"`);
  });
});
