import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const example = Object.fromEntries(
  [...readFileSync(path.join(root, "deploy/example.env"), "utf8").matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [
    name,
    value,
  ]),
);

interface Service {
  image?: string;
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  build?: { context: string; target: string };
}

/** What the compose specification's own implementation makes of a file; an error message when it refuses it. */
function load(file: string, environment: Record<string, string>): { services: Record<string, Service> } | string {
  const { status, stdout, stderr } = spawnSync(path.join(root, ".bin/compose-go"), [file], {
    cwd: root,
    env: { PATH: process.env.PATH, ...environment },
    encoding: "utf8",
  });
  return status === 0 ? JSON.parse(stdout) : stderr;
}

describe("docker-compose.yml", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "recist3d-compose-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeAll(() => {
    // Without Go this fails, and says so: an unchecked file is not a checked one.
    const { status, stderr } = spawnSync("node", ["scripts/setup.mjs", "--only", "compose"], { cwd: root, encoding: "utf8" });
    if (status !== 0) throw new Error(`the compose file could not be checked:\n${stderr}`);
  });

  it("is a compose file, with the settings of deploy/example.env", () => {
    const model = load("docker-compose.yml", example);
    if (typeof model === "string") throw new Error(model);
    expect(Object.keys(model.services).sort()).toEqual([
      ...["postgresql", "recist3d", "store", "temporal", "temporal-namespace", "temporal-tables", "worker-cpu", "worker-gpu"],
    ]);
    for (const [name, { depends_on }] of Object.entries(model.services)) {
      for (const [other, { condition }] of Object.entries(depends_on ?? {})) {
        const waitsForHealth = condition === "service_healthy";
        expect(model.services[other].healthcheck !== undefined, `${name} waits for ${other}`).toBe(waitsForHealth);
      }
    }
    const { TEMPORAL_ADDRESS, RECIST3D_STORE, RECIST3D_S3_ACCESS_KEY } = model.services["worker-cpu"].environment!;
    expect({ TEMPORAL_ADDRESS, RECIST3D_STORE, RECIST3D_S3_ACCESS_KEY }).toEqual({
      TEMPORAL_ADDRESS: "temporal:7233",
      RECIST3D_STORE: "s3:http://store:7070/recist3d",
      RECIST3D_S3_ACCESS_KEY: example.RECIST3D_S3_ACCESS_KEY,
    });
  });

  it("builds stages that the Dockerfile has, from folders that exist", () => {
    const model = load("docker-compose.yml", example) as { services: Record<string, Service> };
    const dockerfile = readFileSync(path.join(root, "Dockerfile"), "utf8");
    const stages = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, stage]) => stage);
    const targets = Object.values(model.services).flatMap(({ build }) => (build === undefined ? [] : [build.target]));
    expect([...new Set(targets)].sort()).toEqual(["recist3d", "recist3d-gpu", "services"]);
    for (const target of targets) expect(stages).toContain(target);
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, files]) => files.split(" "));
    for (const source of sources) expect(existsSync(path.join(root, source)), source).toBe(true);
  });

  it("refuses to start with a password that nobody has set", () => {
    const { POSTGRES_PASSWORD: _, ...withoutPassword } = example;
    expect(load("docker-compose.yml", withoutPassword)).toMatch(/POSTGRES_PASSWORD.*set it in .env/);
  });

  it("would be found wrong if it were", () => {
    const text = readFileSync(path.join(root, "docker-compose.yml"), "utf8");
    for (const [right, wrong] of [
      ["condition: service_healthy", "condition: service_happy"],
      ["depends_on:", "depend_on:"],
    ]) {
      const file = path.join(folder, "wrong.yml");
      writeFileSync(file, text.replace(right, wrong));
      expect(load(file, example)).toMatch(wrong === "depend_on:" ? /depend_on/ : /service_happy|condition/);
    }
  });
});
