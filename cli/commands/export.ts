import path from "node:path";
import type { Command } from "commander";
import { decisionTables } from "../../activities/decisionTables.ts";
import { niftiFiles } from "../../activities/predictions.ts";
import { publicKeyFile } from "../../artifacts/crate/layout.ts";
import { findSigningKey } from "../../artifacts/crate/signingKey.ts";
import { writeCrate } from "../../artifacts/crate/writeCrate.ts";
import { exportArtifact } from "../../artifacts/export.ts";
import { openStore } from "../../artifacts/openStore.ts";
import { findCampaign, getRecord } from "../../artifacts/records.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { campaignHandle, snapshot } from "../../client/campaigns.ts";
import { connectEngine, EngineUnreachableError } from "../../engine/connection.ts";
import { InputError } from "../../methods/inputError.ts";
import type { Manifest } from "../../schemas/artifacts.ts";
import { digestSchema } from "../../schemas/digest.ts";
import type { CampaignRecord } from "../../schemas/records.ts";
import { kindOf } from "../../schemas/stepKinds.ts";
import { printJson, say } from "../output.ts";

export function register(program: Command): void {
  const command = program
    .command("export")
    .description(
      "copy an artifact (data set, labels, model, masks, tables, report) to a folder, or a whole campaign as an RO-Crate",
    )
    .helpCommand(false);
  command
    .command("artifact", { isDefault: true })
    .description("copy an artifact to a folder; the word artifact may be left out")
    .argument("<artifact>", "its digest, or CAMPAIGN/STEP[.OUTPUT], e.g. demo/wsss.model")
    .requiredOption("--out <folder>", "folder to write; one that does not exist yet, or is empty")
    .option("--json", "print one JSON document")
    .action(async (name: string, { out, json }: { out: string; json?: boolean }) => {
      const store = await openStore();
      const artifact = await findArtifact(store, name);
      const folder = path.resolve(out);
      await exportArtifact(store, artifact, folder, (manifest) => unpacked(store, manifest));
      if (json) printJson({ artifact, folder });
      else say(`${artifact} copied to ${folder}`);
    });
  command
    .command("crate")
    .description(
      "write a finished campaign as an RO-Crate (Provenance Run Crate): pipeline, every record and manifest, signed in-toto statements, " +
        "and files of models, scores, volumes and answers. Artifacts that hold pictures, masks or file names of patients (a report among them) " +
        "and keys of studies are named by digest alone; scores call patients as the data set does",
    )
    .argument("<campaign>", "its id")
    .requiredOption("--out <folder>", "folder to write; one that does not exist yet, or is empty")
    .option("--all", "with the files of every artifact, CT and masks too")
    .option(
      "--key <file>",
      "Ed25519 private key (PKCS#8 PEM) to sign with; default RECIST3D_SIGNING_KEY, else one that is made on first use",
    )
    .option("--json", "print one JSON document")
    .action(async (campaign: string, { out, all, key, json }: CrateFlags) => {
      const store = await openStore();
      const found = await findCampaign(store, campaign);
      if (found === null)
        throw new InputError(
          `the store has no finished campaign "${campaign}"`,
          store.url,
          "a campaign is recorded when it is done: recist3d status",
        );
      const folder = path.resolve(out);
      const signer = await findSigningKey(key);
      if (signer.isNew)
        say(`made a key to sign with: ${signer.path} (keep it secret, and a copy; hand out ${publicKeyFile} of the crate)`);
      const { included, ...written } = await writeCrate(store, found, folder, {
        all: all === true,
        privateKey: signer.privateKey,
      });
      if (json) printJson({ campaign, folder, ...written, included });
      else
        say(
          `campaign ${campaign} written to ${folder}: ${written.records} records, ${included.length} of ${written.artifacts} artifacts with their files, signed with key ${written.keyid}`,
        );
    });
}

interface CrateFlags {
  readonly out: string;
  readonly all?: boolean;
  readonly key?: string;
  readonly json?: boolean;
}

/** What other programs read: masks as NIfTI, decisions as CSV. */
export async function* unpacked(store: Store, manifest: Manifest): AsyncIterable<{ path: string; bytes: Uint8Array }> {
  yield* niftiFiles(store, manifest);
  yield* decisionTables(store, manifest);
}

/** An artifact by its digest, or by the campaign, done or under way, and the step that gave it. @throws InputError with the names there are */
export async function findArtifact(store: Store, name: string): Promise<Digest> {
  if (digestSchema.safeParse(name).success) return name as Digest;
  const [, campaign, step, output] = /^([^/]+)\/(.+?)(?:\.([^./[\]]+))?$/.exec(name) ?? [];
  if (campaign === undefined) throw new InputError(`"${name}" is neither a digest nor CAMPAIGN/STEP[.OUTPUT]`);
  const found = await findCampaign(store, campaign);
  const outputs =
    found === null ? await outputsUnderWay(store, campaign, step) : await outputsOf(store, campaign, found.record, step);
  const first = Object.keys(outputs.declared)[0];
  const artifact = outputs.made[output ?? first];
  if (artifact === undefined)
    throw new InputError(`step "${step}" has no output "${output}"`, undefined, `it has ${Object.keys(outputs.made).join(", ")}`);
  return artifact as Digest;
}

interface StepOutputs {
  /** By the step kind, in its order. */
  readonly declared: object;
  readonly made: Readonly<Record<string, string>>;
}

async function outputsOf(store: Store, campaign: string, { steps }: CampaignRecord, step: string): Promise<StepOutputs> {
  if (!Object.hasOwn(steps, step)) throw noStep(campaign, step, Object.keys(steps));
  const { kind, outputs } = await getRecord(store, steps[step] as Digest);
  return { declared: kindOf(kind).outputs, made: outputs };
}

/** Of a campaign that is not done, e.g. because people are waited for: what the engine knows of it, where one runs. */
async function outputsUnderWay(store: Store, campaign: string, step: string): Promise<StepOutputs> {
  const engine = await connectEngine().catch((error: unknown) => {
    if (error instanceof EngineUnreachableError) return null;
    throw error;
  });
  if (engine === null) throw new InputError(`the store has no finished campaign "${campaign}"`, store.url, "see: recist3d list");
  try {
    await campaignHandle(engine.client, campaign);
    const { steps } = await snapshot(engine.client, campaign);
    const found = steps.find(({ name }) => name === step);
    if (found === undefined)
      throw noStep(
        campaign,
        step,
        Array.from(steps, ({ name }) => name),
      );
    if (found.outputs === undefined)
      throw new InputError(`step "${step}" of campaign "${campaign}" is not done`, undefined, `see: recist3d status ${campaign}`);
    return { declared: kindOf(found.kind).outputs, made: found.outputs };
  } finally {
    await engine.close();
  }
}

const noStep = (campaign: string, step: string, steps: readonly string[]): InputError =>
  new InputError(`campaign "${campaign}" has no step "${step}"`, undefined, `it has ${steps.join(", ")}`);
