import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode } from "@temporalio/worker";

const root = fileURLToPath(new URL("../..", import.meta.url));
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, log() {} };

/** The bundle of today's workflow code, but for one place in one file. @throws where the place is not there */
export async function changedWorkflows(file: string, place: string, other: string): Promise<{ code: string }> {
  const folder = mkdtempSync(path.join(root, ".build", "changed-"));
  try {
    for (const name of readdirSync(path.join(root, "workflows"))) {
      const text = readFileSync(path.join(root, "workflows", name), "utf8");
      const changed = name === file ? text.replace(place, other) : text;
      if (name === file && changed === text) throw new Error(`${file} has no ${place}`);
      writeFileSync(path.join(folder, name), changed.replaceAll('from "../', 'from "../../'));
    }
    return await bundleWorkflowCode({ workflowsPath: path.join(folder, "index.ts"), logger: silent });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
