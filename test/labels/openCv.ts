import { createRequire } from "node:module";
import type openCv from "@techstark/opencv-js";
import type { Slice } from "../../methods/imaging/volume.ts";

/** OpenCV compiled to WebAssembly, as the judge of our GrabCut. */
export type OpenCv = typeof openCv;

export function loadOpenCv(): Promise<OpenCv> {
  // By `require`: the module is itself a promise, whatever its types say, which wrappers of `import` do not survive.
  return createRequire(import.meta.url)("@techstark/opencv-js") as Promise<OpenCv>;
}

/** OpenCV's regions after five rounds from a mask, on the grey picture repeated in three channels. */
export function openCvGrabCut(cv: OpenCv, image: Slice<Uint8Array>, trimap: Uint8Array, seed: number): Uint8Array {
  const colour = new cv.Mat(image.height, image.width, cv.CV_8UC3);
  const mask = new cv.Mat(image.height, image.width, cv.CV_8UC1);
  const [background, foreground] = [new cv.Mat(), new cv.Mat()];
  try {
    for (let p = 0; p < image.data.length; p++) colour.data.fill(image.data[p], 3 * p, 3 * p + 3);
    mask.data.set(trimap);
    cv.setRNGSeed(seed);
    cv.grabCut(colour, mask, new cv.Rect(0, 0, 1, 1), background, foreground, 5, cv.GC_INIT_WITH_MASK);
    return mask.data.slice();
  } finally {
    for (const mat of [colour, mask, background, foreground]) mat.delete();
  }
}
