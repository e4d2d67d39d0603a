/** A process that uploads 300 MB to a store and, when half of it is on its way, says so or (second argument "dies") dies; and says what went wrong. */
import net from "node:net";
import { openStore } from "../../artifacts/openStore.ts";

const sockets: net.Socket[] = [];
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
  sockets.push(this);
  return connect.apply(this, args as never);
} as typeof connect;

const store = await openStore(process.argv[2]);
const timer = setInterval(() => {
  const sent = Math.max(...sockets.map((socket) => socket.bytesWritten - socket.writableLength));
  if (sent <= 150_000_000) return;
  // From outside it might come too late on a busy machine.
  if (process.argv[3] === "dies") process.kill(process.pid, "SIGKILL");
  console.log(sent);
}, 1);
try {
  await store.putBlob(Buffer.alloc(300_000_000, 7));
} catch (error) {
  console.log(String(error));
}
clearInterval(timer);
