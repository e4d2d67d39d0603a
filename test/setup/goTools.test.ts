import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** A clone with an empty cache, on a machine that has Node and whatever a test puts on PATH. */
describe("setting up the programs that are built from Go modules", () => {
  let machine: string;
  let cache: string;
  beforeEach(() => {
    machine = mkdtempSync(path.join(tmpdir(), "recist3d-setup-"));
    cache = path.join(machine, "cache");
    mkdirSync(path.join(machine, "path"));
    for (const folder of ["scripts", "tools"])
      cpSync(path.join(repository, folder), path.join(machine, "clone", folder), { recursive: true });
    symlinkSync(process.execPath, path.join(machine, "path/node"));
  });
  afterEach(() => rmSync(machine, { recursive: true, force: true }));

  /** Puts a shell script on PATH. */
  function program(name: string, script: string): string {
    const file = path.join(machine, "path", name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  function setup(part: string, environment: Record<string, string> = {}): Promise<{ code: number | null; said: string }> {
    const child = spawn(process.execPath, [path.join(machine, "clone/scripts/setup.mjs"), "--quiet", "--only", part], {
      env: { PATH: path.join(machine, "path"), RECIST3D_CACHE: cache, ...environment },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, said })));
  }

  const built = (): string[] => (existsSync(`${cache}/tools`) ? readdirSync(`${cache}/tools`) : []);
  /** A go that "builds" by writing a program that says `version` to the file after -o, and counts its builds. */
  const go = (version: string): string =>
    program(
      "go",
      `[ "$1" = env ] && { echo go1.26.8; exit; }
       echo build >> "${machine}/builds"
       while [ "$1" != -o ]; do shift; done
       /bin/mkdir -p "\${2%/*}"; printf '#!/bin/sh\\necho "%s"\\n' '${version}' > "$2"; /bin/chmod +x "$2"`,
    );

  it("says what to install when there is no Go", async () => {
    const { code, said } = await setup("compose");
    expect(code).toBe(1);
    expect(said).toMatch(/go was not found\n {2}Install Go 1\.26\.4 or newer .*COMPOSE_GO_BIN/);
  });

  it("says which Go there is when it is too old", async () => {
    program("go", "echo go1.9.7");
    expect((await setup("compose")).said).toContain("needs Go 1.26.4 or newer, and this is go1.9.7");
  });

  it("names the network when a module cannot be fetched, and keeps nothing of the failed build", async () => {
    program(
      "go",
      `[ "$1" = env ] && { echo go1.26.8; exit; }; echo "dial tcp: lookup proxy.golang.org: no such host" >&2; exit 1`,
    );
    const { code, said } = await setup("compose");
    expect(code).toBe(1);
    expect(said).toMatch(/no such host\n {2}The package registry could not be reached/);
    expect(built()).toEqual([]);
  });

  it("refuses a build that reports another version", async () => {
    go("temporal version 0.0.0-DEV");
    expect((await setup("tools")).said).toContain(`the temporal just built says "temporal version 0.0.0-DEV", not 1.8.2`);
    expect(built()).toEqual([]);
  });

  it("builds each program once, even when two setups start at the same time, and then finds it", async () => {
    go("temporal version 1.8.2, or versitygw v1.7.0");
    const codes = (await Promise.all([setup("tools"), setup("tools")])).map(({ code }) => code);
    expect(codes).toEqual([0, 0]);
    expect(readFileSync(path.join(machine, "builds"), "utf8")).toBe("build\nbuild\n");
    expect(readlinkSync(path.join(machine, "clone/.bin/temporal"))).toMatch(`${cache}/tools/temporal-`);
    expect(await setup("tools")).toEqual({ code: 0, said: "" });

    rmSync(path.join(machine, "clone/.bin"), { recursive: true });
    expect((await setup("tools")).code).toBe(0);
    expect(readFileSync(path.join(machine, "builds"), "utf8")).toBe("build\nbuild\n");
  });

  it("builds again when the modules change", async () => {
    go("temporal version 1.8.2, or versitygw v1.7.0");
    await setup("tools");
    writeFileSync(path.join(machine, "clone/tools/versitygw/go.sum"), "\n", { flag: "a" });
    await setup("tools");
    expect(built().map((name) => name.split("-")[0])).toEqual(["temporal", "versitygw", "versitygw"]);
  });

  it("takes programs of the right version from PATH, or where a variable says", async () => {
    const temporal = program("temporal", "echo temporal version 1.8.2 (Server 1.31.2)".replace(/[()]/g, ""));
    const elsewhere = program("my-gateway", `echo "Version  : v1.7.0"`);
    expect((await setup("tools", { VERSITYGW_BIN: elsewhere })).code).toBe(0);
    expect(readlinkSync(path.join(machine, "clone/.bin/temporal"))).toBe(temporal);
    expect(readlinkSync(path.join(machine, "clone/.bin/versitygw"))).toBe(elsewhere);
    expect(built()).toEqual([]);
  });

  it("refuses a named program of another version", async () => {
    const old = program("old-temporal", "echo temporal version 1.5.1");
    const { code, said } = await setup("tools", { TEMPORAL_BIN: old });
    expect(code).toBe(1);
    expect(said).toContain(`TEMPORAL_BIN is ${old}, which says "temporal version 1.5.1"; 1.8.2 is needed`);
  });

  it("says which folder cannot be written", async () => {
    const { code, said } = await setup("compose", { RECIST3D_CACHE: `${process.execPath}/cache` });
    expect(code).toBe(1);
    expect(said).toMatch(/the cache folder \/.*\/cache cannot be written.*\n.*RECIST3D_CACHE/);
  });
});
