import type { Command } from "commander";
import { openStore } from "../../artifacts/openStore.ts";
import { findCampaign } from "../../artifacts/records.ts";
import { verifyCampaign } from "../../artifacts/verify.ts";
import { InputError } from "../../methods/inputError.ts";
import { printJson, say, WorkFailed } from "../output.ts";

export function register(program: Command): void {
  program
    .command("verify")
    .description("re-hash everything that a finished campaign came from and gave")
    .argument("<id>", "campaign")
    .option("--json", "print one JSON document")
    .action(async (id: string, { json }: { json?: boolean }) => {
      const store = await openStore();
      if ((await findCampaign(store, id)) === null)
        throw new InputError(
          `the store has no finished campaign "${id}"`,
          store.url,
          "a campaign is recorded when it is done: recist3d status",
        );
      let said = performance.now();
      const report = await verifyCampaign(store, id, {
        onProgress: ({ checked, total, bytes }) => {
          if (performance.now() - said < 2000) return;
          said = performance.now();
          say(`${checked} of ${total} blobs, ${(bytes / 1e6).toFixed(0)} MB`);
        },
      });
      if (json) printJson(report);
      for (const { kind, what, where, detail } of report.problems) say(`${kind}: ${what} (${where}): ${detail}`);
      if (!report.ok)
        throw new WorkFailed(`campaign ${id}: ${report.problems.length} problem${report.problems.length === 1 ? "" : "s"} found`);
      say(
        `campaign ${id} is whole: ${report.records} records, ${report.artifacts} artifacts, ${report.blobs} blobs, ${(report.bytes / 1e6).toFixed(1)} MB re-hashed`,
      );
    });
}
