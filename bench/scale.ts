/**
 * Scale: pipelines/scale.yaml at 1,000 and 4,000 lesions, with `--full` also at DeepLesion's 32,735 (or at any sizes:
 * `npx tsx bench/scale.ts 500 2000`). With `--import`, small lesions from a folder in DeepLesion's form instead: they take
 * little time of their own, so that what the house adds shows. For each size: time per lesion of every stage, memory of
 * every process, bytes in the store, and how long the engine's histories grew; then how flat all of it is. Up to 4,000
 * lesions (`--plain N`) the same functions also run in a plain loop, one process without engine and store; its mean Dice
 * must be the campaign's.
 */
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openEvaluation } from "../activities/evaluations.ts";
import { openStore } from "../artifacts/openStore.ts";
import { findCampaign, getRecord } from "../artifacts/records.ts";
import type { Digest } from "../artifacts/store.ts";
import { verifyCampaign } from "../artifacts/verify.ts";
import { loadPipeline } from "../pipelines/load.ts";
import { type House, openHouse } from "../test/campaign/house.ts";
import programs from "../test/programs.ts";
import { plainLoop } from "./scale/plainLoop.ts";
import { type ProcessFigures, type Role, watchProcesses } from "./scale/processWatch.ts";
import { writeSmallDeepLesion } from "./scale/smallDeepLesion.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: "boolean", default: false },
    import: { type: "boolean", default: false },
    plain: { type: "string", default: "4000" },
    "shard-size": { type: "string" },
  },
});
const pipeline = fileURLToPath(new URL(values.import ? "./scale/import.yaml" : "../pipelines/scale.yaml", import.meta.url));
const sizes = positionals.length > 0 ? positionals.map(Number) : [1000, 4000, ...(values.full ? [32_735] : [])];

interface Stage {
  readonly step: string;
  readonly seconds: number;
  readonly parts: number;
}

interface Measured {
  readonly lesions: number;
  readonly seconds: number;
  readonly stages: readonly Stage[];
  readonly processes: Readonly<Record<Role, ProcessFigures>>;
  readonly bytes: number;
  readonly files: number;
}

/** Runs the campaign in a home of its own and prints what it took. */
async function measure(lesions: number): Promise<Measured> {
  const house = await openHouse();
  try {
    const root = path.join(house.home, "deeplesion");
    if (values.import) writeSmallDeepLesion(root, lesions);
    const settings = {
      ...(values.import ? { root } : { lesions: String(lesions) }),
      ...(values["shard-size"] && { shardSize: values["shard-size"] }),
    };
    console.log(`\n${lesions} lesions`);
    const watched = watchProcesses(house);
    await house.start("scale", settings, pipeline);
    await house.result("scale");
    const processes = watched();
    const store = await openStore();
    const recorded = (await findCampaign(store, "scale"))!.record;
    const seconds = (Date.parse(recorded.finished) - Date.parse(recorded.started)) / 1000;
    const stages: Stage[] = [];
    for (const [step, digest] of Object.entries(recorded.steps)) {
      const record = await getRecord(store, digest as Digest);
      const parts = await Promise.all(record.parts.map((part) => getRecord(store, part as Digest)));
      const first = Math.min(...[record, ...parts].map(({ started }) => Date.parse(started)));
      stages.push({ step, seconds: (Date.parse(record.finished) - first) / 1000, parts: parts.length });
    }
    for (const { step, seconds: took, parts } of stages)
      console.log(
        `  ${step.padEnd(12)} ${took.toFixed(1).padStart(8)} s ${((1000 * took) / lesions).toFixed(2).padStart(8)} ms/lesion   ${parts} parts`,
      );
    console.log(
      `  campaign     ${seconds.toFixed(1).padStart(8)} s ${((1000 * seconds) / lesions).toFixed(2).padStart(8)} ms/lesion   ${(lesions / seconds).toFixed(1)} lesions/s`,
    );
    for (const [role, { peakMb, cpuSeconds }] of Object.entries(processes))
      console.log(
        `  ${role.padEnd(8)} peak ${peakMb.toFixed(0).padStart(5)} MB   ${((1000 * cpuSeconds) / lesions).toFixed(2)} ms of processor per lesion`,
      );
    await printHistories(house);
    const { bytes, files } = sizeOf(path.join(house.home, "store"));
    console.log(`  store ${(bytes / lesions).toFixed(0)} bytes per lesion, ${(files / lesions).toFixed(2)} files per lesion`);
    const checked = performance.now();
    const { ok, records } = await verifyCampaign(store, "scale");
    console.log(
      `  verify ${((performance.now() - checked) / 1000).toFixed(1)} s: ${records} records ${ok ? "whole" : "DAMAGED"}`,
    );
    if (!ok) process.exitCode = 1;
    if (lesions <= Number(values.plain))
      await compare(settings, recorded.steps.evaluation as Digest, { lesions, seconds, processes });
    return { lesions, seconds, stages, processes, bytes, files };
  } finally {
    await house.close();
  }
}

/** The same lesions in a plain loop. */
async function compare(
  settings: Record<string, string>,
  evaluated: Digest,
  { lesions, seconds, processes }: Pick<Measured, "lesions" | "seconds" | "processes">,
): Promise<void> {
  const store = await openStore();
  const { lines } = await openEvaluation(store, (await getRecord(store, evaluated)).outputs.evaluation as Digest);
  const started = performance.now();
  const cpu = process.cpuUsage();
  const means = await plainLoop(await loadPipeline(pipeline, settings));
  const { user, system } = process.cpuUsage(cpu);
  const plain = (performance.now() - started) / 1000;
  const busy = Object.values(processes).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  console.log(
    `  plain loop ${plain.toFixed(1)} s ${((1000 * plain) / lesions).toFixed(2)} ms/lesion; campaign / plain loop: time ${(seconds / plain).toFixed(2)}, processor ${((1e6 * busy) / (user + system)).toFixed(2)}`,
  );
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  for (const [method, expected] of Object.entries(means)) {
    const found = mean(lines.filter((line) => line.method === method).map(({ slice }) => slice.dice!));
    const same = Math.abs(found - expected) < 1e-9;
    console.log(`  ${method.padEnd(12)} Dice ${found.toFixed(4)}, plain loop ${same ? "equal" : expected.toFixed(4)}`);
    if (!same) process.exitCode = 1;
  }
}

/** The longest history of every workflow that ran: what the engine limits to 51,200 events and 50 MB. */
async function printHistories({ engine }: House): Promise<void> {
  const byId = new Map<string, { runs: number; events: number; bytes: number }>();
  for await (const { workflowId, runId } of engine.client.workflow.list()) {
    const { historyLength, historySize } = await engine.client.workflow.getHandle(workflowId, runId).describe();
    const { runs, events, bytes } = byId.get(workflowId) ?? { runs: 0, events: 0, bytes: 0 };
    byId.set(workflowId, {
      runs: runs + 1,
      events: Math.max(events, historyLength),
      bytes: Math.max(bytes, historySize ?? 0),
    });
  }
  for (const [workflow, { runs, events, bytes }] of [...byId].sort())
    console.log(
      `  history ${workflow.padEnd(18)} ${events} events, ${(bytes / 1000).toFixed(0)} kB${runs > 1 ? ` at most, ${runs} runs` : ""}`,
    );
}

function sizeOf(folder: string): { bytes: number; files: number } {
  let [bytes, files] = [0, 0];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    bytes += statSync(path.join(entry.parentPath, entry.name)).size;
    files++;
  }
  return { bytes, files };
}

programs();
const measured: Measured[] = [];
for (const lesions of sizes) measured.push(await measure(lesions));
const [first, last] = [measured[0], measured.at(-1)!];
if (measured.length > 1) {
  console.log(`\nper lesion at ${last.lesions} over at ${first.lesions}`);
  for (const { step, seconds } of last.stages) {
    const before = first.stages.find((stage) => stage.step === step)!.seconds / first.lesions;
    console.log(`  ${step.padEnd(12)} ${(seconds / last.lesions / before).toFixed(2)}`);
  }
  console.log(`  campaign     ${(last.seconds / last.lesions / (first.seconds / first.lesions)).toFixed(2)}`);
  const processor = ({ processes, lesions }: Measured): number =>
    Object.values(processes).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / lesions;
  console.log(
    `  processor    ${(processor(last) / processor(first)).toFixed(2)} (unlike the times above, hardly the work of other programs)`,
  );
  console.log(`  bytes        ${(last.bytes / last.lesions / (first.bytes / first.lesions)).toFixed(2)}`);
  for (const role of ["worker", "compute"] as const)
    console.log(`  peak memory of ${role}, in all: ${(last.processes[role].peakMb / first.processes[role].peakMb).toFixed(2)}`);
}
