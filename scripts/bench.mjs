// npm run bench [-- NAME…]: runs bench/NAME.ts, by default all of them, one after the other, each in a process of its own.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { phase } from "./phase.mjs";
import { root } from "./setup/folders.mjs";

const known = readdirSync(join(root, "bench"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.replace(/\.ts$/, ""));
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(", ")}; choose from ${known.join(", ")}`);
  process.exit(2);
}
let worst = 0;
for (const name of asked.length > 0 ? asked : known) {
  const { code } = await phase(`bench ${name}`, process.execPath, ["--import", "tsx", `bench/${name}.ts`]);
  worst ||= code;
}
process.exit(worst);
