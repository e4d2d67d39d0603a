export { campaign } from "./campaign.ts";
export { reading } from "./reading.ts";
export { selfPaced } from "./selfPaced.ts";
export { sharded } from "./sharded.ts";
