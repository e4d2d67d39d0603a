import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-exit-"));
const home = path.join(folder, "home");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as a user calls it. */
function recist3d(words: readonly string[], environment: Record<string, string> = {}): Promise<Outcome> {
  const env = { ...process.env, RECIST3D_SETUP: "none", RECIST3D_HOME: home, ...environment };
  return new Promise((resolve) => {
    execFile("bin/recist3d", [...words], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

const file = (name: string, text: string): string => {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
};
const empty = path.join(folder, "empty");
mkdirSync(empty);

describe("exit code 2, with what is wrong, where, and what to do, and nothing started:", () => {
  test.each<{ wrong: string; words: string[]; says: RegExp; environment?: Record<string, string> }>([
    { wrong: "no such command", words: ["frobnicate"], says: /unknown command 'frobnicate'/ },
    { wrong: "no such pipeline", words: ["run", "nowhere.yaml"], says: /nowhere\.yaml: there is no such file/ },
    {
      wrong: "a pipeline that is no pipeline",
      words: ["run", file("typo.yaml", "name: x\nsteps:\n  a: { uses: labels.initail }\n")],
      says: /typo\.yaml:3:14: .*did you mean "labels\.initial"/,
    },
    { wrong: "an unknown parameter", words: ["run", "pipelines/demo.yaml", "--set", "lesion=4"], says: /lesions/ },
    {
      wrong: "a --set without =",
      words: ["run", "pipelines/demo.yaml", "--set", "lesions"],
      says: /--set lesions is not key=value/,
    },
    {
      wrong: "data that are not there",
      words: ["run", "pipelines/deeplesion.yaml", "--set", `data=${folder}/absent`],
      says: /absent\/DL_info\.csv: cannot be read \(ENOENT\)/,
    },
    {
      wrong: "a measurement that is no number",
      words: ["response", "--measurements", file("m.csv", "patient,day,lesion,role,long_mm\nP,0,L,target,forty\n")],
      says: /m\.csv:2:14: long_mm is "forty"/,
    },
    {
      wrong: "an empty data set",
      words: ["run", "pipelines/ct-masks.yaml", "--set", `data=${empty}`],
      says: /empty: no folder in it holds a CT image and a mask/,
    },
    {
      wrong: "a store that is no store",
      words: ["plan", "pipelines/demo.yaml"],
      says: /ftp:x: not the url of a store/,
      environment: { RECIST3D_STORE: "ftp:x" },
    },
  ])("$wrong", async ({ words, says, environment }) => {
    const { code, stdout, stderr } = await recist3d(words, environment);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(existsSync(path.join(home, "engine"))).toBe(false);
  });
});

describe("exit code 1, with the same care:", () => {
  test("an engine that does not answer", async () => {
    const { code, stderr } = await recist3d(["run", "pipelines/demo.yaml"], { TEMPORAL_ADDRESS: "127.0.0.1:1" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/engine at 127\.0\.0\.1:1: no answer .*check TEMPORAL_ADDRESS/);
  });

  test("a store that does not answer", async () => {
    const { code, stderr } = await recist3d(["plan", "pipelines/demo.yaml"], {
      RECIST3D_STORE: "s3:http://127.0.0.1:1/bucket",
      RECIST3D_S3_ACCESS_KEY: "key",
      RECIST3D_S3_SECRET_KEY: "secret",
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/127\.0\.0\.1:1/);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });
});
