import type { Volume } from "../../methods/imaging/volume.ts";

const CT = "1.2.840.10008.5.1.4.1.1.2";
const SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4";

/** What a CT's headers say about the patient; none of it may get into a data set. */
export const PERSON = { name: "DOE^JANE", id: "HOSPITAL-4711", birth: "19510203", study: "20090807" };

/**
 * A series as one file per slice (Part 10, implicit VR little endian), HU stored with intercept −1024.
 *
 * @param more further elements of slice z
 */
export function dicomSeries(
  { dims, spacingMm, affine, data }: Volume,
  uid: string,
  more: (z: number) => readonly Buffer[] = () => [],
): Buffer[] {
  const [nx, ny, nz] = dims;
  const lps = (column: number): number[] => [-affine[column], -affine[4 + column], affine[8 + column]];
  const unit = (column: number): number[] => lps(column).map((value) => value / spacingMm[column]);
  return Array.from({ length: nz }, (_, z) => {
    const pixels = Buffer.alloc(2 * nx * ny);
    for (let p = 0; p < nx * ny; p++) pixels.writeInt16LE(data[z * nx * ny + p] + 1024, 2 * p);
    const position = lps(3).map((value, axis) => value + z * lps(2)[axis]);
    return part10(CT, `${uid}.${z + 1}`, [
      text(0x0008, 0x0016, CT),
      text(0x0008, 0x0018, `${uid}.${z + 1}`),
      text(0x0008, 0x0020, PERSON.study),
      text(0x0008, 0x0060, "CT"),
      text(0x0010, 0x0010, PERSON.name),
      text(0x0010, 0x0020, PERSON.id),
      text(0x0010, 0x0030, PERSON.birth),
      text(0x0018, 0x0050, String(spacingMm[2])),
      text(0x0020, 0x000d, `${uid}.0.1`),
      text(0x0020, 0x000e, uid),
      text(0x0020, 0x0013, String(z + 1)),
      text(0x0020, 0x0032, position.map((value) => value.toFixed(6)).join("\\")),
      text(0x0020, 0x0037, [...unit(0), ...unit(1)].map((value) => value.toFixed(8)).join("\\")),
      number(0x0028, 0x0002, 1),
      text(0x0028, 0x0004, "MONOCHROME2"),
      number(0x0028, 0x0010, ny),
      number(0x0028, 0x0011, nx),
      text(0x0028, 0x0030, `${spacingMm[1]}\\${spacingMm[0]}`),
      number(0x0028, 0x0100, 16),
      number(0x0028, 0x0101, 16),
      number(0x0028, 0x0102, 15),
      number(0x0028, 0x0103, 1),
      text(0x0028, 0x1052, "-1024"),
      text(0x0028, 0x1053, "1"),
      ...more(z),
      element(0x7fe0, 0x0010, pixels),
    ]);
  });
}

/** A segmentation object, as the archive's later releases put beside the CT. */
export function dicomSegmentation(uid: string): Buffer {
  return part10(SEGMENTATION, uid, [text(0x0008, 0x0016, SEGMENTATION), text(0x0008, 0x0060, "SEG")]);
}

function part10(sopClass: string, uid: string, elements: readonly Buffer[]): Buffer {
  const meta = Buffer.concat([
    explicit(0x0002, "UI", padded(sopClass, "\0")),
    explicit(0x0003, "UI", padded(uid, "\0")),
    explicit(0x0010, "UI", padded("1.2.840.10008.1.2", "\0")),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  const tagOf = (bytes: Buffer): number => bytes.readUInt16LE(0) * 65536 + bytes.readUInt16LE(2);
  const inOrder = [...elements].sort((a, b) => tagOf(a) - tagOf(b));
  return Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), explicit(0x0000, "UL", length), meta, ...inOrder]);
}

function explicit(tag: number, vr: string, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(0x0002, 0);
  head.writeUInt16LE(tag, 2);
  head.write(vr, 4, "latin1");
  head.writeUInt16LE(value.length, 6);
  return Buffer.concat([head, value]);
}

function element(group: number, tag: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(tag, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}

export function text(group: number, tag: number, value: string): Buffer {
  return element(group, tag, padded(value, group === 0x0008 ? "\0" : " "));
}

export function number(group: number, tag: number, value: number): Buffer {
  return element(group, tag, Buffer.from(Uint16Array.of(value).buffer));
}

function padded(value: string, fill: string): Buffer {
  return Buffer.from(value.length % 2 === 0 ? value : value + fill, "latin1");
}
