import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../canonicalJson.ts";
import { sha256 } from "../digest.ts";
import type { Digest } from "../store.ts";

/** Dead Simple Signing Envelope 1.0 (github.com/secure-systems-lab/dsse), with one Ed25519 signature, for in-toto statements. */
export const payloadType = "application/vnd.in-toto+json";

export const envelopeSchema = z.strictObject({
  payloadType: z.literal(payloadType),
  /** Base64. */
  payload: z.string(),
  signatures: z.tuple([z.strictObject({ keyid: z.string(), sig: z.string() })]),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** The bytes that are signed. */
export function preAuthenticationEncoding(type: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.byteLength} `), payload]);
}

/** SHA-256 of the public key's SubjectPublicKeyInfo in DER. */
export function keyIdOf(key: KeyObject): Digest {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return sha256(publicKey.export({ type: "spki", format: "der" }));
}

/** `statement` as canonical JSON in an envelope. Ed25519 draws nothing: equal statement and key give equal bytes. */
export function seal(statement: object, privateKey: KeyObject): Envelope {
  const payload = Buffer.from(canonicalJson(statement));
  const sig = sign(null, preAuthenticationEncoding(payloadType, payload), privateKey).toString("base64");
  return { payloadType, payload: payload.toString("base64"), signatures: [{ keyid: keyIdOf(privateKey), sig }] };
}

/** Why the envelope's signature does not stand, or null when it does. */
export function brokenSeal({ payload, signatures: [{ keyid, sig }] }: Envelope, publicKey: KeyObject): string | null {
  const bytes = Buffer.from(payload, "base64");
  const signature = Buffer.from(sig, "base64");
  // Other texts decode to the same bytes; only one of them is what was written.
  if (bytes.toString("base64") !== payload || signature.toString("base64") !== sig) return "it is not in canonical base64";
  if (keyid !== keyIdOf(publicKey)) return `it is signed with key ${JSON.stringify(keyid)}, not with ${keyIdOf(publicKey)}`;
  if (!verify(null, preAuthenticationEncoding(payloadType, bytes), publicKey, signature)) return "its signature is wrong";
  return null;
}
