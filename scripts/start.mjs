// npm start: setup, then the demonstration campaign. Started again it finds the same campaign and shows its results.
import { phase, show } from "./phase.mjs";

const setup = await phase("setup", process.execPath, ["scripts/setup.mjs"]);
if (setup.code !== 0) process.exit(setup.code);
process.env.RECIST3D_SETUP = "none";
process.exit(await show("bin/recist3d", ["run", "pipelines/demo.yaml", "--id", "demo", ...process.argv.slice(2)]));
