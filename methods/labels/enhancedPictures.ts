import type { Slice } from "../imaging/volume.ts";
import { bicubicallyEnhanced } from "./enhancedSlice.ts";

/** What makes pictures better (3.4): the stacked GAN. Pictures are fractions of the display window, `[y, x]`. */
export interface SliceEnhancer {
  /** X1 = G1(X0), as large as X0. */
  denoise(picture: Slice<Float32Array>): Promise<Slice<Float32Array>>;
  /** X2 = G2(X1 resized): every side times `zoom`, rounded. */
  enhance(denoised: Slice<Float32Array>, zoom: number): Promise<Slice<Float32Array>>;
}

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
  enhancer: SliceEnhancer | null,
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
