import type { Digest, Store } from "../artifacts/store.ts";
import type { Action } from "../schemas/messages.ts";
import { openEnhanced } from "./enhanced.ts";

/** What artifacts call a method that the pipeline asked for: enlarged is not super-resolved. */
export async function methodName(store: Store, method: string, { enhanced }: Action["inputs"]): Promise<string> {
  if (method !== "grabcut-r-sr") return method;
  const by = enhanced === undefined ? "bicubic" : (await openEnhanced(store, enhanced.artifact as Digest)).meta.method;
  return `grabcut-r-sr (${by})`;
}
