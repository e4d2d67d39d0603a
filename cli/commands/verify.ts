import type { Command } from "commander";
import { metadataFile } from "../../artifacts/crate/layout.ts";
import { readPublicKey } from "../../artifacts/crate/signingKey.ts";
import { verifyCrate } from "../../artifacts/crate/verifyCrate.ts";
import { verifyExport } from "../../artifacts/export.ts";
import { openStore } from "../../artifacts/openStore.ts";
import { findCampaign } from "../../artifacts/records.ts";
import { type Problem, verifyCampaign } from "../../artifacts/verify.ts";
import { InputError } from "../../methods/inputError.ts";
import { printJson, say, WorkFailed } from "../output.ts";
import { findArtifact, unpacked } from "./export.ts";

export function register(program: Command): void {
  const command = program
    .command("verify")
    .description("re-hash a finished campaign, or check a folder that export has written")
    .helpCommand(false);
  command
    .command("campaign", { isDefault: true })
    .description("re-hash everything that a finished campaign came from and gave; the word campaign may be left out")
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
      tell(`campaign ${id}`, report.problems);
      say(
        `campaign ${id} is whole: ${report.records} records, ${report.artifacts} artifacts, ${report.blobs} blobs, ${(report.bytes / 1e6).toFixed(1)} MB re-hashed`,
      );
    });
  command
    .command("crate")
    .description("check a crate by itself, without a store: digests, action keys, origins, files and signatures")
    .argument("<folder>", "that export crate wrote")
    .option(
      "--key <file>",
      "public key (PEM) of who must have signed it; default: the one in the crate, for which nobody vouches",
    )
    .option("--json", "print one JSON document")
    .action(async (folder: string, { key, json }: { key?: string; json?: boolean }) => {
      const report = await verifyCrate(folder, key === undefined ? undefined : await readPublicKey(key));
      const { campaign, records, artifacts, included, signed } = report;
      if (json) printJson(report);
      if (signed.by === "crate")
        say(
          `signatures were checked with the key in the crate itself, ${signed.keyid ?? "which cannot be read"}: nobody vouches for it (--key PUB.pem names who must have signed)`,
        );
      if (!report.isDescribedAsHere)
        say(
          `${metadataFile} is not what this recist3d writes of these records: another version did, or somebody who wanted it to say something else`,
        );
      tell(`crate ${folder}`, report.problems);
      say(
        printable(
          `crate ${folder} is whole: campaign ${campaign}, ${records} records, ${artifacts} artifacts, ${included.length} of them with their files, signed with key ${signed.keyid}`,
        ),
      );
    });
  command
    .command("export")
    .description("check that a folder is still as export has written it")
    .argument("<folder>", "that export wrote")
    .argument("<artifact>", "its digest, or CAMPAIGN/STEP[.OUTPUT]")
    .option("--json", "print one JSON document")
    .action(async (folder: string, name: string, { json }: { json?: boolean }) => {
      const store = await openStore();
      const artifact = await findArtifact(store, name);
      const problems = await verifyExport(folder, artifact, (manifest) => unpacked(store, manifest));
      if (json) printJson({ folder, artifact, ok: problems.length === 0, problems });
      tell(`folder ${folder}`, problems);
      say(`folder ${folder} is as ${artifact} was exported`);
    });
}

/** @throws WorkFailed where there is a problem */
function tell(what: string, problems: readonly Problem[]): void {
  for (const { kind, what: place, where, detail } of problems) say(printable(`${kind}: ${place} (${where}): ${detail}`));
  if (problems.length > 0) throw new WorkFailed(`${what}: ${problems.length} problem${problems.length === 1 ? "" : "s"} found`);
}

/** Names in a folder that somebody else wrote may hold what a terminal obeys. */
const printable = (text: string): string => text.replace(/\p{Cc}/gu, "\ufffd");
