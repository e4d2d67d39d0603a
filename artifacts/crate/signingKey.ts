import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InputError } from "../../methods/inputError.ts";
import { recist3dHome } from "../openStore.ts";

export interface SigningKey {
  readonly privateKey: KeyObject;
  /** Where it lies. */
  readonly path: string;
  /** True where this very call made it. */
  readonly isNew: boolean;
}

/** Where the key lies that is made when none is named. */
export const homeKey = (env: NodeJS.ProcessEnv = process.env): string => join(recist3dHome(env), "keys", "signing-key.pem");

/**
 * The key to sign with: the file that is given, else that of `RECIST3D_SIGNING_KEY`, else recist3d's own, which is made
 * when it is first asked for.
 * @throws InputError when a file that was named is not an Ed25519 key in PKCS#8 PEM, or cannot be read.
 */
export async function findSigningKey(file?: string, env: NodeJS.ProcessEnv = process.env): Promise<SigningKey> {
  const named = file ?? (env.RECIST3D_SIGNING_KEY || undefined);
  if (named !== undefined) return { privateKey: await readPrivateKey(named), path: named, isNew: false };
  const path = homeKey(env);
  const isNew = await makeKey(path);
  return { privateKey: await readPrivateKey(path), path, isNew };
}

/** Makes a key unless there is one; of several processes at once, one makes it and all find the same. */
async function makeKey(path: string): Promise<boolean> {
  const folder = dirname(path);
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (await readFile(path).catch(() => null)) return false;
  const partial = `${path}.partial-${randomUUID()}`;
  const handle = await open(partial, "wx", 0o600);
  try {
    await handle.writeFile(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));
    await handle.sync();
    await link(partial, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  } finally {
    await handle.close();
    await rm(partial, { force: true });
  }
}

async function readPrivateKey(path: string): Promise<KeyObject> {
  return parseKey(await readPem(path), path, "PRIVATE KEY", "a private key in PKCS#8 PEM", createPrivateKey);
}

/** The public key to verify with. @throws InputError when the file is not an Ed25519 public key in PEM, or cannot be read */
export async function readPublicKey(path: string): Promise<KeyObject> {
  return parsePublicKey(await readPem(path), path);
}

/** @throws InputError */
export function parsePublicKey(pem: string, path: string): KeyObject {
  return parseKey(pem, path, "PUBLIC KEY", "a public key in PEM (SubjectPublicKeyInfo)", createPublicKey);
}

/** As it lies in a crate. */
export function publicPem(key: KeyObject): string {
  return (key.type === "private" ? createPublicKey(key) : key).export({ type: "spki", format: "pem" }) as string;
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new InputError(`cannot be read (${(error as NodeJS.ErrnoException).code})`, path, "name an Ed25519 key in PEM", {
      cause: error,
    });
  }
}

function parseKey(pem: string, path: string, label: string, wanted: string, parse: (pem: string) => KeyObject): KeyObject {
  const wrong = (why: string, cause?: unknown) =>
    new InputError(why, path, "an Ed25519 key is needed: openssl genpkey -algorithm ed25519 -out FILE; openssl pkey -pubout", {
      cause,
    });
  if (!pem.trimStart().startsWith(`-----BEGIN ${label}-----`)) throw wrong(`is not ${wanted}`);
  let key: KeyObject;
  try {
    key = parse(pem);
  } catch (error) {
    throw wrong(`is not ${wanted}`, error);
  }
  if (key.asymmetricKeyType !== "ed25519") throw wrong(`is a key for ${key.asymmetricKeyType}`);
  return key;
}
