import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { expect, it } from "vitest";
import { brokenSeal, keyIdOf, preAuthenticationEncoding, seal } from "../../../artifacts/crate/dsse.ts";
import { sha256 } from "../../../artifacts/digest.ts";
import { knownKey, publicHex } from "./knownKey.ts";

const publicKey = createPublicKey(knownKey);

it("encodes as the example of the DSSE protocol does", () => {
  const encoded = preAuthenticationEncoding("http://example.com/HelloWorld", Buffer.from("hello world"));
  expect(encoded.toString("latin1")).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
});

it("counts bytes, not characters", () => {
  expect(preAuthenticationEncoding("ü", Buffer.from("θ")).toString("utf8")).toBe("DSSEv1 2 ü 2 θ");
});

it("names a key by the SHA-256 of its SubjectPublicKeyInfo", () => {
  const spki = Buffer.from(`302a300506032b6570032100${publicHex}`, "hex");
  expect(keyIdOf(knownKey)).toBe(sha256(spki));
  expect(keyIdOf(publicKey)).toBe(sha256(spki));
});

it("signs the encoding of type and payload", () => {
  const { payload, payloadType, signatures } = seal({ b: 1, a: "θ" }, knownKey);
  expect(payloadType).toBe("application/vnd.in-toto+json");
  const body = Buffer.from(payload, "base64");
  expect(body.toString()).toBe('{"a":"θ","b":1}');
  const signed = Buffer.concat([Buffer.from("DSSEv1 28 application/vnd.in-toto+json 16 "), body]);
  expect(verify(null, signed, publicKey, Buffer.from(signatures[0].sig, "base64"))).toBe(true);
  expect(seal({ a: "θ", b: 1 }, knownKey)).toEqual({ payload, payloadType, signatures });
});

it("takes its own envelopes, and none of another key or in other base64", () => {
  const envelope = seal({ a: 1 }, knownKey);
  expect(brokenSeal(envelope, publicKey)).toBeNull();
  expect(brokenSeal(envelope, generateKeyPairSync("ed25519").publicKey)).toMatch(/^it is signed with key "/);
  const [{ keyid, sig }] = envelope.signatures;
  // The last digit before == holds four bits that no byte of the signature takes.
  const alias = `${sig.slice(0, -3)}${String.fromCharCode(sig.charCodeAt(sig.length - 3) + 1)}==`;
  expect(Buffer.from(alias, "base64")).toEqual(Buffer.from(sig, "base64"));
  expect(brokenSeal({ ...envelope, signatures: [{ keyid, sig: alias }] }, publicKey)).toBe("it is not in canonical base64");
});

test.prop([fc.nat(), fc.integer({ min: 0, max: 7 })])("finds every changed bit of payload and signature", (at, bit) => {
  const envelope = seal({ campaign: "demo" }, knownKey);
  const [{ keyid, sig }] = envelope.signatures;
  const changed = (text: string): string => {
    const bytes = Buffer.from(text, "base64");
    bytes[at % bytes.length] ^= 1 << bit;
    return bytes.toString("base64");
  };
  expect(brokenSeal({ ...envelope, payload: changed(envelope.payload) }, publicKey)).toBe("its signature is wrong");
  expect(brokenSeal({ ...envelope, signatures: [{ keyid, sig: changed(sig) }] }, publicKey)).toBe("its signature is wrong");
});
