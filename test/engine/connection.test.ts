import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { connectionOptions, engineAddress, engineNamespace, nativeConnectionOptions } from "../../engine/connection.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-tls-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function pem(name: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, name);
  return file;
}

describe("connecting as the environment says", () => {
  const address = { TEMPORAL_ADDRESS: "engine.example.org:7233" };

  it("goes to TEMPORAL_ADDRESS without TLS, else to Temporal's own default", () => {
    expect(nativeConnectionOptions(address)).toEqual({ address: "engine.example.org:7233", tls: undefined });
    expect(engineAddress({ RECIST3D_HOME: folder })).toBe("127.0.0.1:7233");
    expect(engineNamespace({})).toBe("default");
    expect(engineNamespace({ TEMPORAL_NAMESPACE: "trials" })).toBe("trials");
  });

  it("uses TLS when asked to, and always with an API key", () => {
    expect(nativeConnectionOptions({ ...address, TEMPORAL_TLS: "true" }).tls).toBeTruthy();
    for (const options of [nativeConnectionOptions, connectionOptions]) {
      expect(options({ ...address, TEMPORAL_API_KEY: "key" })).toMatchObject({ tls: {}, apiKey: "key" });
    }
  });

  it("reads the certificates, the same for clients and workers", () => {
    const environment = {
      ...address,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: pem("ca"),
      TEMPORAL_TLS_CLIENT_CERT_PATH: pem("certificate"),
      TEMPORAL_TLS_CLIENT_KEY_PATH: pem("key"),
      TEMPORAL_TLS_SERVER_NAME: "engine.internal",
    };
    const tls = {
      serverNameOverride: "engine.internal",
      serverRootCACertificate: Buffer.from("ca"),
      clientCertPair: { crt: Buffer.from("certificate"), key: Buffer.from("key") },
    };
    expect(nativeConnectionOptions(environment).tls).toEqual(tls);
    expect(connectionOptions(environment).tls).toEqual(tls);
  });

  it("names the variable whose file is missing", () => {
    const environment = { ...address, TEMPORAL_TLS_SERVER_CA_CERT_PATH: path.join(folder, "nowhere.pem") };
    expect(() => connectionOptions(environment)).toThrow(/TEMPORAL_TLS_SERVER_CA_CERT_PATH cannot be read .*nowhere\.pem/);
    const half = { ...address, TEMPORAL_TLS_CLIENT_CERT_PATH: pem("certificate") };
    expect(() => connectionOptions(half)).toThrow(/TEMPORAL_TLS_CLIENT_KEY_PATH is not set/);
  });
});
