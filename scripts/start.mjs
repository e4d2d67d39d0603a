// npm start: setup, the demonstration campaign, then the one in which people are asked, and the pages on which they answer.
// Started again it finds the same campaigns and shows where they stand.
import { phase, show } from "./phase.mjs";

const setup = await phase("setup", process.execPath, ["scripts/setup.mjs"]);
if (setup.code !== 0) process.exit(setup.code);
process.env.RECIST3D_SETUP = "none";
const recist3d = async (...words) => {
  const code = await show("bin/recist3d", words);
  if (code !== 0) process.exit(code);
};

const settings = process.argv.slice(2);
await recist3d("run", "pipelines/demo.yaml", "--id", "demo", ...settings);
// Without a terminal nobody is there to select slices: a declared rule does, and the record says so.
const [id, decide] = process.stdout.isTTY ? ["demo-people", "people"] : ["demo-policy", "policy"];
await recist3d("run", "pipelines/demo-people.yaml", "--id", id, "--set", `decide=${decide}`, "--until-asked", ...settings);
await recist3d("review", "--detach");
