import { z } from "zod";
import type { StepInputPort } from "./stepKind.ts";

/** Methods that look at the RECIST slice. */
const pictureMethods = ["dcrf", "grabcut", "grabcut-i", "grabcut-r", "grabcut-r-sr", "grabcut-prior"] as const;
/** From the marks to the lesion on the RECIST slice. */
export const sliceMethods = ["recist", ...pictureMethods, "ellipse"] as const;
/** From the marks to the volume. */
export const volumeMethods = ["grabcut-3d", "grabcut-3de", "grabcut-prior-3d", "ellipsoid"] as const;
/** From the marks, or the true mask, to labels. */
export const labelMethods = ["recist", "recist-trimap", ...pictureMethods, "grabcut-prior-3d", "ellipse", "reference"] as const;

const weight = z.number().min(0).max(1000);
const positionPx = z.number().gt(0).max(1000);

/** Parameters of the fully connected CRF. The defaults are explained at BOX_CRF in methods/labels/boxCrf.ts. */
const dcrfSchema = z.strictObject({
  confidence: z
    .number()
    .gt(0.5)
    .lt(1)
    .default(0.9)
    .describe("Probability of the label of a pixel that box and centre are sure of; ½ where they are not"),
  appearance: z
    .strictObject({
      weight: weight.default(1).describe("w⁽¹⁾: weight of the kernel that joins near pixels of like grey"),
      positionPx: positionPx.default(3).describe("θ_α: its standard deviation in pixels"),
      grey: z
        .number()
        .gt(0)
        .max(1000)
        .default(13)
        .describe("θ_β: its standard deviation in grey levels; the display window has 256"),
    })
    .prefault({})
    .describe("Appearance kernel"),
  smoothness: z
    .strictObject({
      weight: weight.default(1).describe("w⁽²⁾: weight of the kernel that joins near pixels whatever their grey"),
      positionPx: positionPx.default(1).describe("θ_γ: its standard deviation in pixels"),
    })
    .prefault({})
    .describe("Smoothness kernel"),
  iterations: z.int().min(1).max(100).default(10).describe("Mean field updates"),
});

/** Parameters of single methods of `labels.initial` and `segmentation.classical`. */
export const methodParams = {
  dcrf: dcrfSchema.optional().describe("Parameters of method dcrf"),
  zoom: z
    .union([z.literal("auto"), z.number().min(2).max(5)])
    .optional()
    .describe(
      "Enlargement for method grabcut-r-sr without input `enhanced`, which has its own; auto (the default): the whole number that brings the ROI nearest to 128 pixels",
    ),
};

interface MethodParams {
  readonly method: string;
  readonly dcrf?: z.output<typeof dcrfSchema>;
  readonly zoom?: number | "auto";
}

/** Refuses parameters of a method that is not the one asked for. */
export function checkMethodParams({ method, dcrf, zoom }: MethodParams, context: z.RefinementCtx): void {
  const refuse = (name: string, of: string): void => {
    context.addIssue({ code: "custom", path: [name], message: `is for method ${of}; this is method ${method}` });
  };
  if (dcrf !== undefined && method !== "dcrf") refuse("dcrf", "dcrf");
  if (zoom !== undefined && method !== "grabcut-r-sr") refuse("zoom", "grabcut-r-sr");
}

/** Fills in the parameters of the method asked for. */
export function withMethodParams<P extends MethodParams>(params: P): P {
  if (params.method === "dcrf") return { ...params, dcrf: params.dcrf ?? dcrfSchema.parse({}) };
  return params.method === "grabcut-r-sr" ? { ...params, zoom: params.zoom ?? "auto" } : params;
}

/** Pictures on which method grabcut-r-sr is to cut. */
export const enhancedPort = {
  type: "enhanced",
  summary: "enhanced slices of these lesions for method grabcut-r-sr; if absent, it enlarges by bicubic interpolation",
  optional: true,
} as const satisfies StepInputPort;

export function checkEnhancedInput({ method }: Readonly<Record<string, unknown>>, given: ReadonlySet<string>): string | null {
  return given.has("enhanced") && method !== "grabcut-r-sr"
    ? `input \`enhanced\` is for method grabcut-r-sr; this is method ${String(method)}`
    : null;
}
