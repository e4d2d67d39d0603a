import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { InputError } from "../../methods/inputError.ts";
import { decodeSafetensors, encodeSafetensors, floatTensor, type Tensor } from "../../methods/networks/safetensors.ts";

const python = process.env.RECIST3D_PYTHON ?? "python3";
const f32 = (data: number[], shape = [data.length]): Tensor => ({ dtype: "F32", shape, data: Float32Array.from(data) });

/** A file of the format, put together by hand. */
function file(header: unknown, data: Uint8Array = new Uint8Array(0)): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

describe("encodeSafetensors", () => {
  it("writes the format byte by byte: u64 length, padded JSON, little-endian data", () => {
    const bytes = encodeSafetensors({ a: { dtype: "I16", shape: [2], data: Int16Array.of(1, -2) } }, { k: "v" });
    const header = '{"__metadata__":{"k":"v"},"a":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}';
    expect(header.length).toBe(79);
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from([80, 0, 0, 0, 0, 0, 0, 0]));
    expect(bytes.subarray(8, 88).toString()).toBe(`${header} `);
    expect(bytes.subarray(88)).toEqual(Buffer.from([1, 0, 0xfe, 0xff]));
  });

  it("gives the same bytes whatever the order of the keys", () => {
    const u8: Tensor = { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) };
    const one = encodeSafetensors({ "10": u8, b: f32([1]), a: u8, "9": f32([2]) }, { y: "1", x: "2" });
    const other = encodeSafetensors({ a: u8, "9": f32([2]), b: f32([1]), "10": u8 }, { x: "2", y: "1" });
    expect(one.equals(other)).toBe(true);
  });

  it("refuses a shape that does not hold the data, and data of another type", () => {
    expect(() => encodeSafetensors({ a: f32([1, 2, 3], [2, 2]) })).toThrow(/a: shape \[2, 2\]/);
    expect(() => encodeSafetensors({ a: { dtype: "I16", shape: [1], data: Float32Array.of(1) } })).toThrow(/Int16Array/);
  });
});

describe("decodeSafetensors", () => {
  it("gives views, not copies, of what encodeSafetensors wrote", () => {
    const bytes = encodeSafetensors({
      image: { dtype: "I16", shape: [2, 2], data: Int16Array.of(1, 2, 3, 4) },
      mask: { dtype: "U8", shape: [1], data: Uint8Array.of(1) },
    });
    const { tensors } = decodeSafetensors(bytes, "shard");
    expect(tensors.image.data.buffer).toBe(bytes.buffer);
    expect([...(tensors.image.data as Int16Array)]).toEqual([1, 2, 3, 4]);
  });

  it("reads unaligned bytes by copying", () => {
    const bytes = encodeSafetensors({ a: f32([1.5, -2]) });
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect(decodeSafetensors(shifted.subarray(1), "x").tensors.a).toEqual(f32([1.5, -2]));
  });

  it("widens half floats: 1, −2, 2⁻²⁴, largest, ∞, NaN", () => {
    const half = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x7e00);
    const { tensors } = decodeSafetensors(
      file({ h: { dtype: "F16", shape: [6], data_offsets: [0, 12] } }, new Uint8Array(half.buffer)),
      "x",
    );
    expect(tensors.h).toEqual({ dtype: "F32", shape: [6], data: Float32Array.of(1, -2, 2 ** -24, 65504, Infinity, NaN) });
    const brain = decodeSafetensors(
      file({ h: { dtype: "BF16", shape: [2], data_offsets: [0, 4] } }, Uint8Array.of(0x80, 0x3f, 0x49, 0xc0)),
      "x",
    );
    expect(brain.tensors.h.data).toEqual(Float32Array.of(1, -3.140625));
  });

  const two = (first: number[], second: number[]) => ({
    a: { dtype: "U8", shape: [2], data_offsets: first },
    b: { dtype: "U8", shape: [2], data_offsets: second },
  });
  it.each([
    ["an empty file", Buffer.alloc(0), /too few/],
    ["a header longer than the file", Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 123, 125]), /does not fit/],
    ["an absurd header length", Buffer.alloc(16, 0xff), /does not fit/],
    ["no JSON", file("{]"), /not valid JSON/],
    ["an array", file("[]"), /not a JSON object/],
    ["overlapping tensors", file(two([0, 2], [1, 3]), new Uint8Array(3)), /overlap/],
    ["a gap", file(two([0, 2], [3, 5]), new Uint8Array(5)), /gaps/],
    ["trailing bytes", file(two([0, 2], [2, 4]), new Uint8Array(5)), /has 5 bytes/],
    ["truncated data", file(two([0, 2], [2, 4]), new Uint8Array(3)), /has 3 bytes/],
    [
      "a length that is not the shape's",
      file({ a: { dtype: "F32", shape: [2], data_offsets: [0, 4] } }, new Uint8Array(4)),
      /needs 8 bytes/,
    ],
    ["a negative size", file({ a: { dtype: "U8", shape: [-1], data_offsets: [0, 0] } }), /shape \[-1\]/],
    ["an unknown dtype", file({ a: { dtype: "F8", shape: [0], data_offsets: [0, 0] } }), /unknown dtype "F8"/],
    ["a dtype of Object.prototype", file({ a: { dtype: "toString", shape: [0], data_offsets: [0, 0] } }), /unknown dtype/],
    ["metadata that is not text", file({ __metadata__: { a: 1 } }), /text to text/],
    ["a boolean of 2", file({ a: { dtype: "BOOL", shape: [1], data_offsets: [0, 1] } }, Uint8Array.of(2)), /neither 0 nor 1/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, "model.safetensors")).toThrow(message);
    expect(() => decodeSafetensors(bytes, "model.safetensors")).toThrow(InputError);
  });

  const anyTensor: fc.Arbitrary<Tensor> = fc.array(fc.nat(4), { maxLength: 3 }).chain((shape) => {
    const n = shape.reduce((a, b) => a * b, 1);
    const size = { minLength: n, maxLength: n };
    return fc.oneof(
      fc.float32Array(size).map((data): Tensor => ({ dtype: "F32", shape, data })),
      fc.int16Array(size).map((data): Tensor => ({ dtype: "I16", shape, data })),
      fc.uint8Array(size).map((data): Tensor => ({ dtype: "U8", shape, data })),
      fc.int32Array(size).map((data): Tensor => ({ dtype: "I32", shape, data })),
      fc.bigInt64Array(size).map((data): Tensor => ({ dtype: "I64", shape, data })),
    );
  });
  const names = fc
    .oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "7", "é"))
    .filter((name) => name !== "__metadata__");
  const anyFile = fc.tuple(
    fc.array(fc.tuple(names, anyTensor), { maxLength: 5 }),
    fc.array(fc.tuple(names, fc.string()), { maxLength: 3 }),
  );

  property.prop([anyFile])("gives back what was encoded", ([tensors, metadata]) => {
    const decoded = decodeSafetensors(encodeSafetensors(Object.fromEntries(tensors), Object.fromEntries(metadata)), "x");
    expect(decoded.metadata).toEqual(Object.fromEntries(metadata));
    expect(Object.keys(decoded.tensors).sort()).toEqual(Object.keys(Object.fromEntries(tensors)).sort());
    for (const [name, tensor] of Object.entries(Object.fromEntries(tensors))) expect(decoded.tensors[name]).toEqual(tensor);
  });

  property.prop([anyFile, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat()])(
    "either reads damaged bytes or says InputError",
    ([tensors, metadata], changes, cut) => {
      const bytes = encodeSafetensors(Object.fromEntries(tensors), Object.fromEntries(metadata));
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      const damaged = bytes.subarray(0, cut % 3 === 0 ? cut % bytes.length : bytes.length);
      try {
        decodeSafetensors(damaged, "x");
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    },
  );
});

describe("floatTensor", () => {
  const read = decodeSafetensors(
    encodeSafetensors({ a: f32([1, 2], [1, 2]), n: { dtype: "U8", shape: [1], data: Uint8Array.of(1) } }),
    "x",
  );
  it("names what is wrong", () => {
    expect(floatTensor(read, "a", "x", [1, 2])).toEqual(Float32Array.of(1, 2));
    expect(() => floatTensor(read, "toString", "x")).toThrow(/toString is missing/);
    expect(() => floatTensor(read, "n", "x")).toThrow(/n is U8/);
    expect(() => floatTensor(read, "a", "x", [2, 1])).toThrow(/a has shape \[1, 2\], expected \[2, 1\]/);
  });
});

describe("a file read by Python with its standard library", () => {
  it("holds the same numbers", () => {
    const folder = mkdtempSync(join(tmpdir(), "safetensors-"));
    try {
      writeFileSync(
        join(folder, "t.safetensors"),
        encodeSafetensors(
          { b: f32([0.5, -1, 3, 1e-3], [2, 2]), a: { dtype: "I16", shape: [3], data: Int16Array.of(-32768, 0, 32767) } },
          { note: "é" },
        ),
      );
      const script = [
        "import sys, json, struct",
        "raw = open(sys.argv[1], 'rb').read(); n = int.from_bytes(raw[:8], 'little'); assert n % 8 == 0",
        "h = json.loads(raw[8:8+n]); code = {'F32': 'f', 'I16': 'h'}",
        "def get(k):",
        "    start, end = h[k]['data_offsets']; data = raw[8+n+start:8+n+end]; c = code[h[k]['dtype']]",
        "    return h[k]['shape'], list(struct.unpack('<%d%s' % (len(data) // struct.calcsize(c), c), data))",
        "print(json.dumps([get('a'), get('b'), h['__metadata__']['note']]))",
      ].join("\n");
      const seen = JSON.parse(execFileSync(python, ["-c", script, join(folder, "t.safetensors")], { encoding: "utf8" }));
      expect(seen).toEqual([
        [[3], [-32768, 0, 32767]],
        [
          [2, 2],
          [0.5, -1, 3, Math.fround(1e-3)],
        ],
        "é",
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
