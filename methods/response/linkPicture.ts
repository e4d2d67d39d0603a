import { resampleSquare, resampleSquareLabels } from "../imaging/resample.ts";
import { sliceOf, type Volume } from "../imaging/volume.ts";
import { ellipseMask } from "../labels/ellipse.ts";
import { centreOf, type RecistMarks } from "../labels/recist.ts";

/** A lesion at one time point, cut out for a comparison with another. */
export interface LinkPicture {
  /** HU, `[2 · neighbours + 1, n, n]`; the RECIST slice is in the middle. */
  readonly hu: Int16Array;
  /** The ellipse of the marks, 0/1, on the middle slice of the same grid. */
  readonly marked: Uint8Array;
}

/**
 * The square of `sideMm` around the marks as n × n pixels on the RECIST slice and its neighbours; the last slice of the image
 * stands for those beyond it. Two lesions cut out alike can be looked at side by side at one scale.
 */
export function linkPicture(image: Volume, marks: RecistMarks, sideMm: number, n: number, neighbours: number): LinkPicture {
  const depth = 2 * neighbours + 1;
  const hu = new Int16Array(depth * n * n);
  const marked = new Uint8Array(depth * n * n);
  const centre = centreOf(marks);
  const sidePx = sideMm / Math.sqrt(image.spacingMm[0] * image.spacingMm[1]);
  for (let k = 0; k < depth; k++) {
    const z = Math.min(Math.max(marks.slice + k - neighbours, 0), image.dims[2] - 1);
    const { data } = resampleSquare(sliceOf<Int16Array | Float32Array>(image, z), centre, sidePx, n);
    hu.set(data.map(Math.round), k * n * n);
  }
  const [width, height] = image.dims;
  const ellipse = { data: ellipseMask(marks, width, height), width, height };
  marked.set(resampleSquareLabels(ellipse, centre, sidePx, n).data, neighbours * n * n);
  return { hu, marked };
}
