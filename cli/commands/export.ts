import path from "node:path";
import type { Command } from "commander";
import { decisionTables } from "../../activities/decisionTables.ts";
import { niftiFiles } from "../../activities/predictions.ts";
import { exportArtifact } from "../../artifacts/export.ts";
import { openStore } from "../../artifacts/openStore.ts";
import { findCampaign, getRecord } from "../../artifacts/records.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { InputError } from "../../methods/inputError.ts";
import type { Manifest } from "../../schemas/artifacts.ts";
import { digestSchema } from "../../schemas/digest.ts";
import { kindOf } from "../../schemas/stepKinds.ts";
import { printJson, say } from "../output.ts";

export function register(program: Command): void {
  program
    .command("export")
    .description("copy an artifact (data set, labels, model, masks, tables, report) to a folder")
    .argument("<artifact>", "its digest, or CAMPAIGN/STEP[.OUTPUT], e.g. demo/wsss.model")
    .requiredOption("--out <folder>", "folder to write; replaced as a whole when it exists")
    .option("--json", "print one JSON document")
    .action(async (name: string, { out, json }: { out: string; json?: boolean }) => {
      const store = await openStore();
      const artifact = await findArtifact(store, name);
      const folder = path.resolve(out);
      await exportArtifact(store, artifact, folder, (manifest) => unpacked(store, manifest));
      if (json) printJson({ artifact, folder });
      else say(`${artifact} copied to ${folder}`);
    });
}

/** What other programs read: masks as NIfTI, decisions as CSV. */
async function* unpacked(store: Store, manifest: Manifest): AsyncIterable<{ path: string; bytes: Uint8Array }> {
  yield* niftiFiles(store, manifest);
  yield* decisionTables(store, manifest);
}

/** An artifact by its digest or by the campaign and step that gave it. @throws InputError with the names there are */
export async function findArtifact(store: Store, name: string): Promise<Digest> {
  if (digestSchema.safeParse(name).success) return name as Digest;
  const [, campaign, step, output] = /^([^/]+)\/(.+?)(?:\.([^./[\]]+))?$/.exec(name) ?? [];
  if (campaign === undefined) throw new InputError(`"${name}" is neither a digest nor CAMPAIGN/STEP[.OUTPUT]`);
  const found = await findCampaign(store, campaign);
  if (found === null) throw new InputError(`the store has no finished campaign "${campaign}"`, store.url, "see: recist3d list");
  const { steps } = found.record;
  if (!Object.hasOwn(steps, step))
    throw new InputError(`campaign "${campaign}" has no step "${step}"`, undefined, `it has ${Object.keys(steps).join(", ")}`);
  const { kind, outputs } = await getRecord(store, steps[step] as Digest);
  const artifact = outputs[output ?? Object.keys(kindOf(kind).outputs)[0]];
  if (artifact === undefined)
    throw new InputError(`step "${step}" has no output "${output}"`, undefined, `it has ${Object.keys(outputs).join(", ")}`);
  return artifact as Digest;
}
