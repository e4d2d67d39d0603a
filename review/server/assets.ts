import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

export interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mediaType: string;
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/** The built pages by their path below `folder`, e.g. "assets/index-4f2a.js". Nothing else can be asked for. */
export function readAssets(folder: string): ReadonlyMap<string, Asset> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const mediaType = MEDIA_TYPES[path.extname(entry.name)] ?? "application/octet-stream";
      return [path.relative(folder, file).split(path.sep).join("/"), { bytes: new Uint8Array(readFileSync(file)), mediaType }];
    }),
  );
}
