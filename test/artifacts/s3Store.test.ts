import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { openS3Store } from "../../artifacts/s3Store.ts";
import { type S3Server, startS3Server } from "./s3Server.ts";
import { storeContract } from "./storeContract.ts";

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
}, 30_000);
afterAll(() => server?.stop());

describe.each([["at the root of a bucket", undefined], ["below a prefix", "group/recist3d"]])("openS3Store %s", (_, prefix) => {
  storeContract("S3", {
    async open() {
      const url = await server.bucket(prefix);
      const again = () => openS3Store(url, server.credentials);
      return { store: await again(), again, files: join(server.data, new URL(url.slice(3)).pathname) };
    },
  });
});
