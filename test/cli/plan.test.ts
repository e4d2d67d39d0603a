import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { latestPointer } from "../../pipelines/latest.ts";

const root = new URL("../../", import.meta.url).pathname;
const run = promisify(execFile);

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let home: string;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), "recist3d-plan-"));
});
afterAll(() => rm(home, { recursive: true }));

async function recist3d(...args: string[]): Promise<Outcome> {
  const env = { ...process.env, RECIST3D_HOME: home, RECIST3D_STORE: `file:${path.join(home, "store")}`, NO_COLOR: "1" };
  try {
    const { stdout, stderr } = await run(process.execPath, ["--import", "tsx", path.join(root, "cli/main.ts"), ...args], {
      cwd: root,
      env,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    return error as Outcome;
  }
}

const plain =
  'name: plain\nparams: { n: 4 }\nsteps:\n  lesions: { uses: dataset.synthesize, with: { lesions: "${params.n}" } }\n  masks: { uses: labels.initial, in: { lesions: lesions.train } }\n';

describe("recist3d validate", () => {
  test("a valid pipeline: 0, and with --json the compiled one", async () => {
    const { code, stdout } = await recist3d("validate", "pipelines/demo.yaml", "--set", "lesions=8", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      valid: true,
      pipeline: { name: "demo", wanted: ["report"], params: { lesions: 8 } },
    });
  });

  test("a wrong one: 2, every mistake on stderr, and with --json as a document", async () => {
    const file = path.join(home, "wrong.yaml");
    await writeFile(file, plain.replace("labels.initial", "labels.inital").replace("with:", "wiht:"));
    const { code, stdout, stderr } = await recist3d("validate", file, "--json");
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      valid: false,
      problems: [
        { where: `${file}:4:40`, message: 'step "lesions" has no "wiht": did you mean "with"?' },
        { where: `${file}:5:18`, message: 'there is no step kind "labels.inital": did you mean "labels.initial"?' },
      ],
    });
    expect(stderr).toBe(
      `recist3d: ${file}:4:40: step "lesions" has no "wiht": did you mean "with"?\n${file}:5:18: there is no step kind "labels.inital": did you mean "labels.initial"?\n`,
    );
  });

  test("an unknown parameter: 2", async () => {
    const { code, stderr } = await recist3d("validate", "pipelines/demo.yaml", "--set", "lesoins=8");
    expect(code).toBe(2);
    expect(stderr).toBe('recist3d: --set lesoins: the pipeline has no parameter "lesoins": did you mean "lesions"?\n');
  });
});

describe("recist3d plan", () => {
  test("an empty store: the source is to run, what reads it is not known; the graph holds both", async () => {
    const file = path.join(home, "plain.yaml");
    await writeFile(file, plain);
    const graph = path.join(home, "graph.svg");
    const { code, stdout } = await recist3d("plan", file, "--json", "--graph", graph);
    expect(code).toBe(0);
    const { steps } = JSON.parse(stdout) as { steps: { name: string; state: string; key?: string; why: string }[] };
    expect(steps.map(({ name, state, why }) => [name, state, why])).toEqual([
      ["lesions", "to-run", "no record of this action"],
      ["masks", "unknown", "waits for lesions"],
    ]);
    expect(steps[0].key).toMatch(/^[0-9a-f]{64}$/);
    expect(await readFile(graph, "utf8")).toMatch(/^<svg [\s\S]*labels\.initial · unknown[\s\S]*<\/svg>\n$/);
  });

  test("--why names one step; one that is not there is refused with the nearest", async () => {
    const file = path.join(home, "plain.yaml");
    await writeFile(file, plain);
    expect(await recist3d("plan", file, "--why", "masks")).toMatchObject({
      code: 0,
      stdout: "masks: unknown: waits for lesions\n",
    });
    const { code, stderr } = await recist3d("plan", file, "--why", "maks");
    expect(code).toBe(2);
    expect(stderr).toBe('recist3d: --why maks: the pipeline has no step "maks": did you mean "masks"?\n');
  });

  test("what only explains need not be readable: a pointer or a record that is damaged counts as none", async () => {
    const file = path.join(home, "plain.yaml");
    await writeFile(file, plain);
    const fresh = await recist3d("plan", file);
    const store = openFileStore(path.join(home, "store"));
    await store.setPointer(latestPointer("plain", "lesions"), { record: await store.putBlob(Buffer.from("no record")) });
    expect(await recist3d("plan", file)).toMatchObject({ code: 0, stdout: fresh.stdout });
    await writeFile(path.join(home, "store/pointers", `${latestPointer("plain", "lesions")}.json`), "no pointer");
    expect(await recist3d("plan", file)).toMatchObject({ code: 0, stdout: fresh.stdout });
  }, 60_000);
});
