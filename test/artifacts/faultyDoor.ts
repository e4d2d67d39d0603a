import { request as ask, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { randomStream } from "../../methods/random.ts";
import type { S3Server } from "./s3Server.ts";

/**
 * What can go wrong between a client and an S3 server. "busy" and "reset" before the server hears of the request; "lost"
 * after it did as it was asked; "cut" within its answer; "slow" is only late.
 */
export const faults = ["busy", "reset", "lost", "cut", "slow"] as const;
export type Fault = (typeof faults)[number];

export interface FaultyDoor {
  /** The url of a place behind the server, by way of the door. */
  through(url: string): string;
  /** How often each fault was met. */
  readonly met: Readonly<Record<Fault, number>>;
  close(): Promise<void>;
}

/** How often the same request fails at most: the client's patience (`s3Bucket.ts`) covers as many. */
const failuresOfOneRequest = 3;

interface FaultyDoorOptions {
  readonly seed: number;
  /** Part of the requests that meets a fault; default 1/3. */
  readonly share?: number;
  /** Faults that a request is spared. */
  readonly spared?: (request: IncomingMessage) => readonly Fault[];
}

/** A proxy in front of `server` where requests meet faults. */
export async function openFaultyDoor(
  server: S3Server,
  { seed, share = 1 / 3, spared = () => [] }: FaultyDoorOptions,
): Promise<FaultyDoor> {
  const random = randomStream(seed, "faulty door");
  const met = { busy: 0, reset: 0, lost: 0, cut: 0, slow: 0 };
  const failures = new Map<string, number>();

  function drawn(request: IncomingMessage): Fault | undefined {
    const name = `${request.method} ${request.url}`;
    const before = failures.get(name) ?? 0;
    if (before === failuresOfOneRequest || random.uniform() > share) return undefined;
    const fault = faults[random.integer(faults.length)];
    if (spared(request).includes(fault)) return undefined;
    failures.set(name, before + 1);
    met[fault]++;
    return fault;
  }

  async function meet(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const fault = drawn(request);
    if (fault === "reset") return void request.socket.destroy();
    if (fault === "busy") {
      response.writeHead(503, { "Content-Type": "application/xml", Connection: "close" });
      return void response.end("<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>");
    }
    if (fault === "slow") await sleep(300);
    const { status, headers, content } = await passedOn(request, body);
    if (fault === "lost") return void request.socket.destroy();
    response.writeHead(status, headers);
    if (fault === "cut" && content.length > 1)
      return void response.write(content.subarray(0, content.length >> 1), () => request.socket.destroy());
    response.end(content);
  }

  async function passedOn({ method, url, headers }: IncomingMessage, body: Buffer) {
    const asked = ask({ host: server.host, port: server.port, method, path: url, headers });
    asked.end(body);
    const answer = await new Promise<IncomingMessage>((done, fail) => asked.once("response", done).once("error", fail));
    return { status: answer.statusCode ?? 502, headers: answer.headers, content: await buffer(answer) };
  }

  const door = createServer((request, response) => {
    meet(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((done) => door.listen(0, "127.0.0.1", done));
  const { port } = door.address() as AddressInfo;
  return {
    through: (url) => url.replace(`:${server.port}/`, `:${port}/`),
    met,
    async close() {
      door.closeAllConnections();
      await new Promise((done) => door.close(done));
    },
  };
}
