import type { Digest, Store } from "../../artifacts/store.ts";
import type { Slice } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import {
  denoisingQuality,
  enlargementQuality,
  FILTER_SIGMAS_PX,
  filterName,
  type QualityByMethod,
} from "../../methods/metrics/enhancementQuality.ts";
import type { Backend } from "../../methods/networks/backend.ts";
import { type AppliedGenerator, applyGenerator } from "../../methods/networks/sgan/enhance.ts";
import { randomStream } from "../../methods/random.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { loadEnhancer } from "../enhancers.ts";
import { readImages } from "../images.ts";
import { putQuality, type QualityLine } from "../quality.ts";
import type { StepBody } from "./step.ts";

/** PSNR and SSIM of both stages of the stacked GAN on pictures that they were not trained on, beside filters and interpolation. */
export const enhancementMeasure: StepBody<StepParams<"enhancement.measure">> = {
  async run({ store, progress, backend }, { params: { noise, seed }, inputs }) {
    const { meta, pictures } = await readImages(store, inputs.images.artifact as Digest);
    const device = await backend();
    const g1 = await stage(store, "denoise", inputs.denoiser?.artifact, device);
    const g2 = await stage(store, "enhance", inputs.enhancer?.artifact, device);
    const denoise = g1 && ((picture: Slice<Float32Array>) => g1.apply(picture));
    const enhance = g2 && ((picture: Slice<Float32Array>) => g2.apply(picture));
    const lines: QualityLine[] = [];
    const take = (image: string, task: string, rows: QualityByMethod): void => {
      for (const [method, quality] of Object.entries(rows)) lines.push({ image, task, method, ...quality });
    };
    const byId = new Map(pictures.map(({ id, pixels }) => [id, fractions(pixels)]));
    try {
      for (const [done, [id, truth]] of [...byId].entries()) {
        progress({ unit: "pictures", done, total: byId.size });
        if (SMALL.test(id)) continue;
        for (const sigma of noise)
          take(id, `denoise σ ${sigma}`, denoisingQuality(truth, sigma, randomStream(seed, `noise ${sigma} on ${id}`), denoise));
        const small = byId.get(id.replace(LARGE, "_LR$1"));
        if (!LARGE.test(id) || small === undefined) continue;
        const { scale, rows } = enlargementQuality(truth, small, { denoise, enhance }, id);
        take(id, `enlarge × ${scale}`, rows);
      }
    } finally {
      g1?.dispose();
      g2?.dispose();
    }
    const measured = bestFilterOnly(lines);
    const images = new Set(measured.map(({ image }) => image)).size;
    if (images === 0)
      throw new InputError("hold nothing to measure on", "the pictures", "give photographs, or pairs called …_HR and …_LR");
    return { outputs: { quality: await putQuality(store, measured, { images, origin: meta.origin }) }, summary: { images } };
  },
};

/** Names of pairs: `img_001_SRF_2_HR.png` beside `img_001_SRF_2_LR.png`. */
const LARGE = /_HR(\.[A-Za-z]+)$/;
const SMALL = /_LR\.[A-Za-z]+$/;

async function stage(
  store: Store,
  wanted: "denoise" | "enhance",
  artifact: string | undefined,
  backend: Backend,
): Promise<AppliedGenerator | null> {
  if (artifact === undefined) return null;
  const { stage: found, generator, weights } = await loadEnhancer(store, artifact as Digest);
  if (found !== wanted)
    throw new InputError(`an enhancer of stage ${found} stands where ${wanted} belongs`, undefined, "exchange the inputs");
  return applyGenerator(generator, weights.generator, backend);
}

function fractions({ data, width, height }: Slice<Uint8Array | Float32Array>): Slice<Float32Array> {
  return { data: Float32Array.from(data, data instanceof Uint8Array ? (grey) => grey / 255 : (grey) => grey), width, height };
}

/**
 * Of the Gaussian filters the one whose mean PSNR is best on these very pictures, for every task: a tuned filter, which knows
 * more of them than a network does.
 */
function bestFilterOnly(lines: readonly QualityLine[]): QualityLine[] {
  const filters = FILTER_SIGMAS_PX.map(filterName);
  const best = new Map<string, string>();
  for (const task of new Set(lines.map((line) => line.task))) {
    const meanOf = (method: string): number => {
      const own = lines.filter((line) => line.task === task && line.method === method);
      return own.reduce((sum, { psnr }) => sum + (psnr ?? Number.POSITIVE_INFINITY), 0) / own.length;
    };
    if (!lines.some((line) => line.task === task && filters.includes(line.method))) continue;
    best.set(
      task,
      filters.reduce((a, b) => (meanOf(b) > meanOf(a) ? b : a)),
    );
  }
  return lines.flatMap((line) => {
    if (!filters.includes(line.method)) return [line];
    return line.method === best.get(line.task) ? [{ ...line, method: `${line.method} (the best of ${filters.length})` }] : [];
  });
}
