import { readFileSync } from "node:fs";
import { encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { decodePhotograph } from "../../methods/imaging/photograph.ts";
import { InputError } from "../../methods/inputError.ts";

/** Made by test/oracles/photographs.py with Pillow. */
const golden = JSON.parse(readFileSync(new URL("../fixtures/photographs.json", import.meta.url), "utf8")) as {
  jpegs: { name: string; width: number; height: number; jpeg: string; grey: number[] }[];
  cmyk: string;
};
const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

describe("decodePhotograph: JPEG", () => {
  it.each(golden.jpegs)("equals the grey of what Pillow reads: $name", async ({ width, height, jpeg, grey }) => {
    const read = await decodePhotograph(bytesOf(jpeg), "p.jpg");
    expect([read.width, read.height]).toEqual([width, height]);
    expect([...read.data]).toEqual(grey);
  });

  it("refuses files of four components, and says what to do", async () => {
    await expect(decodePhotograph(bytesOf(golden.cmyk), "p.jpg")).rejects.toThrow(
      /^p\.jpg: the picture is JPEG with 4 components — convert it to PNG/,
    );
  });

  it("never takes a damaged file for a picture of another size, and fails with an InputError wherever it is cut off", async () => {
    const { jpeg, width, height } = golden.jpegs[0];
    const whole = bytesOf(jpeg);
    for (let end = 0; end < whole.length - 2; end += 23)
      await expect(decodePhotograph(whole.subarray(0, end), "p.jpg")).rejects.toThrow(InputError);
    const frame = whole.findIndex((byte, i) => byte === 0xff && whole[i + 1] === 0xc0);
    for (let at = 2; at < whole.length; at += 23) {
      if (at >= frame + 5 && at < frame + 9) continue; // the size itself
      const damaged = whole.slice();
      damaged[at] ^= 0xff;
      try {
        const read = await decodePhotograph(damaged, "p.jpg");
        expect([read.width, read.height, read.data.length]).toEqual([width, height, width * height]);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    }
  });

  it("refuses a header that promises more pixels than the bytes can hold", async () => {
    const bytes = bytesOf(golden.jpegs[0].jpeg);
    const frame = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc0);
    bytes.fill(0xff, frame + 5, frame + 9);
    await expect(decodePhotograph(bytes, "bomb.jpg")).rejects.toThrow(/cannot hold 65535 × 65535 pixels/);
  });
});

describe("decodePhotograph: PNG", () => {
  const png = (data: Uint8Array | Uint16Array, channels: 1 | 2 | 3 | 4, depth: 8 | 16 = 8) =>
    encode({ width: 2, height: 1, data, channels, depth });

  it("gives the luminance of colours (ITU-R BT.601), grey values as they are, whatever the depth and transparency", async () => {
    const read = async (bytes: Uint8Array): Promise<number[]> => [...(await decodePhotograph(bytes, "p.png")).data];
    expect(await read(png(Uint8Array.from([255, 0, 0, 10, 20, 30]), 3))).toEqual([76, 18]);
    expect(await read(png(Uint8Array.from([0, 255, 0, 7, 0, 0, 255, 9]), 4))).toEqual([150, 29]);
    expect(await read(png(Uint8Array.from([3, 250]), 1))).toEqual([3, 250]);
    expect(await read(png(Uint8Array.from([3, 99, 250, 1]), 2))).toEqual([3, 250]);
    expect(await read(png(Uint16Array.from([257 * 3, 65535]), 1, 16))).toEqual([3, 255]);
  });

  it("refuses damaged files and what is no picture", async () => {
    const bytes = png(Uint8Array.from([3, 250]), 1);
    await expect(decodePhotograph(bytes.subarray(0, -20), "cut.png")).rejects.toThrow(/^cut\.png: the PNG is damaged/);
    await expect(decodePhotograph(new TextEncoder().encode("GIF89a"), "p.gif")).rejects.toThrow(/neither a PNG nor a JPEG/);
    await expect(decodePhotograph(new Uint8Array(0), "empty")).rejects.toThrow(InputError);
  });
});
