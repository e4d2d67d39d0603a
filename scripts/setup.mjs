// Makes a clone ready to run: npm packages, the tfjs-node addon, the engine and the S3 server, the workflow bundle,
// the review pages.
// Idempotent; a run with nothing to do takes a fraction of a second. Everything it says goes to stderr.
//
//   node scripts/setup.mjs [--quiet] [--only npm,tfjs,tools,bundle,pages] [--for COMMAND LINE OF recist3d]
//
// Downloads and builds are kept in $RECIST3D_CACHE (default ~/.cache/recist3d), outside the clone.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cacheFolder, root } from "./setup/folders.mjs";
import { withLock } from "./setup/lockFile.mjs";
import { parsePartNames, parts, partsFor } from "./setup/parts.mjs";
import { SetupError } from "./setup/setupError.mjs";

const say = (message) => process.stderr.write(`setup: ${message}\n`);

/** Brings the named parts up to date; says what it does while it does it. */
async function setUp(names, quiet) {
  const wanted = parts.filter((part) => names.includes(part.name));
  // Asked again after each part: npm ci removes what later parts had put into node_modules.
  const nextStale = () => wanted.find((part) => !part.isCurrent());
  for (let part = nextStale(); part !== undefined; part = nextStale()) await bringUpToDate(part);
  if (!quiet) say(`${names.join(", ") || "nothing"} ready`);
}

async function bringUpToDate(part) {
  const onWait = (holder) => say(`${part.name}: waiting for another setup (${holder})`);
  await withLock(lockPath(part), () => build(part), { onWait, pollMs: 500 });
}

/** Setups of one clone take turns; so do those of several clones where they fill the same cache. */
function lockPath(part) {
  const scope = part.isCached ? "" : `-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`;
  return join(cacheFolder(), `setup-${part.name}${scope}.lock`);
}

async function build(part) {
  if (part.isCurrent()) return;
  const start = performance.now();
  say(`${part.name} …`);
  await part.build(say);
  if (!part.isCurrent()) {
    throw new SetupError(`${part.name} was set up, yet is not as it should be`, "Please report this with the output above.");
  }
  say(`${part.name} done in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

function readCommandLine() {
  const words = process.argv.slice(2);
  const forCommand = words.indexOf("--for");
  const own = forCommand < 0 ? words : words.slice(0, forCommand);
  const { values } = parseArgs({ args: own, options: { quiet: { type: "boolean" }, only: { type: "string", default: "all" } } });
  const names = forCommand < 0 ? parsePartNames(values.only) : partsFor(words.slice(forCommand + 1), process.env);
  return { names, quiet: values.quiet ?? false };
}

try {
  const { names, quiet } = readCommandLine();
  await setUp(names, quiet);
} catch (error) {
  const expected = error instanceof SetupError || error.code?.startsWith("ERR_PARSE_ARGS");
  say(expected ? error.message : error.stack);
  process.exitCode = 1;
}
