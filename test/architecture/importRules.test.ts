import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { ICruiseResult } from "dependency-cruiser";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Violations of .dependency-cruiser.cjs below a folder, as "rule: from → to". */
function violations(folder: string): string[] {
  const cruiser = path.join(root, "node_modules/.bin/depcruise");
  const rules = path.join(root, ".dependency-cruiser.cjs");
  const { stdout, stderr } = spawnSync(cruiser, ["--config", rules, "--output-type", "json", "."], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (stdout === "") throw new Error(stderr);
  const { summary } = JSON.parse(stdout) as ICruiseResult;
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort();
}

/** A wrong import: the file, what it says, the rule that forbids it, and what the import leads to. */
const WRONG = [
  ["methods/store.ts", `import "../artifacts/store.ts"`, "methods-imports", "artifacts/store.ts"],
  ["methods/engine.ts", `import "@temporalio/client"`, "methods-without-engine", "node_modules/@temporalio/client/index.js"],
  ["methods/labels/net.ts", `import "@tensorflow/tfjs"`, "one-seam-to-tensorflow", "node_modules/@tensorflow/tfjs/index.js"],
  ["methods/tested.ts", `import "../test/fixture.ts"`, "no-test-code", "test/fixture.ts"],
  ["schemas/reader.ts", `import "../methods/imaging.ts"`, "schemas-imports", "methods/imaging.ts"],
  ["schemas/numbers.ts", `import "minio"`, "workflows-sandbox", "node_modules/minio/index.js"],
  ["artifacts/run.ts", `import "../activities/train.ts"`, "artifacts-imports", "activities/train.ts"],
  ["report/read.ts", `import "../artifacts/store.ts"`, "report-imports", "artifacts/store.ts"],
  ["pipelines/start.ts", `import "../worker/main.ts"`, "pipelines-imports", "worker/main.ts"],
  ["activities/order.ts", `import "../workflows/campaign.ts"`, "activities-imports", "workflows/campaign.ts"],
  ["activities/pool.ts", `import "../worker/main.ts"`, "activities-imports-types-only", "worker/main.ts"],
  ["workflows/read.ts", `import "../artifacts/store.ts"`, "workflows-imports", "artifacts/store.ts"],
  ["workflows/call.ts", `import { train } from "../activities/train.ts"`, "workflows-imports-types-only", "activities/train.ts"],
  ["workflows/file.ts", `import "node:fs"`, "workflows-without-node", "fs"],
  ["workflows/client.ts", `import "@temporalio/client"`, "workflows-sandbox", "node_modules/@temporalio/client/index.js"],
  ["engine/run.ts", `import "../cli/status.ts"`, "engine-imports", "cli/status.ts"],
  ["worker/start.ts", `import "../cli/status.ts"`, "worker-imports", "cli/status.ts"],
  ["cli/order.ts", `import "../workflows/campaign.ts"`, "cli-starts-workflows-by-name", "workflows/campaign.ts"],
  ["client/start.ts", `import "../engine/run.ts"`, "client-imports", "engine/run.ts"],
  ["review/server/start.ts", `import "../../worker/main.ts"`, "review-imports", "worker/main.ts"],
  ["review/pages/read.tsx", `import "../../artifacts/store.ts"`, "pages-run-in-a-browser", "artifacts/store.ts"],
  ["review/pages/serve.ts", `import "../server/start.ts"`, "pages-run-in-a-browser", "review/server/start.ts"],
  ["review/pages/file.ts", `import "node:fs"`, "pages-without-node", "fs"],
  ["review/lost.ts", `import "./nowhere.ts"`, "resolvable", "./nowhere.ts"],
] as const;

/** Imports that are allowed, lest the rules forbid everything. */
const RIGHT = {
  "artifacts/store.ts": `import "../schemas/marks.ts"; import "../methods/inputError.ts";`,
  "activities/train.ts": `import "../methods/imaging.ts"; import "../artifacts/store.ts"; export const train = 1;`,
  "cli/status.ts": `import type { Campaign } from "../workflows/campaign.ts"; export type C = Campaign;`,
  "methods/imaging.ts": "export {};",
  "methods/inputError.ts": "export {};",
  "methods/networks/backend.ts": `import "@tensorflow/tfjs"; import "../imaging.ts";`,
  "schemas/marks.ts": `import "zod";`,
  "review/pages/main.tsx": `import "../../schemas/marks.ts";`,
  "test/fixture.ts": `import "../methods/imaging.ts";`,
  "worker/main.ts": `import "../activities/train.ts";`,
  "workflows/campaign.ts": `import "@temporalio/workflow"; import type { train } from "../activities/train.ts"; import "../schemas/marks.ts"; export type Campaign = typeof train;`,
};

const PACKAGES = ["@temporalio/client", "@temporalio/workflow", "@tensorflow/tfjs", "minio", "zod"];

describe("import rules", { timeout: 60_000 }, () => {
  const house = mkdtempSync(path.join(tmpdir(), "recist3d-imports-"));
  afterAll(() => rmSync(house, { recursive: true, force: true }));

  function write(file: string, content: string): void {
    mkdirSync(path.dirname(path.join(house, file)), { recursive: true });
    writeFileSync(path.join(house, file), content);
  }

  it("hold in this repository", () => {
    expect(violations(root)).toEqual([]);
  });

  it("flag each wrong import, and no right one", () => {
    for (const name of PACKAGES) {
      write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: "1.0.0", main: "index.js" }));
      write(`node_modules/${name}/index.js`, "");
    }
    write("package.json", JSON.stringify({ dependencies: Object.fromEntries(PACKAGES.map((name) => [name, "1.0.0"])) }));
    write("tsconfig.json", "{}");
    for (const [file, content] of Object.entries(RIGHT)) write(file, content);
    for (const [file, content] of WRONG) write(file, content);
    write("cli/chicken.ts", `import "./egg.ts"`);
    write("cli/egg.ts", `import "./chicken.ts"`);

    const expected = WRONG.map(([file, , rule, to]) => `${rule}: ${file} → ${to}`);
    expect(violations(house)).toEqual([...expected, "no-circular: cli/chicken.ts → cli/egg.ts"].sort());
  });
});
