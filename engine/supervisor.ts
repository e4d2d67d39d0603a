import { supervise } from "./localStack.ts";

/** The supervisor's process: restarts the local engine and worker when they die; ends on SIGTERM and leaves them running. */
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
process.on("SIGINT", () => {});
await supervise(stop.signal, (line) => console.error(line));
process.exit(0);
