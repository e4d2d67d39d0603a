import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** What workers and the supervisor are made of. */
const ROOMS = ["activities", "artifacts", "engine", "methods", "pipelines", "report", "schemas", "worker", "workflows"];

const digests = new Map<string, string>();

/**
 * SHA-256 of the code and pinned packages of this checkout, as they were when this process asked first.
 *
 * @param more rooms that count beside those of workers
 */
export function codeDigest(more: readonly string[] = []): string {
  const rooms = [...ROOMS, ...more];
  const known = digests.get(String(rooms));
  if (known !== undefined) return known;
  const digest = computeDigest(rooms);
  digests.set(String(rooms), digest);
  return digest;
}

function computeDigest(rooms: readonly string[]): string {
  const hash = createHash("sha256")
    .update(ROOT)
    .update(readFileSync(path.join(ROOT, "package-lock.json")));
  for (const room of rooms) {
    const files = readdirSync(path.join(ROOT, room), { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    for (const file of files.sort()) hash.update(`\0${room}/${file}\0`).update(readFileSync(path.join(ROOT, room, file)));
  }
  return hash.digest("hex");
}
