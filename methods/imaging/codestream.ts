/** What a compressed frame says about itself. */
export interface CodestreamHeader {
  readonly coding: "JPEG" | "JPEG Lossless" | "JPEG-LS" | "JPEG 2000";
  readonly width: number;
  readonly height: number;
  readonly components: number;
}

const [SOI, EOI, SOF0, LOSSLESS, SOF15, JPEG_LS, SOS] = [0xd8, 0xd9, 0xc0, 0xc3, 0xcf, 0xf7, 0xda];
/** Markers among SOF0 … SOF15 that begin no frame: DHT, JPG, DAC. */
const NO_FRAME: readonly number[] = [0xc4, 0xc8, 0xcc];
/** SOC, then SIZ (ITU-T T.800, A.4 and A.5). */
const JPEG_2000 = [0xff, 0x4f, 0xff, 0x51];

/**
 * The size that a JPEG (ITU-T T.81, B.2), JPEG-LS or JPEG 2000 codestream promises, read before it is decoded, so that
 * memory is only given for what the file around it says as well. Undefined where there is no such header.
 */
export function codestreamHeader(frame: Uint8Array): CodestreamHeader | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (JPEG_2000.every((byte, i) => frame[i] === byte)) {
    if (frame.length < 42) return undefined;
    return {
      coding: "JPEG 2000",
      width: view.getUint32(8) - view.getUint32(16),
      height: view.getUint32(12) - view.getUint32(20),
      components: view.getUint16(40),
    };
  }
  if (frame[0] !== 0xff || frame[1] !== SOI) return undefined;
  for (let at = 2; at + 10 <= frame.length; at += 2 + view.getUint16(at + 2)) {
    while (frame[at] === 0xff && frame[at + 1] === 0xff) at++;
    const marker = frame[at + 1];
    if (frame[at] !== 0xff || at + 10 > frame.length || marker === SOS) return undefined;
    const isFrame = (marker >= SOF0 && marker <= SOF15 && !NO_FRAME.includes(marker)) || marker === JPEG_LS;
    if (!isFrame) continue;
    return {
      coding: marker === JPEG_LS ? "JPEG-LS" : marker === LOSSLESS ? "JPEG Lossless" : "JPEG",
      height: view.getUint16(at + 5),
      width: view.getUint16(at + 7),
      components: frame[at + 9],
    };
  }
  return undefined;
}

/** The codestream without padding behind its end marker (EOI, and EOC of JPEG 2000); undefined where it has no end: it is cut off. */
export function wholeCodestream(frame: Uint8Array): Uint8Array | undefined {
  let end = frame.length;
  while (end > 2 && frame[end - 1] === 0) end--;
  return frame[end - 2] === 0xff && frame[end - 1] === EOI ? frame.subarray(0, end) : undefined;
}
