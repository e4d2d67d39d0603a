import type { Box, HuWindow, Slice } from "../imaging/volume.ts";

export const LUNG: HuWindow = { low: -1350, high: 150 };
export const SOFT_TISSUE: HuWindow = { low: -160, high: 240 };
/** Width of the ring around the section, and the median HU in it that tells lung from soft tissue. */
const RING_PX = 6;
const LUNG_BELOW_HU = -300;

/**
 * Lung (−1350 … 150 HU) where the median HU in a ring of 6 pixels around the section is below −300, else soft tissue
 * (−160 … 240 HU). It looks at the surroundings of the true mask, which a reader who chooses a window does too; but an
 * evaluation that uses it has seen that much of the truth.
 *
 * @param hu the RECIST slice; @param section the true mask on it, non-zero = lesion.
 */
export function windowOf(hu: Slice<ArrayLike<number>>, section: Slice<Uint8Array>): HuWindow {
  let grown = section.data;
  for (let i = 0; i < RING_PX; i++) grown = grownByOne(grown, section.width, section.height);
  const ring: number[] = [];
  for (let i = 0; i < grown.length; i++) if (grown[i] !== 0 && section.data[i] === 0) ring.push(hu.data[i]);
  ring.sort((a, b) => a - b);
  const median = (ring[(ring.length - 1) >> 1] + ring[ring.length >> 1]) / 2;
  return median < LUNG_BELOW_HU ? LUNG : SOFT_TISSUE;
}

/** Lung where more than half of the pixels of `box` are below −300 HU (their median is), else soft tissue: for what nobody has outlined. */
export function windowAround({ data, width }: Slice<ArrayLike<number>>, { x0, y0, x1, y1 }: Box): HuWindow {
  let below = 0;
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) if (data[y * width + x] < LUNG_BELOW_HU) below++;
  return below > ((x1 - x0) * (y1 - y0)) >> 1 ? LUNG : SOFT_TISSUE;
}

/** One step of growth to the four neighbours. */
function grownByOne(mask: Uint8Array, width: number, height: number): Uint8Array {
  const grown = mask.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (mask[i] === 0) continue;
      if (x > 0) grown[i - 1] = 1;
      if (x < width - 1) grown[i + 1] = 1;
      if (y > 0) grown[i - width] = 1;
      if (y < height - 1) grown[i + width] = 1;
    }
  }
  return grown;
}
