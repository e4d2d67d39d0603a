import type { HuWindow, Slice } from "./volume.ts";

/** HU as 8-bit grey: ⌊255 · (hu − low) / (high − low)⌋ clipped to 0 … 255, computed in float64. */
export function applyWindow8(slice: Slice<ArrayLike<number>>, window: HuWindow): Slice<Uint8Array> {
  const fraction = fractionOf(window);
  const data = new Uint8Array(slice.data.length);
  for (let i = 0; i < data.length; i++) data[i] = fraction(slice.data[i]) * 255;
  return { data, width: slice.width, height: slice.height };
}

/** HU as a fraction of the window, clipped to [0, 1]. */
export function applyWindow(slice: Slice<ArrayLike<number>>, window: HuWindow): Slice<Float32Array> {
  const fraction = fractionOf(window);
  const data = new Float32Array(slice.data.length);
  for (let i = 0; i < data.length; i++) data[i] = fraction(slice.data[i]);
  return { data, width: slice.width, height: slice.height };
}

function fractionOf({ low, high }: HuWindow): (hu: number) => number {
  if (!(high > low)) throw new RangeError(`the window's upper end (${high} HU) is not above its lower end (${low} HU)`);
  return (hu) => Math.min(Math.max((hu - low) / (high - low), 0), 1);
}
