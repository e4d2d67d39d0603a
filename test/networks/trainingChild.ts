/**
 * Trains a tiny network in a process of its own: `trainingChild.ts CASE FOLDER [CHECKPOINT] [DIE_AT_STEP]`.
 * Writes checkpoints to FOLDER/<step>.safetensors and prints the SHA-256 of the final model files.
 * With DIE_AT_STEP the process kills itself (SIGKILL) in that step.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { openBackend } from "../../methods/networks/backend.ts";
import { lesionTrainingSet } from "../../methods/networks/lesionSet.ts";
import { encodeModel } from "../../methods/networks/model.ts";
import { preprocessingSchema } from "../../methods/networks/preprocess.ts";
import { networkSpecSchema } from "../../methods/networks/spec.ts";
import { train } from "../../methods/networks/train.ts";
import { trainingOptionsSchema } from "../../methods/networks/trainingOptions.ts";
import { blobs, markedBlobs } from "./blobs.ts";

const [name, folder, resumeFrom, dieAt] = process.argv.slice(2);
const cases = {
  hnn: {
    spec: { network: "hnn", width: 1 / 16, norm: "batch" },
    options: { keep: "best", loss: { dice: 0.5 }, adam: { weightDecay: 0.01 }, patience: 1 },
  },
  drawn: {
    spec: { network: "hnn", width: 1 / 16, norm: "batch" },
    options: {
      schedule: "cosine",
      warmupSteps: 3,
      adam: { weightDecay: 1e-4 },
      sampling: { per: "lesion", keySlice: 0.3 },
      augmentation: {
        from: "image",
        flip: true,
        rotation: "any",
        window: 0.06,
        marks: { length: 0.2, lengthShare: 0.6, shiftPx: 0.3, absent: 0.2, boxLength: 0.25, boxShift: 0.06 },
        intensity: { gain: 0.15, shift: 0.1, noise: 0.12 },
      },
    },
  },
  unet: { spec: { network: "unet", width: 1 / 16 }, options: { schedule: "cosine", warmupSteps: 3, lowRate: 1e-5 } },
};
const { spec, options } = cases[name as keyof typeof cases];
const channels = name === "drawn" ? (["window", "relative@key", "ellipsoid"] as const) : (["window"] as const);
const preprocessing = preprocessingSchema.parse({ crop: { size: 24 }, channels });
const network = networkSpecSchema.parse({ ...spec, channels: channels.length });
const training = trainingOptionsSchema.parse({
  seed: 3,
  batch: 4,
  maxEpochs: 4,
  rate: 3e-3,
  validationFraction: 0.25,
  augmentation: { flip: true, rotation: "any", intensity: { noise: 0.1 } },
  ...options,
});
let steps = 0;
const { weights, history } = await train({
  spec: network,
  preprocessing,
  init: null,
  samples: name === "drawn" ? lesionTrainingSet(markedBlobs(16, 48, 1), preprocessing, training) : blobs(16, 24, 1),
  options: training,
  backend: await openBackend({ prefer: "node" }),
  resume: resumeFrom ? readFileSync(resumeFrom) : undefined,
  checkpointEverySteps: 1,
  onStep: () => {
    if (++steps === Number(dieAt)) process.kill(process.pid, "SIGKILL");
  },
  onCheckpoint: (bytes, { epoch, step }) => writeFileSync(`${folder}/${epoch}-${step}.safetensors`, bytes),
});
const files = encodeModel({ spec: network, preprocessing, training: { options: training, history: [...history] }, weights });
console.log(createHash("sha256").update(files["model.json"]).update(files["weights.safetensors"]).digest("hex"));
