import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { loadSegmenter, type Segmenter } from "../activities/models.ts";
import { openStore } from "../artifacts/openStore.ts";
import { InputError } from "../methods/inputError.ts";
import type { Backend } from "../methods/networks/backend.ts";
import { isDerivedChannel } from "../methods/networks/derivedSlices.ts";
import { decodeModel } from "../methods/networks/model.ts";
import { findArtifact } from "./commands/export.ts";

/** What segments: a model of the store, with the stacked GAN that it may need, or of a folder. */
export type SegmentingNetwork = Omit<Segmenter, "dispose"> & { readonly backend: Backend };

/** @throws InputError where `ref` names no model, or one that cannot work without what it was trained with. */
export async function openNetwork(ref: string, backend: Backend): Promise<SegmentingNetwork> {
  const found = await stat(ref).catch(() => undefined);
  if (found === undefined) {
    if (path.isAbsolute(ref) || ref.startsWith("."))
      throw new InputError(
        "is not there",
        ref,
        "give a model folder (recist3d export CAMPAIGN/STEP.model), or a model of the store",
      );
    const store = await openStore();
    return { ...(await loadSegmenter(store, await findArtifact(store, ref), backend)), backend };
  }
  const names = ["model.json", "weights.safetensors"];
  const contents = await Promise.all(names.map((name) => readFile(path.join(ref, name)).catch(() => undefined)));
  const model = decodeModel(
    Object.fromEntries(names.flatMap((name, i) => (contents[i] === undefined ? [] : [[name, contents[i]]]))),
    ref,
  );
  if (model.preprocessing.channels.some(isDerivedChannel))
    throw new InputError(
      "looks at slices that a stacked GAN enhances, which is not in the folder",
      ref,
      "give the model of the store (CAMPAIGN/STEP.model), which knows its stacked GAN",
    );
  return { model, enhancer: undefined, backend };
}
