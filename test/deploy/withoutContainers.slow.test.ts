import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const isBuilt = existsSync(path.join(root, ".bin/temporal-server"));

/** Runs a shell script against the services; what it finds in their folder stays for the next run. */
function withServices(folder: string, script: string): { status: number | null; stdout: string; stderr: string } {
  const services = ["--import", "tsx", "deploy/withoutContainers.ts", "--no-workers", "--folder", folder];
  return spawnSync(process.execPath, [...services, "--", "sh", "-euc", script], {
    cwd: root,
    env: { ...process.env, PATH: `${path.join(root, ".bin")}${path.delimiter}${process.env.PATH}`, FOLDER: folder, ROOT: root },
    encoding: "utf8",
  });
}

/** Asks until the answer holds `$1`; the services come back by themselves within seconds. */
const UNTIL = `until_says() { wanted=$1; shift; for i in $(seq 60); do "$@" 2>/dev/null | grep -qi "$wanted" && return; sleep 1; done; return 9; }`;
const PID = `pid() { sed 's/.*"pid":\\([0-9]*\\).*/\\1/' "$FOLDER/$1/process.json"; }`;
const STORE = `store() { node --import tsx -e '
  import("./artifacts/openStore.ts").then(async ({ openStore }) => {
    const store = await openStore();
    if (process.argv[1] === "put") console.log(await store.putBlob(Buffer.from("kept")));
    else console.log(String(await store.getBlob(process.argv[1])));
  })' "$1"; }`;

describe.skipIf(!isBuilt)("services without containers (skipped unless built: npm run setup -- --only server)", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "recist3d-services-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let digest = "";

  it("answer, come back after kill -9, and pass on the command's exit code", () => {
    const { status, stdout, stderr } = withServices(
      folder,
      `${UNTIL}; ${PID}; ${STORE}
       temporal operator search-attribute list | grep -E -c 'Campaign(Phase|Round)'
       temporal workflow start --type nobody-runs-this --task-queue none --workflow-id survivor >/dev/null
       store put
       for name in postgres temporal s3; do kill -9 "$(pid $name)"; done
       sleep 1
       until_says STATUS_RUNNING temporal workflow describe --workflow-id survivor -o json
       exit 7`,
    );
    expect(status, stderr).toBe(7);
    const [attributes, blob] = stdout.trim().split("\n");
    expect(attributes).toBe("2");
    digest = blob;
  });

  it("keep campaigns and blobs for the next time", () => {
    const { status, stdout, stderr } = withServices(
      folder,
      `${UNTIL}; ${STORE}
       until_says survivor temporal workflow list
       store ${digest}`,
    );
    expect(status, stderr).toBe(0);
    expect(stdout.trim()).toBe("kept");
  });

  it("leave no process behind", () => {
    const { stdout } = spawnSync("ps", ["-e", "-o", "args"], { encoding: "utf8" });
    expect(stdout.split("\n").filter((line) => line.includes(folder))).toEqual([]);
  });
});
