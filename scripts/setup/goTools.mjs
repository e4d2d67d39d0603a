import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { cpus } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { run } from "./command.mjs";
import { cached, root } from "./folders.mjs";
import { SetupError } from "./setupError.mjs";

/**
 * A program that is linked to .bin/: a copy that is already there (named by `$<NAME>_BIN`, or on PATH) when its version is
 * the right one, else built from a Go module in tools/, whose go.sum pins every byte.
 *
 * @typedef {object} GoTool
 * @property {string} name what it is called in .bin/
 * @property {string} module its folder in tools/
 * @property {string} command the Go package of the program
 * @property {string} [version] what `--version` has to say; without it only our own build is taken
 * @property {string} [versionVariable] the Go variable that the build sets to `version`
 * @property {string} duration how long the build takes, for the person who waits
 */

const TEMPORAL = {
  name: "temporal",
  module: "temporal",
  command: "github.com/temporalio/cli/cmd/temporal",
  version: "1.8.2",
  versionVariable: "github.com/temporalio/cli/internal/temporalcli.Version",
  duration: "about 4 min on 2 cores",
};
const VERSITYGW = {
  name: "versitygw",
  module: "versitygw",
  command: "github.com/versity/versitygw/cmd/versitygw",
  version: "v1.7.0",
  versionVariable: "main.Version",
  duration: "about 1 min",
};

const TEMPORAL_SERVER = {
  name: "temporal-server",
  module: "temporal-server",
  command: "go.temporal.io/server/cmd/server",
  duration: "about 4 min on 2 cores, less when the engine was built before",
};
const TEMPORAL_SQL_TOOL = {
  name: "temporal-sql-tool",
  module: "temporal-server",
  command: "go.temporal.io/server/cmd/tools/sql",
  duration: "about 1 min",
};
const COMPOSE_GO = {
  name: "compose-go",
  module: "compose-go",
  command: ".",
  duration: "some seconds",
};

/** The engine for one machine (Temporal CLI with its server) and the S3 server. */
export const goTools = goToolsPart("tools", [TEMPORAL, VERSITYGW]);
/** The engine for several machines, on PostgreSQL, and the tool that makes its tables. */
export const serverTools = goToolsPart("server", [TEMPORAL_SERVER, TEMPORAL_SQL_TOOL]);
/** The reference reader of compose files, with which the tests check ours. */
export const composeTools = goToolsPart("compose", [COMPOSE_GO]);

function goToolsPart(name, tools) {
  return {
    name,
    isCached: true,
    isCurrent: () => tools.every(isCurrent),
    /** @param {(message: string) => void} say */
    build: async (say) => {
      for (const tool of tools) if (!isCurrent(tool)) await provide(tool, say);
    },
  };
}

/** @param {GoTool} tool */
function isCurrent(tool) {
  const link = linkPath(tool);
  return (
    existsSync(link) && existsSync(`${link}.stamp`) && readFileSync(`${link}.stamp`, "utf8") === stamp(tool, readlinkSync(link))
  );
}

/** @param {GoTool} tool */
async function provide(tool, say) {
  const binary = installed(tool) ?? (await built(tool, say));
  const link = linkPath(tool);
  mkdirSync(join(root, ".bin"), { recursive: true });
  rmSync(`${link}.new`, { force: true });
  symlinkSync(binary, `${link}.new`);
  renameSync(`${link}.new`, link);
  writeFileSync(`${link}.stamp`, stamp(tool, binary));
}

function linkPath(tool) {
  return join(root, ".bin", tool.name);
}

function binVariable(tool) {
  return `${tool.name.replaceAll("-", "_").toUpperCase()}_BIN`;
}

/** Changes with the wanted version, the linked program and what the person asked for. */
function stamp(tool, binary) {
  const { size, mtimeMs } = statSync(binary);
  return JSON.stringify({ modules: moduleHash(tool), binary, size, mtimeMs, asked: process.env[binVariable(tool)] ?? null });
}

/** @returns {string | undefined} a copy that is on this machine already, at the right version */
function installed(tool) {
  if (tool.version === undefined) return undefined;
  const asked = process.env[binVariable(tool)];
  if (asked) {
    const said = versionOf(asked);
    if (said.includes(tool.version)) return realpathSync(asked);
    throw new SetupError(
      `${binVariable(tool)} is ${asked}, which ${said === "" ? "does not run" : `says "${said}"`}; ${tool.version} is needed`,
      `Unset ${binVariable(tool)} to have it built, or name a ${tool.name} ${tool.version}.`,
    );
  }
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const onPath = folders.map((folder) => resolve(folder, tool.name)).find((path) => existsSync(path));
  return onPath !== undefined && versionOf(onPath).includes(tool.version) ? realpathSync(onPath) : undefined;
}

function versionOf(binary) {
  const { stdout } = spawnSync(binary, ["--version"], { encoding: "utf8", timeout: 20_000 });
  return (stdout ?? "").trim();
}

/** @param {GoTool} tool */
async function built(tool, say) {
  const folder = await cached(`tools/${tool.name}-${moduleHash(tool)}`, async (work) => {
    await checkGo(tool);
    say(`building ${[tool.name, tool.version].filter(Boolean).join(" ")} from Go modules (${tool.duration})`);
    const stamped = tool.versionVariable === undefined ? "" : ` -X ${tool.versionVariable}=${tool.version}`;
    const output = join(work, "made", tool.name);
    await run(
      "go",
      ["build", "-mod=readonly", "-trimpath", "-buildvcs=false", `-ldflags=-s -w${stamped}`, "-o", output, tool.command],
      {
        cwd: moduleFolder(tool),
        env: {
          GOTOOLCHAIN: "local",
          CGO_ENABLED: "0",
          GOWORK: "off",
          GOFLAGS: "",
          GOMAXPROCS: String(Math.max(2, cpus().length)),
        },
        install: `Or install ${tool.name} ${tool.version ?? ""} yourself and name it by ${binVariable(tool)}.`,
      },
    );
    const said = tool.version === undefined ? "" : versionOf(output);
    if (!said.includes(tool.version ?? "")) {
      throw new SetupError(
        `the ${tool.name} just built says "${said}", not ${tool.version}`,
        "Restore the modules: git checkout tools",
      );
    }
    return join(work, "made");
  });
  return join(folder, tool.name);
}

function moduleFolder(tool) {
  return join(root, "tools", tool.module);
}

/** Names a build: the module's files, the program, the platform. */
function moduleHash(tool) {
  const hash = createHash("sha256");
  for (const file of readdirSync(moduleFolder(tool)).sort()) hash.update(readFileSync(join(moduleFolder(tool), file)));
  return hash.update(`${tool.command} ${tool.version} ${process.platform}-${process.arch}`).digest("hex").slice(0, 16);
}

async function checkGo(tool) {
  const needed = /^go (\S+)/m.exec(readFileSync(join(moduleFolder(tool), "go.mod"), "utf8"))?.[1] ?? "";
  const install = `Install Go ${needed} or newer (https://go.dev/dl), or install ${tool.name} ${tool.version ?? ""} and name it by ${binVariable(tool)}.`;
  const version = (await run("go", ["env", "GOVERSION"], { env: { GOTOOLCHAIN: "local" }, install })).trim();
  if (version.replace(/^go/, "").localeCompare(needed, "en", { numeric: true }) < 0) {
    throw new SetupError(`building ${tool.name} needs Go ${needed} or newer, and this is ${version}`, install);
  }
}
