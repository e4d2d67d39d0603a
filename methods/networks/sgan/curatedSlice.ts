import { resizeAntialiased } from "../../imaging/resample.ts";
import type { Slice } from "../../imaging/volume.ts";
import type { Stage } from "./pairs.ts";

/** What a curated slice shows, enlarged by its zoom, 0 … 1. */
interface CuratedPictures {
  readonly denoised: Slice<Float32Array>;
  readonly enhanced: Slice<Float32Array>;
}

/**
 * The picture of high quality that a stage learns from a curated CT slice (§3.4): for G1 the denoised slice, brought back to
 * the slice's own pixels; for G2 the enhanced one. Both are degraded again like a photograph. A picture with a side below
 * the patch is continued by mirroring, up to twice the side.
 *
 * @param native width and height of the region in the slice's own pixels.
 * @returns null where even mirrored it is smaller than a patch.
 */
export function curatedPicture(
  { denoised, enhanced }: CuratedPictures,
  stage: Stage,
  native: { readonly width: number; readonly height: number },
  patch: number,
): Slice<Float32Array> | null {
  const picture = stage === "denoise" ? resizeAntialiased(denoised, native.width, native.height) : enhanced;
  const [width, height] = [Math.max(patch, picture.width), Math.max(patch, picture.height)];
  if (width > 2 * picture.width || height > 2 * picture.height) return null;
  const mirrored = (at: number, side: number): number => (at < side ? at : 2 * side - 1 - at);
  const data = Float32Array.from({ length: width * height }, (_, i) => {
    const x = mirrored(i % width, picture.width);
    const y = mirrored(Math.floor(i / width), picture.height);
    return picture.data[y * picture.width + x];
  });
  return { data, width, height };
}
