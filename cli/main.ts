import { Command, CommanderError } from "commander";
import { StoreInputError } from "../artifacts/errors.ts";
import { InputError } from "../methods/inputError.ts";
import packageJson from "../package.json" with { type: "json" };
import { WorkFailed } from "./output.ts";

interface CommandModule {
  register(program: Command): void;
}

/** Which module adds which commands; a module is loaded only when one of its commands is asked for. */
const modules: readonly { readonly commands: readonly string[]; readonly load: () => Promise<CommandModule> }[] = [
  { commands: ["doctor"], load: () => import("./commands/doctor.ts") },
  { commands: ["up", "down"], load: () => import("./commands/stack.ts") },
  { commands: ["validate"], load: () => import("./commands/validate.ts") },
  { commands: ["plan"], load: () => import("./commands/plan.ts") },
  { commands: ["run", "watch"], load: () => import("./commands/run.ts") },
  { commands: ["reproduce"], load: () => import("./commands/reproduce.ts") },
  { commands: ["list", "status", "pause", "unpause", "cancel", "retry"], load: () => import("./commands/campaigns.ts") },
  { commands: ["segment"], load: () => import("./commands/segment.ts") },
  { commands: ["propose"], load: () => import("./commands/propose.ts") },
  { commands: ["measure"], load: () => import("./commands/measure.ts") },
  { commands: ["evaluate"], load: () => import("./commands/evaluate.ts") },
  { commands: ["response"], load: () => import("./commands/response.ts") },
  { commands: ["review"], load: () => import("./commands/review.ts") },
  { commands: ["verify"], load: () => import("./commands/verify.ts") },
  { commands: ["export"], load: () => import("./commands/export.ts") },
];

const program = new Command("recist3d")
  .description("3D lesion masks from RECIST marks, by durable, auditable campaigns")
  .version(packageJson.version)
  .option("--debug", "show stack traces")
  .showSuggestionAfterError()
  .exitOverride()
  .enablePositionalOptions();

async function main(argv: readonly string[]): Promise<number> {
  const name = argv.find((word) => !word.startsWith("-"));
  const asked = modules.filter(({ commands }) => commands.includes(name ?? ""));
  for (const { load } of asked.length > 0 ? asked : modules) (await load()).register(program);
  for (const command of program.commands) command.exitOverride().showSuggestionAfterError();
  try {
    await program.parseAsync(argv, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return report(error, argv.includes("--debug"));
  }
}

/** Exit codes: 0 done, 1 the work failed, 2 the input is wrong. */
function report(error: unknown, debug: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has written its message
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  process.stderr.write(`recist3d: ${debug ? (stack ?? message) : message}\n`);
  const isInput = error instanceof InputError || error instanceof StoreInputError;
  if (!isInput && !(error instanceof WorkFailed) && !debug) process.stderr.write("(--debug shows where)\n");
  return isInput ? 2 : 1;
}

const code = await main(process.argv.slice(2));
process.stdout.write("", () => process.exit(code));
