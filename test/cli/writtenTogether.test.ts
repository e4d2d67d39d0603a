import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writtenTogether } from "../../cli/writtenTogether.ts";

const module = new URL("../../cli/writtenTogether.ts", import.meta.url).href;
const FILES = 400;

let folder: string;
const at = (name: string): string => path.join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "recist3d-together-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes many files into `out` in a process that is asked to end as soon as the first of them appears there. */
async function writtenAndInterrupted(out: string): Promise<void> {
  const program = `
    import { existsSync, writeFileSync } from "node:fs";
    import { writtenTogether } from ${JSON.stringify(module)};
    const names = Array.from({ length: ${FILES} }, (_, i) => "file-" + i);
    const look = () => {
      if (existsSync(${JSON.stringify(path.join(out, "file-0"))})) process.kill(process.pid, "SIGTERM");
      else setImmediate(look);
    };
    look();
    await writtenTogether({ out: ${JSON.stringify(out)}, inputs: [] }, async (folder) => {
      for (const name of names) writeFileSync(folder + "/" + name, name);
      return names;
    });`;
  const words = ["--import", "tsx", "--input-type=module", "-e", program];
  const writer = spawn(process.execPath, words, { stdio: "inherit" });
  return new Promise((resolve) => writer.once("exit", () => resolve()));
}

test.each([false, true])("a signal leaves all files or none; the folder is there before: %s", async (there) => {
  const out = at(`interrupted-${there}`);
  if (there) await mkdir(out);
  await writtenAndInterrupted(out);
  expect((await readdir(out)).filter((name) => name.startsWith("file-"))).toHaveLength(FILES);
  expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
});

test("a new folder is as open to others as any that is made", async () => {
  await writtenTogether({ out: at("new"), inputs: [] }, async () => []);
  await mkdir(at("made"));
  expect((await stat(at("new"))).mode).toBe((await stat(at("made"))).mode);
});

test("a folder that appears while the files are written keeps what lies in it", async () => {
  await writtenTogether({ out: at("meanwhile"), inputs: [] }, async (temporary) => {
    await mkdir(at("meanwhile"));
    await writeFile(at("meanwhile/notes.txt"), "mine");
    await writeFile(path.join(temporary, "mask.txt"), "ours");
    return ["mask.txt"];
  });
  expect((await readdir(at("meanwhile"))).sort()).toEqual(["mask.txt", "notes.txt"]);
  expect(await readFile(at("meanwhile/notes.txt"), "utf8")).toBe("mine");
});
