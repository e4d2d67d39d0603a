import { createPrivateKey } from "node:crypto";

/** The first key of RFC 8032, section 7.1; it is public, so nobody is to sign anything else with it. */
export const secretHex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
export const publicHex = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

export const knownKey = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${secretHex}`, "hex"),
  format: "der",
  type: "pkcs8",
});
