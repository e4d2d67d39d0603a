import type { Slice } from "../imaging/volume.ts";
import { bicubicallyEnhanced } from "../labels/enhancedSlice.ts";
import type { SliceEnhancer } from "./sgan/enhance.ts";

/** What makes pictures better: the stacked GAN, or anything like it. */
export type PictureEnhancer = Pick<SliceEnhancer, "denoise" | "enhance">;

/** A picture and what was made of it, all on the enlarged grid, in [0, 1]. */
export interface EnhancedPictures {
  /** X0, enlarged by bicubic interpolation. */
  readonly original: Slice<Float32Array>;
  /** X1, likewise; absent where nothing denoised it. */
  readonly denoised?: Slice<Float32Array>;
  /** X2. */
  readonly enhanced: Slice<Float32Array>;
}

/**
 * The triplet of the paper's Figure 8, at `zoom`. Without an enhancer the enhanced picture is the original one, enlarged:
 * the baseline that an enhancer has to beat.
 */
export async function enhancedPictures(
  picture: Slice<Float32Array>,
  zoom: number,
  enhancer: PictureEnhancer | null,
): Promise<EnhancedPictures> {
  const original = bicubicallyEnhanced(picture, zoom);
  if (enhancer === null) return { original, enhanced: original };
  const denoised = await enhancer.denoise(picture);
  const enhanced = await enhancer.enhance(denoised, zoom);
  if (enhanced.width !== original.width || enhanced.height !== original.height)
    throw new RangeError(
      `the enhancer made ${enhanced.width} × ${enhanced.height} pixels of ${picture.width} × ${picture.height} at zoom ${zoom}`,
    );
  return { original, denoised: bicubicallyEnhanced(denoised, zoom), enhanced: clipped(enhanced) };
}

function clipped(picture: Slice<Float32Array>): Slice<Float32Array> {
  return { ...picture, data: picture.data.map((grey) => Math.min(Math.max(grey, 0), 1)) };
}
