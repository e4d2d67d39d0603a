import type { HuWindow, Slice } from "../imaging/volume.ts";

const LUNG: HuWindow = { low: -1350, high: 150 };
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
