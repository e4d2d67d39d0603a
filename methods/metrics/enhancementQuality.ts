import { noisy } from "../imaging/degradation.ts";
import { blurInPlane } from "../imaging/gaussian.ts";
import { resizeAntialiased } from "../imaging/resample.ts";
import type { Slice } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";
import type { Random } from "../random.ts";
import { type ImageQuality, imageQuality } from "./imageQuality.ts";

/** A stage of the stacked GAN on a picture in [0, 1]. */
type Stage = (picture: Slice<Float32Array>) => Slice<Float32Array>;

/** By method; all pictures are cut to [0, 1] before they are compared. */
export type QualityByMethod = Readonly<Record<string, ImageQuality>>;

/** Standard deviations of the Gaussian filters that a denoiser is compared with, in pixels. */
export const FILTER_SIGMAS_PX = [0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3] as const;
export const filterName = (sigmaPx: number): string => `Gaussian filter, σ ${sigmaPx} px`;

/**
 * How near a denoiser comes to a picture under white noise of standard deviation `sigma`, in grey levels of 255; beside it
 * the noisy picture itself and Gaussian filters.
 */
export function denoisingQuality(
  truth: Slice<Float32Array>,
  sigma: number,
  random: Random,
  denoise: Stage | null,
): QualityByMethod {
  const picture = noisy(truth, sigma, random);
  const quality = (found: Slice<Float32Array>): ImageQuality => imageQuality(clipped(found), truth);
  const rows: Record<string, ImageQuality> = { "noisy picture": quality(picture) };
  for (const sigmaPx of FILTER_SIGMAS_PX) {
    const filtered = { ...picture, data: picture.data.slice() };
    blurInPlane(filtered.data, [picture.width, picture.height, 1], sigmaPx, "repeated");
    rows[filterName(sigmaPx)] = quality(filtered);
  }
  if (denoise !== null) rows.G1 = quality(denoise(picture));
  return rows;
}

/**
 * How near enhancers come to a picture from one that is `scale` times as small, beside bicubic interpolation. `scale` pixels at the
 * borders are left out, as is usual.
 *
 * @throws InputError where the two differ in size by another factor than a whole one.
 */
export function enlargementQuality(
  truth: Slice<Float32Array>,
  small: Slice<Float32Array>,
  stages: { readonly denoise: Stage | null; readonly enhance: Stage | null },
  where: string,
): { readonly scale: number; readonly rows: QualityByMethod } {
  const { width, height } = truth;
  const scale = width / small.width;
  if (!Number.isInteger(scale) || scale < 2 || height !== scale * small.height)
    throw new InputError(
      `${width} × ${height} pixels are no whole multiple of ${small.width} × ${small.height}`,
      where,
      "give pairs as Set5 has them: …_HR.png is 2, 3 or 4 times …_LR.png",
    );
  const enlarged = (picture: Slice<Float32Array>): Slice<Float32Array> => resizeAntialiased(picture, width, height);
  const quality = (found: Slice<Float32Array>): ImageQuality =>
    imageQuality(withoutBorder(clipped(found), scale), withoutBorder(truth, scale));
  const { denoise, enhance } = stages;
  const rows: Record<string, ImageQuality> = { "bicubic interpolation": quality(enlarged(small)) };
  if (enhance !== null) rows.G2 = quality(enhance(enlarged(small)));
  if (enhance !== null && denoise !== null) rows["G1 and G2"] = quality(enhance(enlarged(denoise(small))));
  return { scale, rows };
}

function clipped(picture: Slice<Float32Array>): Slice<Float32Array> {
  return { ...picture, data: picture.data.map((grey) => Math.min(Math.max(grey, 0), 1)) };
}

function withoutBorder({ data, width, height }: Slice<Float32Array>, border: number): Slice<Float32Array> {
  const [w, h] = [width - 2 * border, height - 2 * border];
  const inner = new Float32Array(w * h);
  for (let y = 0; y < h; y++) {
    const from = (y + border) * width + border;
    inner.set(data.subarray(from, from + w), y * w);
  }
  return { data: inner, width: w, height: h };
}
