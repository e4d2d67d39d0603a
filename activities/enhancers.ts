import { getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { Backend } from "../methods/networks/backend.ts";
import { createSliceEnhancer, type SliceEnhancer } from "../methods/networks/sgan/enhance.ts";
import { decodeEnhancer, type Enhancer, encodeEnhancer } from "../methods/networks/sgan/enhancer.ts";
import { safetensorsType } from "./datasets.ts";

/** Stores one stage of the stacked GAN. */
export function putEnhancer(store: Store, enhancer: Enhancer): Promise<Digest> {
  const files = encodeEnhancer(enhancer);
  return putArtifact(store, {
    type: "enhancer",
    meta: { stage: enhancer.stage, features: enhancer.features?.origin ?? null },
    files: [
      { path: "enhancer.json", bytes: files["enhancer.json"], mediaType: "application/json" },
      { path: "weights.safetensors", bytes: files["weights.safetensors"], mediaType: safetensorsType },
    ],
  });
}

export async function loadEnhancer(store: Store, digest: Digest): Promise<Enhancer> {
  const manifest = await getManifest(store, digest);
  const [card, weights] = await Promise.all([
    readFile(store, manifest, "enhancer.json"),
    readFile(store, manifest, "weights.safetensors"),
  ]);
  return decodeEnhancer({ "enhancer.json": card, "weights.safetensors": weights }, `enhancer ${digest.slice(0, 12)}`);
}

/** Both stages, ready to be applied; to be disposed of after use. */
export async function loadSliceEnhancer(
  store: Store,
  { denoiser, enhancer }: { readonly denoiser: Digest; readonly enhancer: Digest },
  backend: Backend,
): Promise<SliceEnhancer> {
  const [first, second] = await Promise.all([loadEnhancer(store, denoiser), loadEnhancer(store, enhancer)]);
  return createSliceEnhancer(first, second, backend);
}
