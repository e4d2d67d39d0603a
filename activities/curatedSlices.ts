import type { Digest, Store } from "../artifacts/store.ts";
import { InputError } from "../methods/inputError.ts";
import { curatedPicture } from "../methods/networks/sgan/curatedSlice.ts";
import type { Picture, Stage } from "../methods/networks/sgan/pairs.ts";
import { openDecisions } from "./decisions.ts";
import { openEnhanced, readEnhancedSlice } from "./enhanced.ts";

/** Curated slices as pictures to learn from. */
export interface CuratedSlices {
  readonly pictures: readonly Picture[];
  /** Slices that were selected but cannot fill a patch, even mirrored. */
  readonly tooSmall: number;
}

/**
 * The slices of `enhanced` that `decisions` select (all, where there are none): cases are named `<lesion>`, for all its
 * slices, or `<lesion>/<z>`.
 *
 * @throws InputError where the slices were only interpolated, a decision names none of them, or nothing is selected.
 */
export async function curatedSlices(
  store: Store,
  { slices, decisions }: { readonly slices: Digest; readonly decisions?: Digest },
  { selected, stage, patch }: { readonly selected: string; readonly stage: Stage; readonly patch: number },
): Promise<CuratedSlices> {
  const enhanced = await openEnhanced(store, slices);
  const where = `enhanced slices ${slices.slice(0, 12)}`;
  if (enhanced.meta.method !== "sgan")
    throw new InputError(
      "were only interpolated: there is nothing to learn from them",
      where,
      "wire an enhancement.apply of method sgan",
    );
  const chosen = decisions === undefined ? null : await selectedCases(store, decisions, selected);
  const names = new Set<string>();
  const pictures: Picture[] = [];
  let tooSmall = 0;
  for (const { id, window, box, slices: shown } of enhanced.lines.values()) {
    names.add(id);
    for (const z of shown) {
      names.add(`${id}/${z}`);
      if (chosen !== null && !chosen.has(id) && !chosen.has(`${id}/${z}`)) continue;
      const made = (await readEnhancedSlice(store, enhanced, { id, window }, z)).pictures;
      const native = { width: box.x1 - box.x0, height: box.y1 - box.y0 };
      const pixels = curatedPicture({ denoised: made.denoised!, enhanced: made.enhanced }, stage, native, patch);
      if (pixels === null) tooSmall++;
      else pictures.push({ id: `${id}/${z}`, pixels });
    }
  }
  const unknown = [...(chosen ?? [])].find((name) => !names.has(name));
  if (unknown !== undefined)
    throw new InputError(`do not show ${unknown}, which was selected`, where, "wire the `slices` that the decisions are about");
  if (pictures.length === 0)
    throw new InputError(
      tooSmall > 0
        ? `${tooSmall} slices were selected, all too small for a patch of ${patch}`
        : `no slice was answered "${selected}"`,
      where,
      tooSmall > 0 ? "choose a smaller patch" : "train without `slices`, or name the answer that selects (`selected`)",
    );
  return { pictures, tooSmall };
}

async function selectedCases(store: Store, decisions: Digest, selected: string): Promise<Set<string>> {
  const lines = (await openDecisions(store, decisions)).decisions;
  return new Set(lines.filter(({ answer }) => answer === selected).map((line) => line.case));
}
