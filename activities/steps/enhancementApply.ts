import type { Digest } from "../../artifacts/store.ts";
import { sliceOf, type Volume } from "../../methods/imaging/volume.ts";
import { pictureOfRoi } from "../../methods/labels/initial.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import { roiOfMarks } from "../../methods/labels/trimap.ts";
import { zoomOf, zoomOfDiameter } from "../../methods/labels/zoom.ts";
import { enhancedPictures } from "../../methods/networks/enhancedPictures.ts";
import type { Lesion } from "../../schemas/dataset.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { countShards, readPart } from "../datasets.ts";
import { type EnhancedLesion, gatherEnhanced, putEnhancedPart } from "../enhanced.ts";
import { loadSliceEnhancer } from "../enhancers.ts";
import type { StepBody } from "./step.ts";

type ApplyParams = StepParams<"enhancement.apply">;

/** Original, denoised and enhanced ROI of every lesion (3.4, Figure 8), on one grid. */
export const enhancementApply: StepBody<ApplyParams> = {
  parts: ({ store }, { inputs }) => countShards(store, inputs.lesions.artifact as Digest),

  async run({ store, progress, backend }, { params, inputs, part }) {
    const lesions = await readPart(store, inputs.lesions.artifact as Digest, part!);
    const stages = { denoiser: inputs.denoiser?.artifact as Digest, enhancer: inputs.enhancer?.artifact as Digest };
    const enhancer = params.method === "bicubic" ? null : await loadSliceEnhancer(store, stages, await backend());
    const made: EnhancedLesion[] = [];
    try {
      for (const [done, { lesion, image }] of lesions.entries()) {
        progress({ unit: "lesions", done, total: lesions.length });
        const { id, window } = lesion;
        const box = roiOfMarks(lesion, image.dims[0], image.dims[1]);
        const zoom = zoomFor(lesion, { width: box.x1 - box.x0, height: box.y1 - box.y0 }, params.zoom);
        const slices = slicesAround(lesion, image, params.slices);
        const pictures = [];
        for (const z of slices)
          pictures.push(await enhancedPictures(pictureOfRoi(sliceOf(image, z), lesion, window), zoom, enhancer));
        made.push({ id, zoom, box, window, slices, pictures });
      }
    } finally {
      enhancer?.dispose();
    }
    return { outputs: { part: await putEnhancedPart(store, made) } };
  },

  gather: ({ store }, { params: { method }, inputs: { denoiser, enhancer } }, parts) =>
    gatherEnhanced(store, parts, {
      method,
      ...(denoiser === undefined ? {} : { denoiser: denoiser.artifact }),
      ...(enhancer === undefined ? {} : { enhancer: enhancer.artifact }),
    }),
};

function zoomFor(lesion: Lesion, roi: { width: number; height: number }, zoom: ApplyParams["zoom"]): number {
  return typeof zoom === "object" ? zoomOfDiameter(lengthMm(lesion.long, [1, 1, 1]), zoom.longAxisPx) : zoomOf(roi, zoom);
}

/** The RECIST slice and up to `reach` on either side, as far as the scan has them. */
function slicesAround({ slice }: Lesion, { dims }: Volume, reach: ApplyParams["slices"]): number[] {
  const count = reach === "key" ? 0 : reach;
  return Array.from({ length: 2 * count + 1 }, (_, i) => slice - count + i).filter((z) => z >= 0 && z < dims[2]);
}
