import { fc, test } from "@fast-check/vitest";
import { encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { decodeCtPng, encodeCtPng, encodeRgbPng } from "../../methods/imaging/png16.ts";
import { InputError } from "../../methods/inputError.ts";

const slice = { data: Int16Array.from([-32768, -1024, 0, 1, 3071, 32767]), width: 3, height: 2 };

describe("decodeCtPng", () => {
  it("reads what encodeCtPng wrote, over the whole range of HU", () => {
    expect(decodeCtPng(encodeCtPng(slice), "a.png")).toEqual(slice);
  });

  it("subtracts 32768 from the stored value", () => {
    const png = encode({ data: Uint16Array.from([0, 31744, 32768, 65535]), width: 2, height: 2, depth: 16, channels: 1 });
    expect([...decodeCtPng(png, "a.png").data]).toEqual([-32768, -1024, 0, 32767]);
  });

  it("names the file and what it is when it is not 16-bit grey", () => {
    const grey8 = encode({ data: new Uint8Array(4), width: 2, height: 2, depth: 8, channels: 1 });
    expect(() => decodeCtPng(grey8, "dir/009.png")).toThrow(/^dir\/009\.png: the PNG is 8-bit grey — expected a 16-bit grey PNG/);
    expect(() => decodeCtPng(encodeRgbPng(1, 1, new Uint8Array(3)), "b.png")).toThrow(/8-bit colour/);
    expect(() => decodeCtPng(new TextEncoder().encode("not a picture, but long enough for a header"), "c.png")).toThrow(
      /is not a PNG file/,
    );
    expect(() => decodeCtPng(new Uint8Array(0), "d.png")).toThrow(InputError);
  });

  it("refuses a header that promises more pixels than the bytes can hold", () => {
    const png = encodeCtPng(slice);
    new DataView(png.buffer).setUint32(16, 0x7fffffff);
    expect(() => decodeCtPng(png, "bomb.png")).toThrow(/2147483647 × 2 pixels/);
  });

  const ct = encodeCtPng({
    data: Int16Array.from({ length: 24 * 24 }, (_, i) => ((i * 7919) % 4000) - 1000),
    width: 24,
    height: 24,
  });

  test.prop([fc.nat(ct.length - 1)])("refuses every truncation", (length) => {
    expect(() => decodeCtPng(ct.subarray(0, length), "cut.png")).toThrow(InputError);
  });

  test.prop([fc.nat(ct.length - 1), fc.integer({ min: 1, max: 255 })])("refuses every changed byte", (at, change) => {
    const damaged = ct.slice();
    damaged[at] ^= change;
    expect(() => decodeCtPng(damaged, "damaged.png")).toThrow(InputError);
  });

  test.prop([fc.uint8Array({ maxLength: 200 })])("refuses noise behind a valid signature and header", (noise) => {
    const bytes = new Uint8Array(33 + noise.length);
    bytes.set(ct.subarray(0, 33));
    bytes.set(noise, 33);
    expect(() => decodeCtPng(bytes, "noise.png")).toThrow(InputError);
  });
});
