import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LocalProcessError } from "./localProcess.ts";

/** Programs that setup provides. */
export type Tool = "temporal" | "versitygw";

/**
 * The program's path: `TEMPORAL_BIN` or `VERSITYGW_BIN`, else what setup linked to `.bin/`.
 *
 * @throws LocalProcessError when it is in neither place
 */
export function toolPath(tool: Tool): string {
  const variable = `${tool.toUpperCase()}_BIN`;
  const file = process.env[variable] || fileURLToPath(new URL(`../.bin/${tool}`, import.meta.url));
  if (existsSync(file)) return file;
  throw new LocalProcessError(`${file} is missing; run npm run setup, or name a ${tool} by ${variable}`);
}
