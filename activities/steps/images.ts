import type { Digest, Store } from "../../artifacts/store.ts";
import { drawDeadLeaves } from "../../methods/datasets/deadLeaves.ts";
import type { Slice } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import type { ImagesMeta } from "../../schemas/images.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { gatherImages, putImagesPart } from "../images.ts";
import { pinnedSource } from "../sources.ts";
import type { StepBody, StepInput } from "./step.ts";

/** Pictures by number. */
interface PlannedImages {
  readonly count: number;
  readonly origin: ImagesMeta["origin"];
  idOf(index: number): string;
  load(index: number): Promise<Slice<Uint8Array>>;
  /** Why a picture is not taken; null = it is. */
  reasonAgainst(picture: Slice<Uint8Array>): string | null;
}

/** Imports or draws pictures shard by shard; the two kinds differ only in where they come from. */
function imagesBody<P extends { shardSize: number }>(
  plan: (store: Store, input: StepInput<P>) => Promise<PlannedImages>,
): StepBody<P> {
  return {
    parts: async ({ store }, input) => Math.ceil((await plan(store, input)).count / input.params.shardSize),

    async run({ store, progress, signal }, input) {
      const { count, idOf, load, reasonAgainst } = await plan(store, input);
      const { shardSize } = input.params;
      const first = input.part! * shardSize;
      const last = Math.min(count, first + shardSize);
      const pictures = [];
      const skipped: Record<string, number> = {};
      for (let index = first; index < last; index++) {
        signal.throwIfAborted();
        progress({ unit: "pictures", done: index - first, total: last - first });
        const pixels = await load(index);
        const reason = reasonAgainst(pixels);
        if (reason === null) pictures.push({ id: idOf(index), pixels });
        else skipped[reason] = (skipped[reason] ?? 0) + 1;
      }
      return { outputs: { part: await putImagesPart(store, pictures, skipped) }, summary: { images: pictures.length } };
    },

    async gather({ store }, input, parts) {
      const { origin } = await plan(store, input);
      const { digest, meta } = await gatherImages(store, parts, origin);
      const skipped = Object.entries(meta.skipped).map(([reason, count]) => `${count} × ${reason}`);
      if (meta.images === 0) throw new InputError("no picture can be taken", undefined, `left out: ${skipped.join(", ")}`);
      return { outputs: { images: digest }, summary: { images: meta.images } };
    },
  };
}

/** Reads photographs; one that cannot be read is an error, never a gap. */
export const imagesImport = imagesBody<StepParams<"images.import">>(async (store, { params, inputs }) => {
  const { source, check } = await pinnedSource(store, "images.import", params, inputs.source.artifact as Digest);
  const { smallest } = params;
  return {
    count: source.entries.length,
    origin: "photographs",
    idOf: (index) => source.entries[index].id,
    async load(index) {
      await check(source.entries[index].files);
      return source.load(index);
    },
    reasonAgainst: ({ width, height }) => (Math.min(width, height) < smallest ? `smaller than ${smallest} pixels` : null),
  };
});

/** Draws pictures. */
export const imagesSynthesize = imagesBody<StepParams<"images.synthesize">>(async (_store, { params }) => {
  const { images, side, seed } = params;
  return {
    count: images,
    origin: "drawn",
    idOf: (index) => `leaves-${index}`,
    load: async (index) => drawDeadLeaves(side, seed, index),
    reasonAgainst: () => null,
  };
});
