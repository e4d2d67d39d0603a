import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { InputError } from "../../methods/inputError.ts";
import { type ReviewParts, reviewApp } from "./app.ts";

export interface RunningReview {
  /** Where people open it; with the token where one is needed. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves the review app.
 *
 * @param place `port` 0: any free one.
 * @throws InputError where the address cannot be had.
 */
export function serveReview(parts: ReviewParts, { host, port }: { host: string; port: number }): Promise<RunningReview> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: reviewApp(parts).fetch, hostname: host, port }, (info: AddressInfo) => {
      const name = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
      const token = parts.access.kind === "token" ? `?token=${parts.access.token}` : "";
      resolve({ address: `http://${name}:${info.port}/${token}`, close: () => close(server) });
    }) as Server;
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE")
        reject(new InputError(`port ${port} of ${host} is taken`, undefined, "choose another --port, or 0 for any free one"));
      else if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND" || error.code === "EACCES")
        reject(
          new InputError(`this machine cannot listen on ${host}:${port} (${error.code})`, undefined, "choose another --host"),
        );
      else reject(error);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
