import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

export interface Chromium {
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The browser of the tests: the one that `RECIST3D_CHROMIUM` names, else that of the npm package @sparticuz/chromium, which
 * brings the libraries that it needs; unpacked once (a few seconds) into .build.
 */
export function findChromium(): Chromium {
  if (process.env.RECIST3D_CHROMIUM) return { program: process.env.RECIST3D_CHROMIUM, environment: {} };
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error("the tests bring Chromium for Linux on x86-64 alone: name one of this machine by RECIST3D_CHROMIUM");
  const folder = unpacked();
  return {
    program: path.join(folder, "chromium"),
    environment: {
      // A library of this machine has the last word only where the package has none.
      LD_LIBRARY_PATH: [path.join(folder, "lib"), process.env.LD_LIBRARY_PATH].filter(Boolean).join(":"),
      ...(existsSync("/etc/fonts/fonts.conf") ? {} : { FONTCONFIG_PATH: folder }),
    },
  };
}

function unpacked(): string {
  // The entry is <package>/build/cjs/index.cjs.
  const packaged = path.resolve(createRequire(import.meta.url).resolve("@sparticuz/chromium"), "../../..");
  const { version } = JSON.parse(readFileSync(path.join(packaged, "package.json"), "utf8")) as { version: string };
  const folder = path.join(root, ".build", `chromium-${version}`);
  if (existsSync(folder)) return folder;
  const temporary = `${folder}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  const content = (name: string): Buffer => brotliDecompressSync(readFileSync(path.join(packaged, "bin", `${name}.br`)));
  writeFileSync(path.join(temporary, "chromium"), content("chromium"));
  chmodSync(path.join(temporary, "chromium"), 0o755);
  // Beside the browser: what draws without a GPU, libraries in lib/, fonts in fonts/.
  for (const archive of ["swiftshader.tar", "al2023.tar", "fonts.tar"])
    execFileSync("tar", ["--extract", "--directory", temporary], { input: content(archive) });
  const fonts = `<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/fonts-cache</cachedir></fontconfig>`;
  writeFileSync(path.join(temporary, "fonts.conf"), fonts);
  try {
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // else another process has unpacked it meanwhile
  }
  return folder;
}
