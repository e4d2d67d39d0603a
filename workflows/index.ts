export { campaign } from "./campaign.ts";
export { selfPaced } from "./selfPaced.ts";
export { sharded } from "./sharded.ts";
