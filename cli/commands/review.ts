import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { openStore } from "../../artifacts/openStore.ts";
import { startReview } from "../../engine/localReview.ts";
import { ensureEngine } from "../../engine/localStack.ts";
import { InputError } from "../../methods/inputError.ts";
import { builtPages } from "../../review/bundle.ts";
import type { Access } from "../../review/server/access.ts";
import { readAssets } from "../../review/server/assets.ts";
import { serveReview } from "../../review/server/serve.ts";
import { printJson, say } from "../output.ts";

/** Where the pages are when no port is asked for, so that a bookmark stays right. */
export const REVIEW_PORT = 7345;
const LOCAL_HOSTS = ["127.0.0.1", "localhost", "::1"];

interface ReviewOptions {
  port?: string;
  host: string;
  open: boolean;
  detach?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("review")
    .description("serve the web pages on which people curate, read studies and watch campaigns, until Ctrl-C")
    .option("--port <n>", `port (default: ${REVIEW_PORT}, or any free one when that is taken; 0: any free one)`)
    .option("--host <host>", "address to listen on; any but this machine's own needs the token that is printed", "127.0.0.1")
    .option("--no-open", "do not open a browser")
    .option("--detach", "serve them in the background, for this machine, until recist3d down")
    .option("--json", "print one JSON document with the address")
    .action(review);
}

async function review({ port, host, open, detach, json }: ReviewOptions): Promise<void> {
  const asked = port === undefined ? undefined : portNumber(port);
  if (detach) return serveInBackground(host, asked, json ?? false);
  const access: Access = LOCAL_HOSTS.includes(host)
    ? { kind: "local" }
    : { kind: "token", token: process.env.RECIST3D_REVIEW_TOKEN || randomBytes(32).toString("base64url") };
  const assets = readAssets(await builtPages());
  const engine = await ensureEngine(say);
  const enginePage = process.env.RECIST3D_ENGINE_PAGE || undefined;
  const parts = { client: engine.client, store: await openStore(), access, assets, enginePage };
  const usual = { host, port: asked ?? REVIEW_PORT };
  const running = await serveReview(parts, usual).catch((error: unknown) => {
    if (asked !== undefined || !(error instanceof InputError)) throw error;
    return serveReview(parts, { host, port: 0 });
  });
  if (json) printJson({ address: running.address });
  say(`review: ${running.address} (Ctrl-C ends it; what waits goes on waiting)`);
  if (open && !json && process.stderr.isTTY) openBrowser(running.address);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  await running.close();
  await engine.close();
}

async function serveInBackground(host: string, port: number | undefined, json: boolean): Promise<void> {
  if (!LOCAL_HOSTS.includes(host))
    throw new InputError("--detach serves this machine alone", undefined, "leave --host out, or --detach");
  await builtPages();
  const engine = await ensureEngine(say);
  await engine.close();
  const { url } = await openStore();
  const address = await startReview({ store: url, port: port === 0 ? undefined : port, usualPort: REVIEW_PORT });
  if (json) printJson({ address });
  say(`review: ${address} (recist3d down ends it; what waits goes on waiting)`);
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InputError(`--port ${text} is not a port`, undefined, "give a number from 0 to 65535");
}

/** Where there is a desktop; elsewhere the printed address is enough. */
function openBrowser(address: string): void {
  if (process.platform === "linux" && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return;
  const program = process.platform === "darwin" ? "open" : "xdg-open";
  spawn(program, [address], { detached: true, stdio: "ignore" })
    .on("error", () => {})
    .unref();
}
