import { builtPages } from "../../review/bundle.ts";
import type { Access } from "../../review/server/access.ts";
import { readAssets } from "../../review/server/assets.ts";
import { type RunningReview, serveReview } from "../../review/server/serve.ts";
import { type Desk, openDesk } from "../campaign/readingDesk.ts";

/** What a curation is declared like. */
export const curation = {
  title: "Enhanced slices, round 1",
  question: "Which enhanced slices are sharper than the original, without invented structure?",
  layout: "grid",
  answers: [{ answer: "select", key: "s", label: "Select" }],
  mode: "shared",
  verdicts: [
    { verdict: "go-on", label: "Train another round with these" },
    { verdict: "no-better", label: "Nothing improves any more" },
  ],
};

/** A real engine with a worker and a store (test/campaign/readingDesk.ts), and the review server before them. */
export interface ReviewDesk extends Desk {
  readonly address: string;
  /** Ends the server, as a crash would: open connections are cut. */
  stopServer(): Promise<void>;
  /** Starts it again at the same address. */
  startServer(): Promise<void>;
}

export async function openReviewDesk(access: Access = { kind: "local" }): Promise<ReviewDesk> {
  const desk = await openDesk();
  const assets = readAssets(await builtPages());
  let server: RunningReview | undefined;
  const start = async (port: number): Promise<RunningReview> =>
    serveReview({ client: desk.workflows.client, store: desk.store, access, assets }, { host: "127.0.0.1", port });
  server = await start(0);
  const { address } = server;
  return {
    ...desk,
    address,
    stopServer: async () => {
      await server?.close();
      server = undefined;
    },
    startServer: async () => {
      server = await start(Number(new URL(address).port));
    },
    close: async () => {
      await server?.close();
      await desk.close();
    },
  };
}
