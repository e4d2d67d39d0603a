// npm test: setup, the static checks, then all tests; the exit code is 0 only when all of it passed.
// npm test -- ARGUMENTS: setup, then only the tests, with these arguments to vitest.
import { phase, show } from "./phase.mjs";

const checks = {
  lint: ["biome", ["check", "--error-on-warnings", "."]],
  types: ["tsc", ["-p", "."]],
  "types of scripts": ["tsc", ["-p", "scripts"]],
  "types of pages": ["tsc", ["-p", "review/pages"]],
  "types of their tests": ["tsc", ["-p", "test/review"]],
  promises: ["eslint", ["--max-warnings=0", "."]],
  imports: ["depcruise", ["--config", ".dependency-cruiser.cjs", "--output-type", "err", "."]],
};

const vitestArguments = process.argv.slice(2);
const setup = await phase("setup", process.execPath, ["scripts/setup.mjs", "--quiet"]);
if (setup.code !== 0) process.exit(setup.code);

const results = [];
if (vitestArguments.length === 0) {
  for (const [name, [program, args]] of Object.entries(checks)) results.push(await phase(name, program, args));
}
const tests = await show("vitest", ["run", ...vitestArguments]);

const failed = results.filter(({ code }) => code !== 0);
for (const { name, code } of failed) console.error(`npm test: ${name} failed (exit code ${code}); see above`);
process.exit(tests || failed[0]?.code || 0);
