import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { InputError } from "../../methods/inputError.ts";
import { type Located, readDocument, toJson } from "../../pipelines/document.ts";
import { loadPipeline, readPipelineText } from "../../pipelines/load.ts";
import {
  type AnsweredSection,
  type ResultsSection,
  reportFiguresSchema,
  resultsSchema,
} from "../../report/results/resultsInput.ts";
import { resultsPage } from "../../report/results/resultsPage.ts";
import { printJson, say } from "../output.ts";
import { runToEnd } from "./run.ts";

const clone = new URL("../../", import.meta.url).pathname;

export function register(program: Command): void {
  program
    .command("reproduce")
    .description("run every table and figure of the paper and write them beside the paper's")
    .argument("[declaration]", "YAML file that lists the sections", path.join(clone, "docs/results.yaml"))
    .option("--out <file>", "Markdown file to write", path.join(clone, "docs/results.md"))
    .option("--json", "print one JSON document: the file and its campaigns")
    .action(reproduce);
}

interface ReproduceOptions {
  out: string;
  json?: boolean;
}

async function reproduce(declaration: string, { out, json }: ReproduceOptions): Promise<void> {
  const sections = await readSections(declaration);
  const pipelineOf = ({ pipeline }: ResultsSection): string => path.resolve(path.dirname(declaration), pipeline);
  const settingsOf = ({ set }: ResultsSection): Record<string, string> =>
    Object.fromEntries(Object.entries(set).map(([name, value]) => [name, String(value)]));
  for (const section of sections) await checkSection(section, pipelineOf(section), settingsOf(section), declaration);

  const done = new Map<string, Awaited<ReturnType<typeof runToEnd>>>();
  const answered: AnsweredSection[] = [];
  for (const section of sections) {
    const [pipeline, set] = [pipelineOf(section), settingsOf(section)];
    const identity = JSON.stringify([pipeline, set]);
    let ended = done.get(identity);
    if (ended === undefined) {
      say(`${path.relative(process.cwd(), pipeline)}:`);
      ended = await runToEnd(pipeline, set);
      done.set(identity, ended);
    }
    const text = await readFile(path.join(ended.reports.get(section.report)!, "numbers.json"), "utf8");
    const figures = reportFiguresSchema.parse(JSON.parse(text));
    const data = section.data ?? figures.evaluations[0].data;
    const settings = Object.entries(set).map(([name, value]) => ` --set ${name}=${value}`);
    const command = `recist3d run ${path.relative(clone, pipeline)}${settings.join("")}`;
    answered.push({ section: { ...section, data }, figures, command });
  }
  const target = path.resolve(out);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(`${target}.new`, resultsPage(answered));
  await rename(`${target}.new`, target);
  if (json) printJson({ results: target, campaigns: [...done.values()].map(({ campaign }) => campaign) });
  say(`results: ${target}`);
}

async function readSections(file: string): Promise<ResultsSection[]> {
  const document = readDocument(await readPipelineText(file), file);
  const parsed = resultsSchema.safeParse(toJson(document.root));
  if (parsed.success) return parsed.data.sections;
  const [{ path: at, message }] = parsed.error.issues;
  throw new InputError(`${at.join(".")}: ${message}`, document.where(offsetOf(document.root, at)));
}

/** Where a value stands, or the innermost one around it that is there. */
function offsetOf(root: Located, at: readonly PropertyKey[]): number {
  let located = root;
  for (const key of at) {
    const next: Located | undefined =
      located.kind === "map"
        ? located.entries.get(String(key))
        : located.kind === "list"
          ? located.items[Number(key)]
          : undefined;
    if (next === undefined) break;
    located = next;
  }
  return located.at;
}

/** Before hours of work: the pipeline compiles and has that report. */
async function checkSection(
  { title, report, data }: ResultsSection,
  pipeline: string,
  set: Record<string, string>,
  declaration: string,
): Promise<void> {
  const { steps } = await loadPipeline(pipeline, set);
  const reports = steps.filter(({ kind }) => kind === "report");
  const found = reports.find(({ name }) => name === report);
  if (found === undefined)
    throw new InputError(
      `section "${title}" wants report "${report}" of ${pipeline}`,
      declaration,
      `that pipeline has ${reports.map(({ name }) => name).join(", ")}`,
    );
  const evaluations = found.inputs.evaluation.map(({ name }) => name);
  if (data === undefined ? evaluations.length > 1 : !evaluations.includes(data))
    throw new InputError(
      `section "${title}" wants ${data === undefined ? "the only evaluation" : `evaluation "${data}"`} of ${pipeline}`,
      declaration,
      `its report has ${evaluations.join(", ")}`,
    );
}
