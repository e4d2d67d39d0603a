import { describe, expect, it } from "vitest";
import { asDigest, sha256 } from "../../artifacts/digest.ts";

describe("sha256", () => {
  it("gives the digests of FIPS 180-4's examples", () => {
    expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(sha256(new Uint8Array())).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(sha256(Buffer.alloc(1_000_000, "a"))).toBe("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  });
});

describe("asDigest", () => {
  it("takes 64 lower-case hex digits and nothing else", () => {
    const digest = sha256("abc");
    expect(asDigest(digest)).toBe(digest);
    for (const text of ["", digest.slice(1), `${digest}0`, digest.toUpperCase(), `${digest}\n`, `sha256:${digest}`]) {
      expect(() => asDigest(text)).toThrow(/is not a digest — give the 64 lower-case hex digits/);
    }
  });
});
