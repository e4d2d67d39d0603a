import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** What workers and the supervisor are made of. */
const ROOMS = ["activities", "artifacts", "engine", "methods", "pipelines", "report", "schemas", "worker", "workflows"];

let digest: string | undefined;

/** SHA-256 of the code and pinned packages of this checkout, as they were when this process asked first. */
export function codeDigest(): string {
  digest ??= computeDigest();
  return digest;
}

function computeDigest(): string {
  const hash = createHash("sha256")
    .update(ROOT)
    .update(readFileSync(path.join(ROOT, "package-lock.json")));
  for (const room of ROOMS) {
    const files = readdirSync(path.join(ROOT, room), { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    for (const file of files.sort()) hash.update(`\0${room}/${file}\0`).update(readFileSync(path.join(ROOT, room, file)));
  }
  return hash.digest("hex");
}
