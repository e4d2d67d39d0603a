import { stackShape } from "../../schemas/cases.ts";
import { answered } from "./api.ts";

/** Typed arrays by the dtype that the server names; others have no picture. */
const ARRAYS = { U8: Uint8Array, BOOL: Uint8Array, I8: Int8Array, I16: Int16Array, U16: Uint16Array, F32: Float32Array } as const;

/** A picture or a mask: [z, y, x] in row-major order; a single slice has z = 1. */
export interface Pixels {
  readonly slices: number;
  readonly height: number;
  readonly width: number;
  readonly data: InstanceType<(typeof ARRAYS)[keyof typeof ARRAYS]>;
}

/** Bytes of pixels that are kept; the browser's own cache keeps the rest. */
const KEPT_BYTES = 256 * 1024 * 1024;
const kept = new Map<string, Promise<Pixels>>();
const sizes = new Map<string, number>();

/** Address of a picture of a case (see review/server/cases.ts). */
export function pixelsAddress(cases: string, index: number, layer: "images" | "masks", number: number): string {
  return `/api/cases/${cases}/${index}/${layer}/${number}`;
}

/** Pixels at an address; what was asked for longest ago is forgotten first. @throws ApiError; then it can be asked for again. */
export function loadPixels(address: string): Promise<Pixels> {
  const found = kept.get(address);
  if (found !== undefined) {
    kept.delete(address);
    kept.set(address, found);
    return found;
  }
  const loaded = fetched(address);
  kept.set(address, loaded);
  loaded.then(
    (pixels) => {
      sizes.set(address, pixels.data.byteLength);
      forgetOldest();
    },
    () => kept.delete(address),
  );
  return loaded;
}

async function fetched(address: string): Promise<Pixels> {
  const response = await answered(address);
  const Values = ARRAYS[response.headers.get("x-dtype") as keyof typeof ARRAYS];
  const shape = (response.headers.get("x-shape") ?? "").split(",").map(Number);
  if (Values === undefined) throw new Error(`pixels of type ${response.headers.get("x-dtype")} cannot be shown`);
  const data = new Values(await response.arrayBuffer());
  const [slices, height, width] = stackShape(shape);
  if (data.length !== slices * height * width) throw new Error("the server sent another number of pixels than it said");
  return { slices, height, width, data };
}

function forgetOldest(): void {
  let bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  for (const address of kept.keys()) {
    if (bytes <= KEPT_BYTES) return;
    bytes -= sizes.get(address) ?? 0;
    kept.delete(address);
    sizes.delete(address);
  }
}
