import { readFileSync } from "node:fs";
import { encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { decodePhotograph } from "../../methods/imaging/photograph.ts";
import { InputError } from "../../methods/inputError.ts";

/** Made by test/oracles/photographs.py with Pillow. */
const golden = JSON.parse(readFileSync(new URL("../fixtures/photographs.json", import.meta.url), "utf8")) as {
  jpegs: { name: string; width: number; height: number; jpeg: string; luma: number[] }[];
  progressive: string;
};
const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

describe("decodePhotograph: JPEG", () => {
  it.each(golden.jpegs)("equals libjpeg's luminance to within rounding: $name", ({ width, height, jpeg, luma }) => {
    const read = decodePhotograph(bytesOf(jpeg), "p.jpg");
    expect([read.width, read.height]).toEqual([width, height]);
    const differences = luma.map((value, i) => Math.abs(value - read.data[i]));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    expect(differences.filter((difference) => difference > 0).length).toBeLessThan(0.1 * luma.length);
  });

  it("refuses progressive files, and says what to do", () => {
    expect(() => decodePhotograph(bytesOf(golden.progressive), "p.jpg")).toThrow(
      /^p\.jpg: the JPEG is progressive — convert it to PNG/,
    );
  });

  it("never takes a damaged file for a picture of another size, and fails with an InputError wherever it is cut off", () => {
    const { jpeg, width, height } = golden.jpegs[0];
    const whole = bytesOf(jpeg);
    for (let end = 0; end < whole.length - 2; end += 7) {
      try {
        const read = decodePhotograph(whole.subarray(0, end), "p.jpg");
        expect([read.width, read.height]).toEqual([width, height]);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    }
    for (let at = 2; at < whole.length; at++) {
      const damaged = whole.slice();
      damaged[at] ^= 0xff;
      try {
        decodePhotograph(damaged, "p.jpg");
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    }
  });

  it("refuses a header that promises more pixels than the bytes can hold", () => {
    const bytes = bytesOf(golden.jpegs[0].jpeg);
    const frame = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc0);
    bytes.fill(0xff, frame + 5, frame + 9);
    expect(() => decodePhotograph(bytes, "bomb.jpg")).toThrow(/cannot hold 65535 × 65535 pixels/);
  });
});

describe("decodePhotograph: PNG", () => {
  const png = (data: Uint8Array | Uint16Array, channels: 1 | 2 | 3 | 4, depth: 8 | 16 = 8) =>
    encode({ width: 2, height: 1, data, channels, depth });

  it("gives the luminance of colours (ITU-R BT.601), grey values as they are, whatever the depth and transparency", () => {
    const read = (bytes: Uint8Array): number[] => [...decodePhotograph(bytes, "p.png").data];
    expect(read(png(Uint8Array.from([255, 0, 0, 10, 20, 30]), 3))).toEqual([76, 18]);
    expect(read(png(Uint8Array.from([0, 255, 0, 7, 0, 0, 255, 9]), 4))).toEqual([150, 29]);
    expect(read(png(Uint8Array.from([3, 250]), 1))).toEqual([3, 250]);
    expect(read(png(Uint8Array.from([3, 99, 250, 1]), 2))).toEqual([3, 250]);
    expect(read(png(Uint16Array.from([257 * 3, 65535]), 1, 16))).toEqual([3, 255]);
  });

  it("refuses damaged files and what is no picture", () => {
    const bytes = png(Uint8Array.from([3, 250]), 1);
    expect(() => decodePhotograph(bytes.subarray(0, -20), "cut.png")).toThrow(/^cut\.png: the PNG is damaged/);
    expect(() => decodePhotograph(new TextEncoder().encode("GIF89a"), "p.gif")).toThrow(/neither a PNG nor a JPEG/);
    expect(() => decodePhotograph(new Uint8Array(0), "empty")).toThrow(InputError);
  });
});
