import { InputError } from "../inputError.ts";

/** Typed array and element size of each dtype that is written. */
const STORAGE = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** Element type of a tensor that is written. 16-bit floats (`F16`, `BF16`) are read, and widened to `F32`. */
export type Dtype = keyof typeof STORAGE;
export type TensorData =
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A dense tensor in row-major order (last axis fastest). */
export interface Tensor<D extends TensorData = TensorData> {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: D;
}

export interface SafetensorsFile {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const HALF_FLOATS = ["F16", "BF16"] as const;
const METADATA = "__metadata__";
const LENGTH_BYTES = 8;
const ALIGNMENT = 8;
/** The limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Tensors and text as one file in the safetensors format: header length (u64, little endian), JSON header, data.
 *
 * The bytes are a pure function of the content: tensors are laid out by element size (largest first, so that every
 * tensor is aligned), then by name; metadata by key. The header is padded with spaces to a multiple of 8 bytes.
 * Each tensor is copied once, into the result.
 *
 * @throws RangeError when a shape does not match its data, or data is not of the dtype's array type.
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Buffer {
  const names = Object.keys(tensors).sort(
    (a, b) => bytesPerElement(tensors[b].dtype) - bytesPerElement(tensors[a].dtype) || compareText(a, b),
  );
  const header: [string, unknown][] = [];
  const metadataKeys = Object.keys(metadata).sort(compareText);
  if (metadataKeys.length > 0) header.push([METADATA, Object.fromEntries(metadataKeys.map((key) => [key, metadata[key]]))]);
  let end = 0;
  for (const name of names) {
    const { dtype, shape, data } = tensors[name];
    if (name === METADATA) throw new RangeError(`a tensor cannot be called ${METADATA}`);
    if (!(data instanceof STORAGE[dtype])) throw new RangeError(`tensor ${name}: ${dtype} needs a ${STORAGE[dtype].name}`);
    const elements = elementCount(shape);
    if (elements !== data.length)
      throw new RangeError(`tensor ${name}: shape [${shape.join(", ")}] does not hold ${data.length} elements`);
    header.push([name, { dtype, shape, data_offsets: [end, end + data.byteLength] }]);
    end += data.byteLength;
  }
  // Written by hand: an object would put integer-like names ("7") before the others, whatever their order.
  const text = Buffer.from(`{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`);
  const headerBytes = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const file = Buffer.alloc(LENGTH_BYTES + headerBytes + end);
  file.writeBigUInt64LE(BigInt(headerBytes), 0);
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  text.copy(file, LENGTH_BYTES);
  let offset = LENGTH_BYTES + headerBytes;
  for (const name of names) {
    const { data } = tensors[name];
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return file;
}

/**
 * The tensors of a safetensors file. Tensors are views into `bytes` where these are aligned (always so in files that
 * `encodeSafetensors` wrote, read into a buffer of their own), copies otherwise; `F16` and `BF16` become `F32`.
 *
 * @param where names the file in error messages.
 * @throws InputError when the header is not valid, or the tensors do not fill the data exactly, without gap or overlap.
 */
export function decodeSafetensors(bytes: Uint8Array, where: string): SafetensorsFile {
  const damaged = (what: string): InputError => new InputError(what, where, "the file is damaged or not a safetensors file");
  if (bytes.length < LENGTH_BYTES) throw damaged(`${bytes.length} bytes are too few for a safetensors header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const declared = view.getBigUint64(0, true);
  const available = bytes.length - LENGTH_BYTES;
  if (declared > BigInt(Math.min(available, MAX_HEADER_BYTES)))
    throw damaged(`header of ${declared} bytes does not fit in a file of ${bytes.length} bytes`);
  const dataStart = LENGTH_BYTES + Number(declared);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart), damaged);
  const dataBytes = bytes.length - dataStart;

  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => ({ name, ...tensorEntry(name, entry, damaged) }));
  let end = 0;
  for (const { name, begin, length } of entries.toSorted((a, b) => a.begin - b.begin || a.length - b.length)) {
    if (begin !== end)
      throw damaged(
        `tensor ${name} starts at byte ${begin} of the data, expected ${end}: tensors must neither overlap nor leave gaps`,
      );
    end += length;
  }
  if (end !== dataBytes) throw damaged(`tensors end at byte ${end} of the data, which has ${dataBytes} bytes`);

  const tensors = entries.map(({ name, dtype, shape, begin, length }): [string, Tensor] => {
    const raw = bytes.subarray(dataStart + begin, dataStart + begin + length);
    const half = HALF_FLOATS.find((candidate) => candidate === dtype);
    if (half !== undefined) return [name, { dtype: "F32", shape, data: widened(half, alignedView(Uint16Array, raw)) }];
    const stored = dtype as Dtype;
    const data = alignedView<TensorData>(STORAGE[stored], raw);
    if (stored === "BOOL" && (data as Uint8Array).some((value) => value > 1))
      throw damaged(`tensor ${name} holds a boolean that is neither 0 nor 1`);
    return [name, { dtype: stored, shape, data }];
  });
  // fromEntries defines own properties, so a tensor called "__proto__" is just a tensor.
  return { tensors: Object.fromEntries(tensors), metadata: metadataOf(header, damaged) };
}

/**
 * The float tensor `name`, of `shape` where one is given.
 * @throws InputError naming the tensor when it is missing, not F32, or of another shape.
 */
export function floatTensor(file: SafetensorsFile, name: string, where: string, shape?: readonly number[]): Float32Array {
  const tensor = Object.hasOwn(file.tensors, name) ? file.tensors[name] : undefined;
  if (tensor === undefined) throw new InputError(`tensor ${name} is missing`, where);
  if (!(tensor.data instanceof Float32Array)) throw new InputError(`tensor ${name} is ${tensor.dtype}, expected F32`, where);
  if (shape !== undefined && tensor.shape.join() !== shape.join()) {
    throw new InputError(`tensor ${name} has shape [${tensor.shape.join(", ")}], expected [${shape.join(", ")}]`, where);
  }
  return tensor.data;
}

type Damaged = (what: string) => InputError;

function parseHeader(bytes: Uint8Array, damaged: Damaged): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw damaged("the header is not valid JSON");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) throw damaged("the header is not a JSON object");
  return header as Record<string, unknown>;
}

function metadataOf(header: Record<string, unknown>, damaged: Damaged): Record<string, string> {
  const metadata = Object.hasOwn(header, METADATA) ? header[METADATA] : {};
  const isText =
    typeof metadata === "object" &&
    metadata !== null &&
    !Array.isArray(metadata) &&
    Object.values(metadata).every((value) => typeof value === "string");
  if (!isText) throw damaged(`${METADATA} must map text to text`);
  return metadata as Record<string, string>;
}

function tensorEntry(
  name: string,
  entry: unknown,
  damaged: Damaged,
): { dtype: Dtype | "F16" | "BF16"; shape: number[]; begin: number; length: number } {
  if (typeof entry !== "object" || entry === null) throw damaged(`tensor ${name} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  const isHalf = dtype === "F16" || dtype === "BF16";
  if (typeof dtype !== "string" || !(isHalf || Object.hasOwn(STORAGE, dtype)))
    throw damaged(`tensor ${name} has unknown dtype ${JSON.stringify(dtype)}`);
  if (!isCounts(shape)) throw damaged(`tensor ${name} has shape ${JSON.stringify(shape)}, expected whole numbers ≥ 0`);
  if (!isCounts(offsets) || offsets.length !== 2)
    throw damaged(`tensor ${name} has data_offsets ${JSON.stringify(offsets)}, expected two whole numbers ≥ 0`);
  const [begin, end] = offsets;
  const length = elementCount(shape) * (isHalf ? Uint16Array.BYTES_PER_ELEMENT : bytesPerElement(dtype as Dtype));
  if (end - begin !== length)
    throw damaged(`tensor ${name} (${dtype} [${shape.join(", ")}]) needs ${length} bytes but has ${end - begin}`);
  return { dtype: dtype as Dtype | "F16" | "BF16", shape, begin, length };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

function bytesPerElement(dtype: Dtype): number {
  return STORAGE[dtype].BYTES_PER_ELEMENT;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface ArrayType<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
}

function alignedView<A>(type: ArrayType<A>, bytes: Uint8Array): A {
  const size = type.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new type(aligned.buffer, aligned.byteOffset, bytes.length / size);
}

function widened(dtype: "F16" | "BF16", bits: Uint16Array): Float32Array {
  if (dtype === "BF16") return new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer);
  return Float32Array.from(bits, (b) => {
    const sign = b & 0x8000 ? -1 : 1;
    const exponent = (b >> 10) & 0x1f;
    const fraction = b & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}
