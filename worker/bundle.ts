import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundleWorkflowCode } from "@temporalio/worker";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Digest of everything that goes into the bundle: the workflows, the schemas that they import, the pinned packages. */
export function workflowSourceDigest(): string {
  const hash = createHash("sha256");
  for (const folder of ["workflows", "schemas"]) {
    const files = readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    for (const file of files.sort()) hash.update(`${folder}/${file}\0`).update(readFileSync(path.join(root, folder, file)));
  }
  hash.update(readFileSync(path.join(root, "package-lock.json")));
  return hash.digest("hex");
}

/** Path of the bundle of the current workflow code; builds it when it is not there (about two seconds). */
export async function workflowBundle(): Promise<string> {
  const folder = path.join(root, ".build");
  const file = path.join(folder, `workflows-${workflowSourceDigest().slice(0, 16)}.js`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const silent = { trace() {}, debug() {}, info() {}, warn: console.error, error: console.error, log() {} };
  const { code } = await bundleWorkflowCode({ workflowsPath: path.join(root, "workflows/index.ts"), logger: silent });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, code);
  renameSync(temporary, file);
  return file;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.error(`workflow bundle: ${path.relative(root, await workflowBundle())}`);
}
