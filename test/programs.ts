import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Tells the tests where the programs are that setup provides, and keeps them away from the person's own engine and store. */
export default function programs(): void {
  for (const [variable, program] of [
    ["TEMPORAL_BIN", "temporal"],
    ["VERSITYGW_BIN", "versitygw"],
  ]) {
    const linked = path.join(root, ".bin", program);
    if (!process.env[variable] && existsSync(linked)) process.env[variable] = linked;
  }
  for (const variable of ["TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY", "RECIST3D_STORE", "RECIST3D_HOME"]) {
    delete process.env[variable];
  }
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
}
