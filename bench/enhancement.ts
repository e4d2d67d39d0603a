/**
 * What the two generators of the stacked GAN reach after pre-training on photographs, beside interpolation and classical
 * filters; PSNR and SSIM are computed by Python (test/oracles/enhancement.py).
 *
 *   npx tsx bench/enhancement.ts train --stage denoise --photographs BSDS500/train --out DIR [--steps 12000 …]
 *   npx tsx bench/enhancement.ts apply --model DIR --in DIR --out DIR
 *
 * `train` goes on from DIR/checkpoint.safetensors where there is one, and prints processor time, not time of day.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { decodePhotograph } from "../methods/imaging/photograph.ts";
import { openBackend } from "../methods/networks/backend.ts";
import { applyGenerator } from "../methods/networks/sgan/enhance.ts";
import { decodeEnhancer, encodeEnhancer } from "../methods/networks/sgan/enhancer.ts";
import { discriminatorSpecSchema, generatorSpecSchema } from "../methods/networks/sgan/layers.ts";
import { degradationSchema, type Picture } from "../methods/networks/sgan/pairs.ts";
import { trainEnhancer } from "../methods/networks/sgan/trainEnhancer.ts";
import { enhancerOptionsSchema } from "../methods/networks/sgan/trainingOptions.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ stage: { type: "string", default: "denoise" }, photographs: { type: "string" }, out: { type: "string" } },
    ...{ model: { type: "string" }, in: { type: "string" }, steps: { type: "string", default: "12000" } },
    ...{ width: { type: "string", default: "0.375" }, blocks: { type: "string", default: "8" } },
    ...{ patch: { type: "string", default: "32" }, batch: { type: "string", default: "16" } },
    ...{ rate: { type: "string", default: "1e-3" }, norm: { type: "string", default: "none" } },
    ...{ degradation: { type: "string", default: "{}" } },
  },
});

function photographsIn(folder: string): Promise<Picture[]> {
  const read = async (name: string): Promise<Picture> => ({
    id: name,
    pixels: await decodePhotograph(readFileSync(path.join(folder, name)), name),
  });
  return Promise.all(readdirSync(folder).sort().map(read));
}

async function train(): Promise<void> {
  const { stage, photographs: folder, out } = values;
  if (folder === undefined || out === undefined) throw new Error("train needs --photographs and --out");
  mkdirSync(out, { recursive: true });
  const photographs = await photographsIn(folder);
  const width = Number(values.width);
  const spec = {
    generator: generatorSpecSchema.parse({ blocks: Number(values.blocks), width, norm: values.norm }),
    discriminator: discriminatorSpecSchema.parse({ patch: Number(values.patch), width }),
  };
  const options = enhancerOptionsSchema.parse({
    seed: 1,
    batch: Number(values.batch),
    degradation: degradationSchema.parse({ stage, ...JSON.parse(values.degradation) }),
    pretraining: { steps: Number(values.steps), rate: Number(values.rate), lowRate: Number(values.rate) / 100, warmupSteps: 200 },
    adversarial: { steps: 0, rate: 1e-4, lowRate: 1e-5 },
    reportEverySteps: 500,
  });
  const checkpoint = path.join(out, "checkpoint.safetensors");
  const backend = await openBackend();
  const { weights, history } = await trainEnhancer({
    spec,
    options,
    photographs,
    init: null,
    features: null,
    backend,
    resume: existsSync(checkpoint) ? readFileSync(checkpoint) : undefined,
    checkpointEverySteps: 500,
    onCheckpoint(bytes, step) {
      writeFileSync(`${checkpoint}.new`, bytes);
      renameSync(`${checkpoint}.new`, checkpoint);
      const { user, system } = process.cpuUsage();
      console.log(`step ${step}: ${((user + system) / 1e6).toFixed(0)} s of processor time in this process`);
    },
    onStep({ step, pixel }) {
      if (step % 100 === 0) console.log(`${step} ${pixel.toFixed(6)}`);
    },
  });
  for (const record of history) console.log(JSON.stringify(record));
  const files = encodeEnhancer({
    stage: options.degradation.stage,
    ...spec,
    features: null,
    training: { options, pictures: { origin: "photographs", count: photographs.length }, slices: 0, history: [...history] },
    weights,
  });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(out, name), bytes);
}

/** Float32 images `NAME.WIDTHxHEIGHT.f32` (0 … 1) of one folder, by the generator into files of the same names. */
async function apply(): Promise<void> {
  const { model, in: from, out } = values;
  if (model === undefined || from === undefined || out === undefined) throw new Error("apply needs --model, --in and --out");
  mkdirSync(out, { recursive: true });
  const read = (name: string): Buffer => readFileSync(path.join(model, name));
  const files = { "enhancer.json": read("enhancer.json"), "weights.safetensors": read("weights.safetensors") };
  const { generator, weights } = decodeEnhancer(files, model);
  const applied = applyGenerator(generator, weights.generator, await openBackend());
  for (const name of readdirSync(from)) {
    const [width, height] = /\.(\d+)x(\d+)\.f32$/.exec(name)!.slice(1).map(Number);
    const bytes = readFileSync(path.join(from, name));
    const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    writeFileSync(path.join(out, name), applied.apply({ data, width, height }).data);
  }
  applied.dispose();
}

const [command] = positionals;
if (command !== "train" && command !== "apply") throw new Error("say train or apply");
await (command === "train" ? train() : apply());
