/**
 * The 16-bit samples of a frame in DICOM's RLE Lossless (PS3.5, Annex G): a segment for the high bytes and one for the low
 * bytes, each packed as in PackBits.
 *
 * @throws Error where the frame does not hold `pixels` samples of 16 bits.
 */
export function decodeRle(frame: Uint8Array, pixels: number): Uint16Array {
  const header = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const segments = frame.length < 64 ? 0 : header.getUint32(0, true);
  if (segments !== 2) throw new Error(`${segments} segments in place of 2`);
  const [high, low] = [header.getUint32(4, true), header.getUint32(8, true)];
  if (high < 64 || low < high || low > frame.length) throw new Error("its segments lie outside of it");
  const samples = new Uint16Array(pixels);
  unpack(frame.subarray(high, low), pixels, (i, byte) => {
    samples[i] = byte << 8;
  });
  unpack(frame.subarray(low), pixels, (i, byte) => {
    samples[i] |= byte;
  });
  return samples;
}

/** A segment's first `count` bytes; rows that run over the end of a frame do not occur in what the standard allows. */
function unpack(segment: Uint8Array, count: number, give: (index: number, byte: number) => void): void {
  let [at, index] = [0, 0];
  while (index < count) {
    if (at >= segment.length) throw new Error(`a segment ends after ${index} of ${count} pixels`);
    const control = segment[at++];
    const isRun = control > 128;
    const length = control === 128 ? 0 : isRun ? 257 - control : control + 1;
    if (index + length > count || at + (isRun ? 1 : length) > segment.length) throw new Error("a run leaves its segment");
    for (let k = 0; k < length; k++) give(index++, segment[isRun ? at : at + k]);
    at += control === 128 ? 0 : isRun ? 1 : length;
  }
}
