import { InputError } from "../inputError.ts";
import type { Slice } from "./volume.ts";

/**
 * The brightness (Y) of a baseline JPEG, `[y, x]`, 0 … 255. Colour is skipped, since photographs are wanted in grey: JFIF's
 * Y is their BT.601 luma already. The inverse cosine transform is done in floating point and rounded once, so values may
 * differ by one from decoders with integer arithmetic.
 *
 * Baseline (SOF0) and extended sequential (SOF1) files of 8 bits, grey or with Y first, with restart intervals.
 *
 * @throws InputError where the file is damaged, or of another kind (progressive, lossless, arithmetic, CMYK).
 */
export function decodeJpegLuma(bytes: Uint8Array, where: string): Slice<Uint8Array> {
  const damaged = (what: string): InputError =>
    new InputError(`the JPEG is damaged: ${what}`, where, "copy the file again from its source");
  const unsupported = (what: string): InputError => new InputError(`the JPEG is ${what}`, where, "convert it to PNG");
  if (bytes.length < 4 || bytes[0] !== 0xff || bytes[1] !== SOI) throw new InputError("is not a JPEG file", where);
  const quantisation: Float64Array[] = [];
  const tables: HuffmanTable[] = [];
  let frame: Frame | undefined;
  let restartInterval = 0;
  let at = 2;
  for (;;) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    if (at + 4 > bytes.length || bytes[at] !== 0xff) throw damaged("it ends before its picture");
    const marker = bytes[at + 1];
    const length = (bytes[at + 2] << 8) | bytes[at + 3];
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (length < 2 || segment.length !== length - 2) throw damaged("a segment is cut off");
    at += 2 + length;
    if (marker === DQT) readQuantisation(segment, quantisation, damaged);
    else if (marker === DHT) readHuffman(segment, tables, damaged);
    else if (marker === DRI) restartInterval = (segment[0] << 8) | segment[1];
    else if (marker === SOF0 || marker === SOF1) frame = readFrame(segment, damaged, unsupported);
    else if (marker >= 0xc2 && marker <= 0xcf && marker !== DAC && marker !== JPG)
      throw unsupported(marker === 0xc2 ? "progressive" : `coded in a way (SOF${marker - 0xc0}) that is not read here`);
    else if (marker === SOS) {
      if (frame === undefined) throw damaged("no frame before the scan");
      const scan = readScan(segment, frame, tables, damaged, unsupported);
      return decodeScan(bytes.subarray(at), frame, scan, quantisation, restartInterval, damaged);
    }
  }
}

const [SOI, SOF0, SOF1, DHT, JPG, DAC, SOS, DQT, DRI] = [0xd8, 0xc0, 0xc1, 0xc4, 0xc8, 0xcc, 0xda, 0xdb, 0xdd];

type Complaint = (what: string) => InputError;

interface Component {
  readonly id: number;
  /** Blocks per minimum coded unit along x and y. */
  readonly across: number;
  readonly down: number;
  readonly quantisation: number;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
}

/** Of each component of the scan, its tables. */
type Scan = readonly { readonly component: Component; readonly dc: HuffmanTable; readonly ac: HuffmanTable }[];

/** Canonical Huffman code: the largest code of each length and where its symbols lie. */
interface HuffmanTable {
  readonly maxCode: Int32Array;
  readonly offset: Int32Array;
  readonly symbols: Uint8Array;
}

// biome-ignore format: a table
/** Row-major position of the k-th coefficient in zigzag order. */
const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

function readQuantisation(segment: Uint8Array, tables: Float64Array[], damaged: Complaint): void {
  for (let at = 0; at < segment.length; ) {
    const [wide, number] = [segment[at] >> 4, segment[at] & 15];
    const bytes = wide === 0 ? 64 : 128;
    if (wide > 1 || number > 3 || at + 1 + bytes > segment.length) throw damaged("a quantisation table is not valid");
    const first = at + 1;
    tables[number] = Float64Array.from({ length: 64 }, (_, k) =>
      wide === 0 ? segment[first + k] : (segment[first + 2 * k] << 8) | segment[first + 2 * k + 1],
    );
    at = first + bytes;
  }
}

function readHuffman(segment: Uint8Array, tables: HuffmanTable[], damaged: Complaint): void {
  for (let at = 0; at < segment.length; ) {
    const [isAc, number] = [segment[at] >> 4, segment[at] & 15];
    const counts = segment.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (isAc > 1 || number > 3 || counts.length < 16 || at + 17 + total > segment.length)
      throw damaged("a Huffman table is not valid");
    const maxCode = new Int32Array(17).fill(-1);
    const offset = new Int32Array(17);
    let code = 0;
    let symbol = 0;
    for (let length = 1; length <= 16; length++) {
      offset[length] = symbol - code;
      symbol += counts[length - 1];
      code += counts[length - 1];
      if (counts[length - 1] > 0) maxCode[length] = code - 1;
      code <<= 1;
    }
    tables[4 * isAc + number] = { maxCode, offset, symbols: segment.slice(at + 17, at + 17 + total) };
    at += 17 + total;
  }
}

function readFrame(segment: Uint8Array, damaged: Complaint, unsupported: Complaint): Frame {
  if (segment.length < 6) throw damaged("the frame is cut off");
  const [precision, count] = [segment[0], segment[5]];
  const height = (segment[1] << 8) | segment[2];
  const width = (segment[3] << 8) | segment[4];
  if (precision !== 8) throw unsupported(`of ${precision} bits`);
  if (count !== 1 && count !== 3) throw unsupported(`of ${count} colours`);
  if (width < 1 || height < 1 || segment.length < 6 + 3 * count) throw damaged("the frame is not valid");
  const components = Array.from({ length: count }, (_, i): Component => {
    const [id, sampling, quantisation] = segment.subarray(6 + 3 * i, 9 + 3 * i);
    return { id, across: count === 1 ? 1 : sampling >> 4, down: count === 1 ? 1 : sampling & 15, quantisation };
  });
  if (components.some(({ across, down }) => across < 1 || across > 4 || down < 1 || down > 4))
    throw damaged("its sampling is not valid");
  const [luma, ...chroma] = components;
  if (chroma.some(({ across, down }) => across > luma.across || down > luma.down))
    throw unsupported("finer in colour than in brightness");
  return { width, height, components };
}

function readScan(
  segment: Uint8Array,
  { components }: Frame,
  tables: readonly HuffmanTable[],
  damaged: Complaint,
  unsupported: Complaint,
): Scan {
  const count = segment[0];
  // The first component alone in the first scan is the brightness, whole.
  if (count !== components.length) throw unsupported("in several scans");
  return components.map((component, i) => {
    const selected = segment[2 + 2 * i];
    const [dc, ac] = [tables[selected >> 4], tables[4 + (selected & 15)]];
    if (segment[1 + 2 * i] !== component.id || dc === undefined || ac === undefined) throw damaged("a scan names no such table");
    return { component, dc, ac };
  });
}

function decodeScan(
  data: Uint8Array,
  { width, height, components }: Frame,
  scan: Scan,
  quantisation: readonly Float64Array[],
  restartInterval: number,
  damaged: Complaint,
): Slice<Uint8Array> {
  const [{ across, down, quantisation: table }] = components;
  const steps = quantisation[table];
  if (steps === undefined) throw damaged("its quantisation table is missing");
  const [unitsAcross, unitsDown] = [Math.ceil(width / (8 * across)), Math.ceil(height / (8 * down))];
  // A block takes two bits at least, so a header that promises more is false.
  if (unitsAcross * unitsDown > 4 * data.length) throw damaged(`${data.length} bytes cannot hold ${width} × ${height} pixels`);
  const stride = unitsAcross * across * 8;
  const plane = new Uint8Array(stride * unitsDown * down * 8);
  const bits = new BitReader(data, damaged);
  const block = new Float64Array(64);
  const predicted = scan.map(() => 0);
  for (let unit = 0; unit < unitsAcross * unitsDown; unit++) {
    if (restartInterval > 0 && unit > 0 && unit % restartInterval === 0) {
      bits.restart();
      predicted.fill(0);
    }
    const left = (unit % unitsAcross) * across * 8;
    const top = Math.floor(unit / unitsAcross) * down * 8;
    for (let c = 0; c < scan.length; c++) {
      const { component, dc, ac } = scan[c];
      for (let b = 0; b < component.across * component.down; b++) {
        predicted[c] += bits.difference(bits.symbol(dc));
        block.fill(0);
        block[0] = predicted[c] * steps[0];
        for (let k = 1; k < 64; k++) {
          const symbol = bits.symbol(ac);
          const size = symbol & 15;
          if (size === 0 && symbol !== 0xf0) break;
          k += symbol >> 4;
          if (k > 63) throw damaged("a block has too many coefficients");
          if (size > 0) block[ZIGZAG[k]] = bits.difference(size) * steps[k];
        }
        if (c === 0) inverseCosine(block, plane, (top + 8 * Math.floor(b / across)) * stride + left + 8 * (b % across), stride);
      }
    }
  }
  const grey = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) grey.set(plane.subarray(y * stride, y * stride + width), y * width);
  return { data: grey, width, height };
}

/** Reads bits of entropy-coded data, in which 0xff is followed by a stuffed zero. */
class BitReader {
  readonly #data: Uint8Array;
  readonly #damaged: Complaint;
  #at = 0;
  #byte = 0;
  #left = 0;

  constructor(data: Uint8Array, damaged: Complaint) {
    this.#data = data;
    this.#damaged = damaged;
  }

  symbol({ maxCode, offset, symbols }: HuffmanTable): number {
    let code = 0;
    for (let length = 1; length <= 16; length++) {
      code = (code << 1) | this.#bit();
      if (code <= maxCode[length]) return symbols[code + offset[length]];
    }
    throw this.#damaged("a code is not in its table");
  }

  /** A signed number of `size` bits (ITU T.81, F.2.2.1). */
  difference(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = (value << 1) | this.#bit();
    return size > 0 && value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
  }

  /** Passes over a restart marker. */
  restart(): void {
    this.#left = 0;
    if (this.#data[this.#at] !== 0xff || (this.#data[this.#at + 1] & 0xf8) !== 0xd0)
      throw this.#damaged("a restart marker is missing");
    this.#at += 2;
  }

  #bit(): number {
    if (this.#left === 0) {
      if (this.#at >= this.#data.length) throw this.#damaged("it is cut off");
      this.#byte = this.#data[this.#at++];
      if (this.#byte === 0xff && this.#data[this.#at++] !== 0) throw this.#damaged("a marker stands within its picture");
      this.#left = 8;
    }
    return (this.#byte >> --this.#left) & 1;
  }
}

/** cos((2x + 1) u π / 16) · C(u) / 2 at [8u + x]. */
const COSINES = Float64Array.from({ length: 64 }, (_, i) => {
  const [u, x] = [i >> 3, i & 7];
  return (Math.cos(((2 * x + 1) * u * Math.PI) / 16) * (u === 0 ? Math.SQRT1_2 : 1)) / 2;
});

/** Inverse cosine transform of a block of coefficients, level-shifted, rounded and cut to bytes, into `plane` from `first` on. */
function inverseCosine(block: Float64Array, plane: Uint8Array, first: number, stride: number): void {
  const rows = new Float64Array(64);
  for (let v = 0; v < 8; v++) {
    for (let u = 0; u < 8; u++) {
      const coefficient = block[8 * v + u];
      if (coefficient === 0) continue;
      for (let x = 0; x < 8; x++) rows[8 * v + x] += coefficient * COSINES[8 * u + x];
    }
  }
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      let sum = 128;
      for (let v = 0; v < 8; v++) sum += rows[8 * v + x] * COSINES[8 * v + y];
      plane[first + y * stride + x] = Math.max(0, Math.min(255, Math.round(sum)));
    }
  }
}
