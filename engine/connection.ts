import { readFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { Client, type ClientOptions, Connection, type ConnectionOptions } from "@temporalio/client";
import type { NativeConnectionOptions } from "@temporalio/worker";
import { recist3dHome } from "../artifacts/openStore.ts";
import { findProcess } from "./localProcess.ts";

type Environment = NodeJS.ProcessEnv;

/** The engine does not answer, or refuses to: nothing was done. */
export class EngineUnreachableError extends Error {
  override readonly name = "EngineUnreachableError";
  readonly address: string;

  constructor(address: string, what: string, remedy: string, options?: ErrorOptions) {
    super(`engine at ${address}: ${what} — ${remedy}`, options);
    this.address = address;
  }
}

/** Where the local engine keeps its record, log and database. */
export function engineFolder(home = recist3dHome()): string {
  return path.join(home, "engine");
}

/** `host:port` of the engine: `TEMPORAL_ADDRESS`, else the local engine that runs, else Temporal's own default. */
export function engineAddress(environment: Environment = process.env): string {
  if (environment.TEMPORAL_ADDRESS) return environment.TEMPORAL_ADDRESS;
  const local = findProcess(engineFolder(recist3dHome(environment)));
  return local?.port === undefined ? "127.0.0.1:7233" : `127.0.0.1:${local.port}`;
}

/** `TEMPORAL_NAMESPACE`, else "default". */
export function engineNamespace(environment: Environment = process.env): string {
  return environment.TEMPORAL_NAMESPACE || "default";
}

/**
 * How to connect a worker, from the environment variables that Temporal's own tools know: `TEMPORAL_ADDRESS`,
 * `TEMPORAL_API_KEY` (implies TLS), `TEMPORAL_TLS` ("true"), `TEMPORAL_TLS_SERVER_CA_CERT_PATH`,
 * `TEMPORAL_TLS_CLIENT_CERT_PATH` with `TEMPORAL_TLS_CLIENT_KEY_PATH`, `TEMPORAL_TLS_SERVER_NAME`.
 *
 * @throws EngineUnreachableError when a certificate cannot be read, or a client certificate lacks its key
 */
export function nativeConnectionOptions(environment: Environment = process.env): NativeConnectionOptions {
  const apiKey = environment.TEMPORAL_API_KEY || undefined;
  return { address: engineAddress(environment), tls: tlsOptions(environment), ...(apiKey === undefined ? {} : { apiKey }) };
}

/** How to connect a client; from the same variables as {@link nativeConnectionOptions}. */
export function connectionOptions(environment: Environment = process.env): ConnectionOptions {
  const { address, tls, apiKey } = nativeConnectionOptions(environment) as ConnectionOptions & { apiKey?: string };
  return { address, tls, connectTimeout: "5s", ...(apiKey === undefined ? {} : { apiKey }) };
}

export interface Engine {
  readonly address: string;
  readonly namespace: string;
  readonly connection: Connection;
  readonly client: Client;
  close(): Promise<void>;
}

/**
 * Connects to the engine and makes sure that the namespace is there.
 *
 * @param clientOptions e.g. a data converter that encrypts payloads
 * @throws EngineUnreachableError when there is no engine, it wants other credentials, or it lacks the namespace
 */
export async function connectEngine(
  environment: Environment = process.env,
  clientOptions: Omit<ClientOptions, "connection" | "namespace"> = {},
): Promise<Engine> {
  const options = connectionOptions(environment);
  const address = options.address!;
  const namespace = engineNamespace(environment);
  let connection: Connection | undefined;
  try {
    await refuseWhenClosed(address);
    connection = await Connection.connect(options);
    await connection.workflowService.describeNamespace({ namespace });
  } catch (error) {
    await connection?.close();
    throw unreachable(address, namespace, environment, error as Error & { code?: number; details?: string });
  }
  const client = new Client({ ...clientOptions, connection, namespace });
  const open = connection;
  return { address, namespace, connection, client, close: () => open.close() };
}

export type EngineDescription = Awaited<ReturnType<Connection["workflowService"]["describeNamespace"]>>;

/** Whether an engine answers at `address` for its namespace `default`; never throws. */
export async function engineAnswers(address: string): Promise<boolean> {
  return (await describeEngine(address)) !== undefined;
}

/** What the engine at `address` says of its namespace `default`; undefined where none answers. Never throws. */
export async function describeEngine(address: string): Promise<EngineDescription | undefined> {
  let connection: Connection | undefined;
  try {
    await refuseWhenClosed(address);
    connection = await Connection.connect({ address, connectTimeout: "1s" });
    return await connection.withDeadline(Date.now() + 2000, () =>
      connection!.workflowService.describeNamespace({ namespace: "default" }),
    );
  } catch {
    return undefined;
  } finally {
    await connection?.close();
  }
}

/** gRPC tries a closed port again until its time is over; on this machine the first refusal is the answer. */
function refuseWhenClosed(address: string): Promise<void> {
  const [, host, port] = /^(localhost|127\.[\d.]+):(\d+)$/.exec(address) ?? [];
  if (host === undefined) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

/** gRPC status codes. */
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

function unreachable(
  address: string,
  namespace: string,
  environment: Environment,
  error: Error & { code?: number; details?: string },
): EngineUnreachableError {
  const options = { cause: error };
  if (error.code === NOT_FOUND) {
    return new EngineUnreachableError(
      address,
      `it has no namespace "${namespace}"`,
      "create it there, or set TEMPORAL_NAMESPACE",
      options,
    );
  }
  if (error.code === UNAUTHENTICATED || error.code === PERMISSION_DENIED) {
    return new EngineUnreachableError(
      address,
      `it refuses us (${error.message})`,
      "check TEMPORAL_API_KEY and TEMPORAL_TLS_*",
      options,
    );
  }
  const remedy = environment.TEMPORAL_ADDRESS
    ? "check TEMPORAL_ADDRESS and TEMPORAL_TLS_*, or unset TEMPORAL_ADDRESS to use an engine on this machine"
    : "start one with: recist3d up";
  return new EngineUnreachableError(address, `no answer (${error.message})`, remedy, options);
}

function tlsOptions(environment: Environment): NativeConnectionOptions["tls"] {
  const { TEMPORAL_TLS, TEMPORAL_API_KEY, TEMPORAL_TLS_SERVER_NAME, TEMPORAL_TLS_SERVER_CA_CERT_PATH } = environment;
  const { TEMPORAL_TLS_CLIENT_CERT_PATH: certificate, TEMPORAL_TLS_CLIENT_KEY_PATH: key } = environment;
  if (TEMPORAL_TLS === "false") return undefined;
  const isWanted = [
    TEMPORAL_TLS,
    TEMPORAL_API_KEY,
    TEMPORAL_TLS_SERVER_NAME,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH,
    certificate,
    key,
  ].some(Boolean);
  if (!isWanted) return undefined;
  const read = (variable: string): Buffer | undefined => {
    const file = environment[variable];
    if (!file) return undefined;
    try {
      return readFileSync(file);
    } catch (error) {
      throw new EngineUnreachableError(
        engineAddress(environment),
        `${variable} cannot be read (${(error as Error).message})`,
        "name a PEM file",
        { cause: error },
      );
    }
  };
  if (Boolean(certificate) !== Boolean(key)) {
    const missing = certificate ? "TEMPORAL_TLS_CLIENT_KEY_PATH" : "TEMPORAL_TLS_CLIENT_CERT_PATH";
    throw new EngineUnreachableError(
      engineAddress(environment),
      `${missing} is not set`,
      "a client certificate needs both its files",
    );
  }
  const crt = read("TEMPORAL_TLS_CLIENT_CERT_PATH");
  return {
    serverNameOverride: TEMPORAL_TLS_SERVER_NAME || undefined,
    serverRootCACertificate: read("TEMPORAL_TLS_SERVER_CA_CERT_PATH"),
    ...(crt === undefined ? {} : { clientCertPair: { crt, key: read("TEMPORAL_TLS_CLIENT_KEY_PATH")! } }),
  };
}
