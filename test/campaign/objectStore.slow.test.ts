import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../artifacts/openStore.ts";
import { verifyCampaign } from "../../artifacts/verify.ts";
import { type FaultyDoor, faults, openFaultyDoor } from "../artifacts/faultyDoor.ts";
import { type S3Server, startS3Server } from "../artifacts/s3Server.ts";
import { type House, openHouse, until } from "./house.ts";

let server: S3Server;
let door: FaultyDoor;
let house: House;

beforeAll(async () => {
  server = await startS3Server();
  door = await openFaultyDoor(server, { seed: 1, share: 0.1 });
  const { accessKey, secretKey } = server.credentials;
  house = await openHouse({
    RECIST3D_STORE: door.through(await server.bucket()),
    RECIST3D_S3_ACCESS_KEY: accessKey,
    RECIST3D_S3_SECRET_KEY: secretKey,
  });
});
afterAll(async () => {
  await house?.close();
  await door?.close();
  await server?.stop();
});

test("on an S3 server that fails every tenth request, and is killed and comes back, a campaign goes on by itself and is whole at the end", {
  timeout: 240_000,
}, async () => {
  await house.start("on-s3", { epochs: "20" });
  await until("θ⁰ has a checkpoint", async () =>
    (await house.snapshot("on-s3")).activity.theta0?.actions.some(({ progress }) => progress?.checkpoint !== undefined),
  );
  await server.kill();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await server.start();
  const outputs = await house.result("on-s3");
  expect(Object.keys(outputs)).toContain("report");
  const report = await verifyCampaign(await openStore(), "on-s3");
  expect(report.problems).toEqual([]);
  expect(report.records).toBeGreaterThan(8);
  for (const fault of faults) expect(door.met[fault], fault).toBeGreaterThan(0);
});
