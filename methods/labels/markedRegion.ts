import type { HuWindow, Slice, Vec3, Volume } from "../imaging/volume.ts";
import { marksRadius } from "./marksRadius.ts";
import { boundingBox, intersection, lengthMm, type RecistMarks } from "./recist.ts";

/** The box around the marks in which a lesion is sought. Arrays `[z, y, x]`. */
export interface MarkedRegion {
  /** First voxel of the box in the volume. */
  readonly start: Vec3;
  readonly dims: Vec3;
  readonly spacingMm: Vec3;
  /** The RECIST slice, counted from the box's first. */
  readonly keySlice: number;
  readonly window: HuWindow;
  /** HU within the window. */
  readonly hu: Float32Array;
  /** The marks' radius of every pixel of a slice, `[y, x]`. */
  readonly radius: Float32Array;
  /** Distance of every slice from the RECIST slice in half long diameters, signed. */
  readonly height: Float32Array;
  readonly longMm: number;
  /** What a network says about every voxel, as log odds of lesion; 0 where it was not asked. */
  readonly networkLogOdds?: Float32Array;
}

/**
 * The box that holds every voxel with a marks' radius below `outermost` on slices within `reach` half long diameters.
 *
 * @throws RangeError where the box would be empty: the marks lie off the image.
 */
export function regionAround(
  { data, dims, spacingMm }: Pick<Volume, "data" | "dims" | "spacingMm">,
  marks: RecistMarks,
  window: HuWindow,
  outermost: number,
  reach: number,
): MarkedRegion {
  const [width, height, depth] = dims;
  const [ox, oy] = intersection(marks);
  const { low, high } = boundingBox(marks);
  // Quarter ellipses reach at most √2 as far as their end points when the axes are oblique.
  const far = Math.ceil(outermost * Math.SQRT2 * Math.max(high[0] - ox, ox - low[0], high[1] - oy, oy - low[1], 1));
  const radiusAt = marksRadius(marks);
  let [x0, y0, x1, y1] = [width, height, -1, -1];
  for (let y = Math.max(0, Math.floor(oy) - far); y <= Math.min(height - 1, Math.ceil(oy) + far); y++) {
    for (let x = Math.max(0, Math.floor(ox) - far); x <= Math.min(width - 1, Math.ceil(ox) + far); x++) {
      if (radiusAt(x, y) >= outermost) continue;
      [x0, x1] = [Math.min(x0, x), Math.max(x1, x)];
      [y0, y1] = [Math.min(y0, y), Math.max(y1, y)];
    }
  }
  if (x1 < 0) throw new RangeError(`the marks lie off the slice of ${width} × ${height} pixels`);
  const longMm = lengthMm(marks.long, spacingMm);
  const slices = Math.floor((reach * longMm) / 2 / spacingMm[2]);
  const z0 = Math.max(0, marks.slice - slices);
  const [nx, ny, nz] = [x1 - x0 + 1, y1 - y0 + 1, Math.min(depth - 1, marks.slice + slices) - z0 + 1];

  const hu = new Float32Array(nx * ny * nz);
  const radius = new Float32Array(nx * ny);
  for (let y = 0, p = 0; y < ny; y++) for (let x = 0; x < nx; x++, p++) radius[p] = radiusAt(x0 + x, y0 + y);
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      const row = ((z0 + z) * height + y0 + y) * width + x0;
      for (let x = 0; x < nx; x++, i++) hu[i] = Math.min(Math.max(data[row + x], window.low), window.high);
    }
  }
  return {
    start: [x0, y0, z0],
    dims: [nx, ny, nz],
    spacingMm,
    keySlice: marks.slice - z0,
    window,
    hu,
    radius,
    height: Float32Array.from({ length: nz }, (_, z) => ((z0 + z - marks.slice) * spacingMm[2]) / (longMm / 2)),
    longMm,
  };
}

/**
 * The region with the outputs of a network on some slices.
 *
 * @param outputs probabilities of lesion on whole slices, by slice of the volume.
 * @param surest outputs are taken for at most as sure as this probability and its complement.
 */
export function withNetwork(
  region: MarkedRegion,
  outputs: ReadonlyMap<number, Slice<Float32Array>>,
  surest: number,
): MarkedRegion {
  const [nx, ny, nz] = region.dims;
  const [x0, y0, z0] = region.start;
  const networkLogOdds = new Float32Array(nx * ny * nz);
  for (const [slice, { data, width }] of outputs) {
    const z = slice - z0;
    if (z < 0 || z >= nz) continue;
    for (let y = 0, i = z * nx * ny; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        const p = Math.min(Math.max(data[(y0 + y) * width + x0 + x], 1 - surest), surest);
        networkLogOdds[i] = Math.log(p / (1 - p));
      }
    }
  }
  return { ...region, networkLogOdds };
}

/** The region on an in-plane grid of `factor` × `factor` pixels, each the mean of the pixels in it. */
export function coarsened(region: MarkedRegion, factor: number): MarkedRegion {
  const { dims, spacingMm, hu, radius, networkLogOdds } = region;
  const [nx, ny, nz] = dims;
  const coarse: Vec3 = [Math.ceil(nx / factor), Math.ceil(ny / factor), nz];
  return {
    ...region,
    dims: coarse,
    spacingMm: [spacingMm[0] * factor, spacingMm[1] * factor, spacingMm[2]],
    hu: meansOfBlocks(hu, dims, factor),
    radius: meansOfBlocks(radius, [nx, ny, 1], factor),
    ...(networkLogOdds && { networkLogOdds: meansOfBlocks(networkLogOdds, dims, factor) }),
  };
}

/** Means over blocks of `factor` × `factor` pixels of every slice; blocks at the far edges may be smaller. */
export function meansOfBlocks(data: Float32Array, [nx, ny, nz]: Vec3, factor: number): Float32Array {
  const [cx, cy] = [Math.ceil(nx / factor), Math.ceil(ny / factor)];
  const means = new Float32Array(cx * cy * nz);
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < cy; y++) {
      for (let x = 0; x < cx; x++, i++) {
        const [endX, endY] = [Math.min(nx, (x + 1) * factor), Math.min(ny, (y + 1) * factor)];
        let sum = 0;
        for (let v = y * factor; v < endY; v++) for (let u = x * factor; u < endX; u++) sum += data[(z * ny + v) * nx + u];
        means[i] = sum / ((endX - x * factor) * (endY - y * factor));
      }
    }
  }
  return means;
}

/** A mask of the coarse grid on the fine one of `dims`: in every slice, where its bilinear interpolation is at least ½. */
export function refined(mask: Uint8Array, [nx, ny, nz]: Vec3, factor: number): Uint8Array {
  const [cx, cy] = [Math.ceil(nx / factor), Math.ceil(ny / factor)];
  const fine = new Uint8Array(nx * ny * nz);
  for (let y = 0; y < ny; y++) {
    const v = Math.min(Math.max((y + 0.5) / factor - 0.5, 0), cy - 1);
    const [top, down] = [Math.floor(v), v % 1];
    const below = Math.min(top + 1, cy - 1);
    for (let x = 0; x < nx; x++) {
      const u = Math.min(Math.max((x + 0.5) / factor - 0.5, 0), cx - 1);
      const [left, right] = [Math.floor(u), u % 1];
      const beside = Math.min(left + 1, cx - 1);
      for (let z = 0; z < nz; z++) {
        const row = z * cy;
        const upper = mask[(row + top) * cx + left] * (1 - right) + mask[(row + top) * cx + beside] * right;
        const lower = mask[(row + below) * cx + left] * (1 - right) + mask[(row + below) * cx + beside] * right;
        if (upper * (1 - down) + lower * down >= 0.5) fine[(z * ny + y) * nx + x] = 1;
      }
    }
  }
  return fine;
}
