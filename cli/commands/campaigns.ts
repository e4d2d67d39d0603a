import { WorkflowUpdateFailedError } from "@temporalio/client";
import type { Command } from "commander";
import { openStore } from "../../artifacts/openStore.ts";
import { findCampaign } from "../../artifacts/records.ts";
import { campaignHandle, cancelCampaign, listCampaigns, snapshot, startCampaign } from "../../client/campaigns.ts";
import type { Engine } from "../../engine/connection.ts";
import { ensureEngine } from "../../engine/localStack.ts";
import { InputError } from "../../methods/inputError.ts";
import type { CampaignInput } from "../../schemas/messages.ts";
import { standsAt } from "../../schemas/review.ts";
import { printJson, say, table } from "../output.ts";
import { duration, render } from "../progressView.ts";

interface JsonOption {
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("list")
    .description("list campaigns, newest first")
    .option("--json", "print one JSON document")
    .action(({ json }: JsonOption) => withEngine((engine) => list(engine, json ?? false)));
  program
    .command("status")
    .description("show where a campaign stands")
    .argument("<id>", "campaign")
    .option("--json", "print one JSON document")
    .action((id: string, { json }: JsonOption) =>
      withEngine(async ({ client }) => {
        await campaignHandle(client, id);
        const picture = await snapshot(client, id);
        if (json) printJson(picture);
        else process.stdout.write(`${render(picture, Date.now())}\n`);
      }),
    );
  for (const [name, paused, done] of [
    ["pause", true, "is paused: what runs finishes, nothing new starts"],
    ["unpause", false, "goes on"],
  ] as const) {
    program
      .command(name)
      .description(paused ? "start no further work of a campaign" : "go on with a paused campaign")
      .argument("<id>", "campaign")
      .option("--json", "print one JSON document")
      .action((id: string, { json }: JsonOption) =>
        withEngine(async ({ client }) => {
          await (await running(client, id)).signal("pause", paused);
          if (json) printJson({ campaign: id, paused });
          else say(`campaign ${id} ${done}`);
        }),
      );
  }
  program
    .command("cancel")
    .description("stop a campaign; what is finished is kept")
    .argument("<id>", "campaign")
    .option("--force", "also if it does not react, since other code began it; what was answered last may be lost")
    .option("--json", "print one JSON document")
    .action((id: string, { force, json }: JsonOption & { force?: boolean }) =>
      withEngine(async ({ client }) => {
        await running(client, id);
        await cancelCampaign(client, id, { force: force ?? false });
        if (json) printJson({ campaign: id, cancelled: true });
        else say(`campaign ${id} is cancelled`);
      }),
    );
  program
    .command("retry")
    .description("try failed steps again; everything finished is kept")
    .argument("<id>", "campaign")
    .argument("[step]", "only this step")
    .option("--discard-checkpoint", "forget the step's checkpoint and train it from the beginning")
    .option("--json", "print one JSON document")
    .action((id: string, step: string | undefined, options: JsonOption & { discardCheckpoint?: boolean }) =>
      withEngine((engine) => retry(engine, id, step, options)),
    );
}

async function withEngine(work: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await ensureEngine(say);
  try {
    await work(engine);
  } finally {
    await engine.close();
  }
}

async function running(client: Engine["client"], id: string) {
  const handle = await campaignHandle(client, id);
  const { status } = await handle.describe();
  if (status.name !== "RUNNING")
    throw new InputError(`campaign "${id}" has ended (${status.name.toLowerCase()})`, undefined, "see: recist3d status");
  return handle;
}

async function list({ client }: Engine, json: boolean): Promise<void> {
  const campaigns = await listCampaigns(client);
  if (json) return printJson(campaigns);
  const rows = campaigns.map(({ campaign, pipeline, status, waitsForPeople, started, finished }) => [
    campaign,
    pipeline,
    standsAt(status, waitsForPeople),
    started.toISOString(),
    duration((finished?.getTime() ?? Date.now()) - started.getTime()),
  ]);
  process.stdout.write(`${table([["campaign", "pipeline", "status", "started", "time"], ...rows])}\n`);
}

/** A running campaign is asked to try again; one that has ended is started again, and finds what is finished in the store. */
async function retry(
  { client }: Engine,
  id: string,
  step: string | undefined,
  { discardCheckpoint, json }: JsonOption & { discardCheckpoint?: boolean },
): Promise<void> {
  const handle = await campaignHandle(client, id);
  const { status } = await handle.describe();
  const whileRunning = (): InputError =>
    new InputError(
      `campaign "${id}" is running: a checkpoint can only be discarded when it has ended`,
      undefined,
      `cancel it first (recist3d cancel ${id}: what is finished and answered is kept), then retry`,
    );
  if (status.name === "RUNNING") {
    if (discardCheckpoint) throw whileRunning();
    const steps = await handle
      .executeUpdate<string[], [string | null]>("retry", { args: [step ?? null] })
      .catch((error: unknown) => {
        if (!(error instanceof WorkflowUpdateFailedError)) throw error;
        throw new InputError(error.cause?.message ?? error.message, `campaign "${id}"`, undefined, { cause: error });
      });
    return json ? printJson({ campaign: id, retried: steps }) : say(`trying again: ${steps.join(", ")}`);
  }
  if (status.name === "COMPLETED" && (await findCampaign(await openStore(), id)) !== null)
    throw new InputError(`campaign "${id}" is done: nothing is left to retry`, undefined, "see: recist3d status");
  const input = await originalInput(client, id);
  if (step !== undefined && !input.pipeline.steps.some(({ name }) => name === step))
    throw new InputError(
      `campaign "${id}" has no step "${step}"`,
      undefined,
      `it has ${input.pipeline.steps.map(({ name }) => name).join(", ")}`,
    );
  const discardCheckpoints = discardCheckpoint
    ? step === undefined
      ? input.pipeline.steps.map(({ name }) => name)
      : [step]
    : [];
  const { attached } = await startCampaign(client, { ...input, discardCheckpoints });
  if (attached && discardCheckpoint) throw whileRunning();
  if (json) printJson({ campaign: id, restarted: true });
  else say(`campaign ${id} started again; finished steps are reused — recist3d watch ${id}`);
}

async function originalInput(client: Engine["client"], id: string): Promise<CampaignInput> {
  const history = await client.workflow.getHandle(id).fetchHistory();
  const payload = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  if (payload == null) throw new Error(`the history of campaign "${id}" does not begin with its input`);
  return client.options.loadedDataConverter.payloadConverter.fromPayload(payload);
}
