import type { Command } from "commander";
import { openStore } from "../../artifacts/openStore.ts";
import { ensureEngine, stopStack } from "../../engine/localStack.ts";
import { printJson, say } from "../output.ts";

export function register(program: Command): void {
  program
    .command("up")
    .description("start the local engine and worker")
    .option("--json", "print one JSON document")
    .action(async ({ json }: { json?: boolean }) => {
      const engine = await ensureEngine(say);
      const { url } = await openStore();
      await engine.close();
      if (json) printJson({ engine: engine.address, namespace: engine.namespace, store: url });
      else say(`engine ${engine.address}, store ${url}`);
    });
  program
    .command("down")
    .description("stop the local engine and worker; campaigns go on after the next start")
    .option("--json", "print one JSON document")
    .action(async ({ json }: { json?: boolean }) => {
      const stopped = await stopStack();
      if (json) printJson({ stopped });
      else say(stopped ? "stopped" : "nothing was running");
    });
}
