import { z } from "zod";
import { fractionSchema, seedSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";

const rate = z.number().gt(0).max(1);

const optimizerSchema = z.strictObject({
  adam: z
    .strictObject({
      rate: rate.default(5e-5).describe("Learning rate (§4: 5e-5)"),
      lowRate: rate.default(1e-5).describe("Learning rate after the plateau (§4: 1e-5)"),
      beta1: fractionSchema.default(0.9).describe("Decay of the gradients' mean"),
      beta2: fractionSchema.default(0.999).describe("Decay of the squared gradients' mean"),
      weightDecay: z.number().min(0).max(1).default(0).describe("Decoupled decay of kernels (AdamW); 0 = none"),
    })
    .prefault({})
    .describe("Adam"),
});

const lossSchema = z.strictObject({
  classBalanced: z.boolean().default(false).describe("Weigh the two classes equally (HED) instead of Equation 1's plain mean"),
  dice: z.number().min(0).max(10).default(0).describe("Weight of an added soft Dice loss; 0 = Equation 1 alone"),
});

const shareSchema = z.number().min(0).max(1);

const marksSchema = z.strictObject({
  length: z
    .number()
    .min(0)
    .max(0.9)
    .default(0)
    .describe("Redraw the marks as another reader might: each axis × 1 ± this about the intersection"),
  lengthShare: shareSchema.default(1).describe("Share of the samples whose axes change length"),
  shiftPx: z.number().min(0).max(10).default(0).describe("Standard deviation of a shift of each end point, in pixels"),
  shiftShare: shareSchema.default(1).describe("Share of the samples whose end points shift"),
  absent: shareSchema
    .default(0)
    .describe(
      "Share of the samples without marks: their channels are 0 and the crop lies around a box, so that the network also works from a box",
    ),
  boxLength: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("Without marks: the box's side × exp(± this), where 1 is the crop that the marks give"),
  boxShift: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe("Without marks: standard deviation of the box's centre, in long diameters"),
  beside: shareSchema
    .optional()
    .describe(
      "Share of the samples that show, without marks, a place 0.75 to 1.5 long diameters from the lesion's middle: what a search (`lesions.propose`) must not take for a lesion; the lesions need CT around them (`reach` 2.5). None if absent",
    ),
});

const augmentSchema = z
  .strictObject({
    from: z
      .enum(["crop", "image"])
      .default("crop")
      .describe(
        "crop: the network's input is changed after it was cut; image: it is cut anew out of the image in every epoch, interpolated once, which also allows `marks`, `window` and sampling by lesion",
      ),
    flip: z.boolean().default(false).describe("Mirror left and right, up and down, each with probability 1/2"),
    rotation: z.enum(["none", "quarter", "any"]).default("none").describe("Turn by a multiple of 90 degrees, or by any angle"),
    scale: z.number().min(0).max(1).default(0).describe("Change the size by up to exp(± this)"),
    translation: z
      .number()
      .min(0)
      .max(0.5)
      .default(0)
      .describe("Move the crop by up to ± this fraction of its side along each axis"),
    intensity: z
      .strictObject({
        gain: z.number().min(0).max(1).default(0).describe("Multiply grey values by up to 1 ± this"),
        shift: z.number().min(0).max(1).default(0).describe("Add up to ± this to normalised grey values"),
        noise: z
          .number()
          .min(0)
          .max(1)
          .default(0)
          .describe("Largest standard deviation of added noise, in normalised grey values"),
      })
      .prefault({})
      .describe("Random changes of grey values"),
    marks: marksSchema.prefault({}).describe("Random changes of the marks (`from: image`)"),
    window: z
      .number()
      .min(0)
      .max(0.5)
      .default(0)
      .describe("Standard deviation of both ends of the display window, as a share of its width (`from: image`)"),
  })
  .refine(
    ({ from, marks, window }) =>
      from === "image" || (window === 0 && marks.length + marks.shiftPx + marks.absent + (marks.beside ?? 0) === 0),
    {
      path: ["from"],
      message: "must be `image` for changed marks and windows",
    },
  );

const samplingSchema = z.strictObject({
  per: z
    .enum(["slice", "lesion"])
    .default("slice")
    .describe(
      "slice: an epoch shows every labelled slice once; lesion: one labelled slice of every lesion (`augment.from: image`)",
    ),
  keySlice: shareSchema
    .default(0)
    .describe("Per lesion: probability of the RECIST slice; else any labelled slice, with equal chances"),
});

// biome-ignore format: one line a group
const channelNames = [
  "window", "window-1", "window+1", "window@key",
  "relative", "relative-1", "relative+1", "relative@key",
  "ellipse", "ellipsoid", "distance",
  "denoised", "enhanced",
] as const;

const isDerived = (channel: string): boolean => channel === "denoised" || channel === "enhanced";

const epochs = z.int().min(1).max(10_000).describe("Passes over the training slices at most");
const batch = z.int().min(1).max(1024).describe("Slices per step");
const warmup = z.int().min(0).max(1_000_000).describe("Steps in which the rate rises from 0 (schedule cosine)");
const patience = z
  .int()
  .min(1)
  .max(1000)
  .describe("Epochs without a lower validation loss until the rate drops, and again until training ends");
const validation = z
  .number()
  .min(0)
  .max(0.5)
  .describe("Share of the patients whose slices measure the plateau; 0 = the training loss does");
const checkpointEverySteps = z
  .int()
  .min(1)
  .max(1_000_000)
  .describe("Steps between checkpoints: the most that is lost when a machine dies");

/** What a self-paced round may train differently from θ⁰; what is absent stays as it was. */
export const trainingOverridesSchema = z
  .strictObject({
    epochs: epochs.optional(),
    batch: batch.optional(),
    rate: rate.optional().describe("Adam's learning rate"),
    lowRate: rate.optional().describe("Adam's learning rate after the plateau"),
    warmup: warmup.optional(),
    patience: patience.optional(),
    validation: validation.optional(),
    checkpointEverySteps: checkpointEverySteps.optional(),
    seed: seedSchema.optional().describe("Seed of order and augmentation"),
  })
  .prefault({})
  .describe("Training of each round, where it differs from that of the model that came in");

export const networkTrain = {
  kind: "network.train",
  version: 3,
  queue: "gpu",
  numerics: "network",
  shape: "single",
  checkpoints: true,
  summary: "trains a slice-wise segmentation network on label maps (§3.2, Equation 1)",
  params: z
    .strictObject({
      network: z
        .enum(["hnn", "unet"])
        .default("hnn")
        .describe("hnn: VGG-16 with side outputs (holistically nested); unet: U-Net"),
      width: z.number().gt(0).max(2).default(1).describe("Multiple of the published number of feature maps"),
      channels: z
        .array(z.enum(channelNames))
        .min(1)
        .max(16)
        .default(["window"])
        .describe(
          "What the input shows: the slice in its display window (the paper's), its neighbours, grey values relative to the lesion's core, where the marks lie, or the slice denoised and enhanced by the stacked GAN (§3.4: window, denoised, enhanced; Table 3: window, enhanced)",
        ),
      outputStart: z
        .enum(["small", "he"])
        .optional()
        .describe(
          "How output layers start: small, so that the first predictions are near ½ (if absent: hnn), or random like all others (if absent: unet, which small ones can leave at ½)",
        ),
      norm: z
        .enum(["none", "batch"])
        .default("none")
        .describe(
          "Normalisation after each convolution; the published networks have none, training from random weights needs it",
        ),
      crop: z
        .strictObject({
          factor: z.number().min(1).max(4).default(2).describe("Side of the square crop around the marks, in long diameters"),
          size: z
            .union([
              z.literal("native"),
              z.int().min(16).max(512),
              z.strictObject({ longAxisPx: z.int().min(8).max(512).describe("Pixels that the long diameter is to have") }),
            ])
            .default("native")
            .describe(
              "native: the image's own pixels; a number: the side in pixels to which every crop is resampled; longAxisPx: at the lesion's zoom, 2 to 5, so that inputs differ in size. Enhanced slices are made at the zoom of the input, at least 2 and at most 5",
            ),
        })
        .prefault({})
        .describe("What the network sees of a slice"),
      stack: z
        .strictObject({
          planes: z
            .int()
            .min(3)
            .max(63)
            .refine((planes) => planes % 2 === 1, "must be odd: one plane is the RECIST slice")
            .describe("Planes, at equal distances"),
          reach: z
            .number()
            .min(0.25)
            .max(3)
            .default(0.9)
            .describe("Distance of the outermost planes from the RECIST slice, in long diameters"),
        })
        .optional()
        .describe(
          "The network looks at the whole lesion at once, as a stack of planes with convolutions across them (network unet); if absent, at every slice by itself. An epoch shows every lesion once, and `batch` counts lesions",
        ),
      optimizer: optimizerSchema.prefault({}).describe("How weights are moved"),
      schedule: z
        .enum(["plateau", "cosine"])
        .default("plateau")
        .describe(
          "plateau: `rate`, then `lowRate` when the validation loss stops falling (§4); cosine: from `rate` down to `lowRate` over all epochs",
        ),
      epochs: epochs.default(40),
      batch: batch.default(8),
      warmup: warmup.default(0),
      sampling: samplingSchema.prefault({}).describe("What an epoch shows"),
      patience: patience.default(5),
      validation: validation.default(0.1),
      loss: lossSchema.prefault({}).describe("What is minimised"),
      augment: augmentSchema.prefault({}).describe("Random changes of training slices"),
      checkpointEverySteps: checkpointEverySteps.default(100),
      weights: z
        .string()
        .min(1)
        .optional()
        .describe(
          "Safetensors file with weights to start from, e.g. VGG-16's from ImageNet under torchvision's names; random if absent; path as for `root`",
        ),
      seed: seedSchema.default(1).describe("Seed of initial weights, order and augmentation"),
    })
    .refine(({ augment, sampling }) => augment.from === "image" || sampling.per === "slice", {
      path: ["sampling", "per"],
      message: "`lesion` needs inputs that are drawn from the image (`augment.from: image`)",
    })
    .refine(({ augment, crop }) => augment.from === "crop" || typeof crop.size === "number", {
      path: ["crop", "size"],
      message: "must be a number of pixels for inputs that are drawn from the image (`augment.from: image`)",
    })
    .refine(({ augment, channels }) => augment.from === "crop" || !channels.some(isDerived), {
      path: ["augment", "from"],
      message: "must be `crop` for channels denoised and enhanced: these slices are made once, not drawn anew in every epoch",
    })
    .refine(({ stack, network }) => stack === undefined || network === "unet", {
      path: ["network"],
      message: "must be `unet` for stacks",
    })
    .refine(({ stack, augment }) => stack === undefined || augment.from === "image", {
      path: ["augment", "from"],
      message: "must be `image` for stacks: their planes are drawn together",
    })
    .overwrite((params) => (params.network === "unet" ? { ...params, outputStart: params.outputStart ?? "he" } : params)),
  external: ["weights"],
  inputs: {
    images: { type: "dataset", summary: "the lesions whose slices are learned from" },
    labels: { type: "labels", summary: "label maps of those lesions" },
    init: { type: "model", summary: "a model to go on from, instead of `weights`", optional: true },
    denoiser: { type: "enhancer", summary: "first stage of the stacked GAN (channels denoised, enhanced)", optional: true },
    enhancer: { type: "enhancer", summary: "second stage of the stacked GAN (channels denoised, enhanced)", optional: true },
  },
  checkInputs: ({ channels, weights }, given) => {
    if (given.has("init") && weights !== undefined) return "goes on from a model: leave `weights` out";
    const stages = ["denoiser", "enhancer"].filter((stage) => given.has(stage));
    if (given.has("init")) return stages.length === 0 ? null : "the model to go on from brings its own stacked GAN";
    const derived = (channels as readonly string[]).filter(isDerived);
    if (derived.length > 0 && stages.length < 2) return `channel ${derived[0]} needs inputs \`denoiser\` and \`enhancer\``;
    return derived.length === 0 && stages.length > 0 ? "the stacked GAN is for channels denoised and enhanced" : null;
  },
  outputs: { model: { type: "model", summary: "weights and everything needed to apply them" } },
} as const satisfies StepKind;
