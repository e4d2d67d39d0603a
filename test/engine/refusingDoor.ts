import { connect, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface RefusingDoor {
  /** `host:port` */
  readonly address: string;
  /** How many calls were refused. */
  refused(): number;
  close(): void;
}

/** gRPC's PERMISSION_DENIED: nobody tries again. */
const PERMISSION_DENIED = "7";

/** A proxy in front of the engine at `engine` that refuses the calls of one method. */
export async function openRefusingDoor(engine: string, method: string): Promise<RefusingDoor> {
  let refused = 0;
  const behind = connect(`http://${engine}`);
  behind.on("error", () => {});
  const door = createServer();
  door.on("stream", (call, headers) => {
    buffer(call).then(
      (message) => answer(call, headers, message),
      () => call.close(),
    );
  });

  function answer(call: ServerHttp2Stream, headers: IncomingHttpHeaders, message: Buffer): void {
    if (call.destroyed) return;
    if (headers[":path"]?.endsWith(`/${method}`)) {
      refused++;
      const status = { "grpc-status": PERMISSION_DENIED, "grpc-message": "the door stays shut" };
      call.respond({ ":status": 200, "content-type": "application/grpc", ...status }, { endStream: true });
      return;
    }
    const onward = behind.request(headers);
    let trailers = {};
    call.on("close", () => onward.close());
    onward.on("error", () => call.close());
    onward.on("response", (head, flags) => {
      // An error is headers alone.
      if ((flags & 1) !== 0) return call.respond(head, { endStream: true });
      call.respond(head, { waitForTrailers: true });
      call.on("wantTrailers", () => call.sendTrailers(trailers));
      onward.pipe(call);
    });
    onward.on("trailers", (ended) => {
      trailers = ended;
    });
    onward.end(message);
  }

  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  const { port } = door.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    refused: () => refused,
    close() {
      behind.destroy();
      door.close();
    },
  };
}
