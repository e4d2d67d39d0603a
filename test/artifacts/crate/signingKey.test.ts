import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { keyIdOf } from "../../../artifacts/crate/dsse.ts";
import { findSigningKey, parsePublicKey, publicPem, readPublicKey } from "../../../artifacts/crate/signingKey.ts";
import { InputError } from "../../../methods/inputError.ts";
import { knownKey } from "./knownKey.ts";

const scratch = mkdtempSync(join(tmpdir(), "recist3d-key-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const newHome = (): NodeJS.ProcessEnv => ({ RECIST3D_HOME: join(mkdtempSync(join(scratch, "home-")), "recist3d") });
const file = (name: string, text: string | Buffer): string => {
  writeFileSync(join(scratch, name), text);
  return join(scratch, name);
};
const pem = knownKey.export({ type: "pkcs8", format: "pem" }) as string;

describe("findSigningKey", () => {
  it("takes the file that is given, else that of the variable", async () => {
    const path = file("known.pem", pem);
    const other = file("other.pem", generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));
    const env = { ...newHome(), RECIST3D_SIGNING_KEY: path };
    expect(await findSigningKey(undefined, env)).toMatchObject({ path, isNew: false });
    expect(keyIdOf((await findSigningKey(undefined, env)).privateKey)).toBe(keyIdOf(knownKey));
    expect(await findSigningKey(other, env)).toMatchObject({ path: other });
  });

  it("makes one that only its owner reads, once", async () => {
    const env = newHome();
    const first = await findSigningKey(undefined, env);
    expect(first).toMatchObject({ path: join(env.RECIST3D_HOME!, "keys", "signing-key.pem"), isNew: true });
    expect(statSync(first.path).mode & 0o777).toBe(0o600);
    expect(statSync(join(first.path, "..")).mode & 0o777).toBe(0o700);
    const second = await findSigningKey(undefined, env);
    expect(second.isNew).toBe(false);
    expect(keyIdOf(second.privateKey)).toBe(keyIdOf(first.privateKey));
    expect(execFileSync("openssl", ["pkey", "-in", first.path, "-pubout"], { encoding: "utf8" })).toBe(
      publicPem(first.privateKey),
    );
  });

  it("gives all who ask at once the same key, and leaves nothing else", async () => {
    const env = newHome();
    const keys = await Promise.all(Array.from({ length: 16 }, () => findSigningKey(undefined, env)));
    expect(new Set(keys.map(({ privateKey }) => keyIdOf(privateKey))).size).toBe(1);
    expect(keys.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(readdirSync(join(env.RECIST3D_HOME!, "keys"))).toEqual(["signing-key.pem"]);
  });

  it.each<[string, string | Buffer, RegExp]>([
    ["nothing", "", /is not a private key in PKCS#8 PEM/],
    ["a public key", publicPem(knownKey), /is not a private key in PKCS#8 PEM/],
    ["half a key", pem.slice(0, 60), /is not a private key in PKCS#8 PEM/],
    ["bytes", Buffer.from([0, 255, 1]), /is not a private key in PKCS#8 PEM/],
    [
      "an encrypted key",
      knownKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "p" }),
      /is not a private key in PKCS#8 PEM/,
    ],
    [
      "a key of another kind",
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }),
      /is a key for ec/,
    ],
    [
      "a key in PKCS#1",
      generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type: "pkcs1", format: "pem" }),
      /is not a private key in PKCS#8 PEM/,
    ],
  ])("refuses %s", async (_, text, says) => {
    const path = file("wrong.pem", text);
    const refusal = findSigningKey(path, newHome());
    await expect(refusal).rejects.toThrow(InputError);
    await expect(refusal).rejects.toThrow(says);
    await expect(refusal).rejects.toThrow(path);
  });

  it("says when there is no such file", async () => {
    await expect(findSigningKey(join(scratch, "absent.pem"), newHome())).rejects.toThrow(
      /absent\.pem: cannot be read \(ENOENT\)/,
    );
  });
});

describe("readPublicKey", () => {
  it("reads what a crate holds, and refuses private keys", async () => {
    expect(keyIdOf(await readPublicKey(file("pub.pem", publicPem(knownKey))))).toBe(keyIdOf(knownKey));
    await expect(readPublicKey(file("private.pem", pem))).rejects.toThrow(/is not a public key in PEM/);
    const rsa = createPublicKey(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey);
    expect(() => parsePublicKey(publicPem(rsa), "rsa.pem")).toThrow(/rsa\.pem: is a key for rsa/);
  });
});
