import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-asked-"));
afterAll(async () => {
  await recist3d("down");
  rmSync(folder, { recursive: true, force: true });
});

/** The command line as a user calls it, with an engine of its own. */
function recist3d(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, RECIST3D_SETUP: "none", RECIST3D_HOME: path.join(folder, "home") };
  return new Promise((resolve) => {
    execFile("bin/recist3d", words, { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

const small = {
  lesions: "8",
  epochs: "1",
  rounds: "1",
  width: "0.125",
  crop: "32",
  steps: "8",
  curationRounds: "1",
  decide: "policy",
};
const settings = Object.entries(small).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
const run = (...more: string[]) => recist3d("run", "pipelines/demo-people.yaml", "--id", "asked", ...settings, ...more);

test("the demonstration for people: a rule has selected slices, two studies wait, and what is done can be taken out", async () => {
  const first = await run("--until-asked", "--json");
  expect(first.stderr).toContain("campaign asked goes on when people have answered");
  const { status, waiting } = JSON.parse(first.stdout);
  expect(status).toBe("waiting");
  expect(waiting.map(({ step, layout, answered }: Record<string, unknown>) => [step, layout, answered])).toEqual([
    ["acceptance", "single", 0],
    ["comparison", "pair", 0],
  ]);
  expect(JSON.parse((await run("--until-asked", "--json")).stdout)).toEqual({ campaign: "asked", status, waiting });

  const out = path.join(folder, "decisions");
  expect(await recist3d("export", "asked/curation.decisions", "--out", out)).toMatchObject({ code: 0 });
  expect(readdirSync(out)).toContain("scores.jsonl");
  const [header, ...rows] = readFileSync(path.join(out, "answers.csv"), "utf8").trim().split("\r\n");
  expect(header.split(",").at(-1)).toBe("decidedBy");
  for (const row of rows) expect(row.split(",").at(-1)).toBe("policy");
  // What the rule selected is what it found better than it was, which a GAN of eight steps need not have made.
  const scores = readFileSync(path.join(out, "scores.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).score);
  expect(scores).toHaveLength(6);
  expect(rows).toHaveLength(scores.filter((score) => score > 0.1).length);

  const early = await recist3d("export", "asked/report", "--out", path.join(folder, "report"));
  expect(early).toMatchObject({ code: 2, stderr: expect.stringContaining('step "report" of campaign "asked" is not done') });
  const unknown = await recist3d("export", "asked/reprot", "--out", path.join(folder, "report"));
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('has no step "reprot"') });
});

test("who watches a campaign leaves when the engine is stopped, and does not start it again", async () => {
  const watching = recist3d("watch", "asked");
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(JSON.parse((await recist3d("down", "--json")).stdout)).toEqual({ stopped: true });
  const { code, stderr } = await watching;
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining(
      "the engine was stopped (recist3d down); campaign asked goes on after the next start: recist3d watch asked",
    ),
  });
  expect(JSON.parse((await recist3d("down", "--json")).stdout)).toEqual({ stopped: false });
});
