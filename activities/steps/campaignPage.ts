import { inParallel } from "../../artifacts/inParallel.ts";
import { getManifest, putArtifact, readFile } from "../../artifacts/manifest.ts";
import { getRecord } from "../../artifacts/records.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { renderReport } from "../../report/report.ts";
import type { ReportInput } from "../../report/reportInput.ts";
import type { ActionRecord } from "../../schemas/records.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import type { CampaignDescription } from "../ledger.ts";
import type { ReportContent } from "./report.ts";
import type { StepBody } from "./step.ts";

/** Puts a report's content and the campaign that it belongs to on one page. */
export const campaignPage: StepBody<StepParams<"campaign.page">> = {
  async run({ store }, { inputs }) {
    const campaign = await readJson<Omit<CampaignDescription, "pipeline"> & { pipeline: string }>(
      store,
      inputs.campaign.artifact as Digest,
      "campaign.json",
    );
    const { title, content } = await readJson<{ title: string; content: ReportContent }>(
      store,
      inputs.report.artifact as Digest,
      "content.json",
    );
    const steps: ReportInput["dag"]["steps"] = [];
    const records: ActionRecord[] = [];
    for (const { name, uses, after, outputs, record, state } of campaign.steps) {
      const found = record === undefined ? undefined : await getRecord(store, record as Digest);
      if (found !== undefined) records.push(found);
      const cached = found !== undefined && found.finished < campaign.started;
      steps.push({
        name,
        uses,
        after,
        outputs,
        cached,
        state: state === "not-needed" ? "skipped" : "done",
        seconds: found === undefined ? null : await secondsOf(store, found),
      });
    }
    const finished = records
      .map((record) => record.finished)
      .reduce((latest, next) => (next > latest ? next : latest), campaign.started);
    const files = await renderReport({
      ...content,
      campaign: { id: campaign.campaign, pipeline: `${campaign.pipeline} — ${title}`, started: campaign.started, finished },
      environment: environmentOf(records),
      dag: { steps },
      provenance: [
        ...content.provenance,
        ...campaign.steps.flatMap(({ name, record }) =>
          record === undefined ? [] : [{ what: `record of step ${name}`, digest: record }],
        ),
      ],
    });
    const artifact = await putArtifact(store, {
      type: "report",
      meta: { campaign: campaign.campaign, title },
      files: Object.entries(files).map(([path, text]) => ({
        path,
        bytes: Buffer.from(text),
        mediaType: mediaTypes[path.slice(path.lastIndexOf("."))],
      })),
    });
    return { outputs: { page: artifact } };
  },
};

const mediaTypes: Record<string, string> = {
  ".html": "text/html",
  ".json": "application/json",
  ".csv": "text/csv",
  ".svg": "image/svg+xml",
};

async function readJson<T>(store: Store, artifact: Digest, path: string): Promise<T> {
  return JSON.parse((await readFile(store, await getManifest(store, artifact), path)).toString("utf8")) as T;
}

/** From the start of an action's first part to its end: what the step took when it was computed. */
async function secondsOf(store: Store, record: ActionRecord): Promise<number> {
  const parts = await inParallel(record.parts, (digest) => getRecord(store, digest as Digest));
  const started = [record, ...parts].map((one) => Date.parse(one.started)).reduce((first, next) => Math.min(first, next));
  return (Date.parse(record.finished) - started) / 1000;
}

function environmentOf(records: readonly ActionRecord[]): Record<string, string> {
  const distinct = (values: readonly string[]): string => [...new Set(values)].join("; ");
  return {
    version: distinct(
      records.map(
        ({ code }) =>
          `recist3d ${code.version}${code.commit === null ? "" : ` (${code.commit.slice(0, 12)}${code.modified ? ", modified" : ""})`}`,
      ),
    ),
    machine: distinct(
      records.map(({ machine }) => `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}`),
    ),
    numerics: distinct(records.map(({ fingerprint }) => fingerprint)),
  };
}
