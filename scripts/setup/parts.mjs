import { composeTools, goTools, serverTools } from "./goTools.mjs";
import { nodeModules } from "./nodeModules.mjs";
import { reviewPages } from "./reviewPages.mjs";
import { SetupError } from "./setupError.mjs";
import { tfjsNode } from "./tfjsNode.mjs";
import { workflowBundle } from "./workflowBundle.mjs";

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {boolean} isCached whether clones share what it makes
 * @property {() => boolean} isCurrent cheap: it is asked at every start of the command line
 * @property {(say: (message: string) => void) => Promise<void>} build
 */

/** What setup makes, in the order in which it has to be made. */
const usual = [nodeModules, tfjsNode, goTools, workflowBundle, reviewPages];
/** What it makes only when asked for by name. */
const special = [serverTools, composeTools];
/** @type {Part[]} */
export const parts = [...usual, ...special];

/** Commands that start the engine and workers of this machine unless they run. All others compute in their own process. */
const WITH_ENGINE = new Set([
  "up",
  "run",
  "watch",
  "list",
  "status",
  "pause",
  "unpause",
  "cancel",
  "retry",
  "reproduce",
  "review",
]);
/** With this option a one-off command runs a network in its own process. */
const WITH_NETWORK = /^--model(=|$)/;

/**
 * @param {string} list names separated by commas; "none" and the empty list stand for nothing, "all" for what every clone needs
 * @returns {string[]} names of parts
 */
export function parsePartNames(list) {
  const known = parts.map((part) => part.name);
  if (list === "all") return usual.map((part) => part.name);
  const names = list === "none" ? [] : list.split(",").filter(Boolean);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new SetupError(`setup has no part "${unknown}"`, `Choose from ${known.join(", ")}, all, none.`);
  return names;
}

/**
 * The parts that a recist3d command needs, so that a one-off measurement does not wait for the engine to be built.
 *
 * @param {string[]} commandLine what follows `recist3d`
 * @param {NodeJS.ProcessEnv} environment `RECIST3D_SETUP` (see {@link parsePartNames}) overrides the choice
 */
export function partsFor(commandLine, environment) {
  if (environment.RECIST3D_SETUP) return parsePartNames(environment.RECIST3D_SETUP);
  const command = commandLine.find((word) => !word.startsWith("-"));
  if (commandLine.includes("--help")) return ["npm"];
  if (!WITH_ENGINE.has(command ?? "")) return commandLine.some((word) => WITH_NETWORK.test(word)) ? ["npm", "tfjs"] : ["npm"];
  if (!environment.TEMPORAL_ADDRESS) return parsePartNames("all");
  return command === "review" ? ["npm", "pages"] : ["npm", "tfjs", "bundle"];
}
