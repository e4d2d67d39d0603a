import { canonicalJson } from "../../artifacts/canonicalJson.ts";
import { sha256 } from "../../artifacts/digest.ts";
import type { ArtifactFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { checkSameGrid } from "../../methods/imaging/sameGrid.ts";
import type { Mask } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { encodeSafetensors, type Tensor } from "../../methods/networks/safetensors.ts";
import { drawnLesions, firstIsLeft, shuffled } from "../../methods/reading/blinding.ts";
import type { BlobEntry } from "../../schemas/artifacts.ts";
import type { Case } from "../../schemas/cases.ts";
import type { Lesion } from "../../schemas/dataset.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { type StudyKey, studyKeySchema } from "../../schemas/study.ts";
import { studyAnswers } from "../../schemas/studyProtocols.ts";
import { markFacts, putCases } from "../cases.ts";
import { type LesionImage, openDataset, readShard, safetensorsType } from "../datasets.ts";
import { openPredictions, readPredictedMask } from "../predictions.ts";
import { namedInputs, type StepBody } from "./step.ts";

interface Source {
  readonly name: string;
  readonly digest: Digest;
  /** Whether it has a mask of this lesion. */
  has(lesion: Lesion): boolean;
  maskOf(lesion: LesionImage): Promise<Mask>;
}

/** Section 4.1: masks copied under anonymous names, in random order; the key goes into a blob of its own. */
export const studyPrepare: StepBody<StepParams<"study.prepare">> = {
  async run({ store, progress }, { params, inputs }) {
    const dataset = await openDataset(store, inputs.lesions.artifact as Digest);
    const sources = await sourcesOf(store, params, inputs, dataset.digest);
    const lesions = dataset.lesions.filter((lesion) => sources.every((source) => source.has(lesion)));
    if (lesions.length === 0)
      throw new InputError("no lesion has a mask of every source", sources.map(({ name }) => name).join());
    // What is drawn depends on the masks, so that who knows the seed alone cannot work it out.
    const secret = sha256(canonicalJson({ dataset: dataset.digest, sources: sources.map(({ digest }) => digest) }));
    const { seed } = params;
    const strata = lesions.map(({ category }) => (params.strata === "none" ? "" : category));
    const shares = params.strata === "equal" ? "equal" : "proportional";
    const drawn = drawnLesions(strata, params.lesions, shares, seed, secret).map((i) => lesions[i]);
    const plan = planned(params.study, drawn, sources, seed, secret);

    const files: ArtifactFile[] = [];
    const cases = new Array<Case>(plan.length);
    const byShard = new Map<number, number[]>();
    for (const [place, { lesion }] of plan.entries()) byShard.set(lesion.shard, [...(byShard.get(lesion.shard) ?? []), place]);
    let done = 0;
    for (const [shard, places] of [...byShard].sort(([a], [b]) => a - b)) {
      const images = new Map((await readShard(store, dataset, shard)).map((one) => [one.lesion.id, one]));
      for (const place of places) {
        progress({ unit: "cases", done: done++, total: plan.length });
        const { lesion, masks } = plan[place];
        const image = images.get(lesion.id)!;
        const of = await Promise.all(masks.map((source) => checkedMask(source, image)));
        const put = await putCase(store, caseId(place), image, of, params);
        cases[place] = put.shown;
        files.push(...put.files);
      }
    }
    const leftOut = { withoutMask: dataset.lesions.length - lesions.length, notDrawn: lesions.length - drawn.length };
    const key = { study: params.study, leftOut, ...keyOf(dataset, sources, plan) };
    const nonce = sha256(canonicalJson({ secret, seed, key }));
    const sealed = await store.putBlob(Buffer.from(canonicalJson(studyKeySchema.parse({ ...key, nonce }))));
    const artifact = await putCases(store, { title: params.title, sealed, answers: studyAnswers(params.study) }, cases, files);
    const summary = { cases: plan.length, lesions: drawn.length };
    const { withoutMask } = leftOut;
    return {
      outputs: { cases: artifact },
      summary: withoutMask === 0 ? summary : { ...summary, "without a mask of every source": withoutMask },
    };
  },
};

const caseId = (place: number): string => `case-${String(place + 1).padStart(5, "0")}`;

async function sourcesOf(
  store: Store,
  { study, reference, show }: StepParams<"study.prepare">,
  inputs: Parameters<typeof namedInputs>[0],
  dataset: Digest,
): Promise<Source[]> {
  const sources: Source[] = await Promise.all(
    Object.entries(namedInputs(inputs, "masks")).map(async ([name, { artifact }]) => {
      const predictions = await openPredictions(store, artifact as Digest);
      if (show === "volume" && predictions.meta.dimension === "2D")
        throw new InputError("has masks of the RECIST slice alone", `source ${name}`, "give `show: slice`");
      return {
        name,
        digest: predictions.digest,
        has: ({ id }) => predictions.lines.has(id),
        maskOf: ({ lesion }) => readPredictedMask(store, predictions, lesion.id),
      };
    }),
  );
  if (reference !== undefined) {
    const has = ({ hasReference }: Lesion): boolean => hasReference;
    sources.push({ name: reference, digest: dataset, has, maskOf: async ({ reference: mask }) => mask! });
  }
  const names = sources.map(({ name }) => name);
  if (sources.length === 0) throw new InputError("a study needs masks", undefined, "wire `masks`, or name the `reference`");
  if (study === "comparison" && sources.length !== 2)
    throw new InputError(`a comparison needs two sources, and has ${sources.length}`, names.join(", "));
  if (new Set(names).size < names.length) throw new InputError("two sources have one name", names.join(", "));
  for (const name of names)
    if (["both", "neither", "left", "right"].includes(name))
      throw new InputError("cannot be the name of a source: it is an answer", name);
  return sources;
}

interface PlannedCase {
  readonly lesion: Lesion;
  readonly masks: readonly Source[];
}

/** The cases in the order in which they are numbered. */
function planned(
  study: "acceptance" | "comparison",
  lesions: readonly Lesion[],
  sources: readonly Source[],
  seed: number,
  secret: string,
): PlannedCase[] {
  if (study === "acceptance") {
    const all = lesions.flatMap((lesion) => sources.map((source): PlannedCase => ({ lesion, masks: [source] })));
    return shuffled(all.length, seed, secret).map((i) => all[i]);
  }
  const [first, second] = sources;
  const order = shuffled(lesions.length, seed, secret).map((i) => lesions[i]);
  const left = firstIsLeft(order.length, seed, secret);
  return order.map((lesion, i): PlannedCase => ({ lesion, masks: left[i] ? [first, second] : [second, first] }));
}

function keyOf(
  { meta, digest }: Awaited<ReturnType<typeof openDataset>>,
  sources: readonly Source[],
  plan: readonly PlannedCase[],
): Pick<StudyKey, "data" | "sources" | "cases"> {
  return {
    data: { name: meta.name, digest, origin: meta.origin },
    sources: sources.map((source) => ({ name: source.name, digest: source.digest })),
    cases: plan.map(({ lesion: { id, patient, category }, masks }, place) => ({
      case: caseId(place),
      lesion: id,
      patient,
      category,
      masks: masks.map(({ name }) => name),
    })),
  };
}

async function checkedMask(source: Source, image: LesionImage): Promise<Mask> {
  const mask = await source.maskOf(image);
  checkSameGrid(mask, image.image, `${source.name}, lesion ${image.lesion.id}`, "its image");
  return mask;
}

/**
 * Stores the pixels of one case under names that tell nothing but its number. Images have a file of their own, without the
 * number in it, which all cases of a lesion share.
 */
async function putCase(
  store: Store,
  id: string,
  { lesion, image }: LesionImage,
  masks: readonly Mask[],
  { neighbours, show }: Pick<StepParams<"study.prepare">, "neighbours" | "show">,
): Promise<{ shown: Case; files: ArtifactFile[] }> {
  const [nx, ny, nz] = image.dims;
  const size = nx * ny;
  const from = Math.max(0, lesion.slice - neighbours);
  const to = Math.min(nz, lesion.slice + neighbours + 1);
  const shape = [to - from, ny, nx];
  const put = async (what: string, tensors: Record<string, Tensor>): Promise<BlobEntry> => {
    const bytes = encodeSafetensors(tensors);
    const digest = await store.putBlob(bytes);
    return { path: `cases/${id}-${what}.safetensors`, digest, size: bytes.byteLength, mediaType: safetensorsType };
  };
  const names = masks.length === 1 ? ["mask"] : ["left", "right"];
  const shownMasks = masks.map(({ data }, i): [string, Tensor] => {
    const shown = new Uint8Array((to - from) * size);
    const [begin, end] = show === "volume" ? [from, to] : [lesion.slice, lesion.slice + 1];
    shown.set(data.subarray(begin * size, end * size), (begin - from) * size);
    return [names[i], { dtype: "U8", shape, data: shown }];
  });
  const pixels = Int16Array.from(image.data.subarray(from * size, to * size));
  const imageFile = await put("image", { image: { dtype: "I16", shape, data: pixels } });
  const maskFile = await put("masks", Object.fromEntries(shownMasks));
  const { window, spacingMm, long, short } = lesion;
  const shown: Case = {
    id,
    group: lesion.category,
    images: [{ name: "CT", file: imageFile.path, tensor: "image", levels: "HU", window, spacingMm, zoom: 1 }],
    masks: names.map((name) => ({ name, file: maskFile.path, tensor: name })),
    marks: { slice: lesion.slice - from, long, short },
    facts: markFacts(lesion),
  };
  return { shown, files: [imageFile, maskFile] };
}
