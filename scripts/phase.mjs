import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "./setup/folders.mjs";

/**
 * Runs a program of node_modules/.bin (or a path) in the clone's root, showing its output.
 *
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<number>} its exit code; 128 + n when signal n ended it
 */
export function show(program, args) {
  const path = program.includes("/") ? program : join(root, "node_modules/.bin", program);
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { cwd: root, stdio: "inherit" });
    // The terminal sends these to the child as well, which then decides when to end.
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => child.kill(signal));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 143)));
  });
}

/** Runs one phase and says how it ended and how long it took. */
export async function phase(name, program, args) {
  const start = performance.now();
  const code = await show(program, args);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.error(`${name}: ${code === 0 ? "ok" : `failed (exit code ${code})`}, ${seconds} s`);
  return { name, code, seconds };
}
