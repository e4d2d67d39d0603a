import { useEffect, useState } from "preact/hooks";
import { fromRuns } from "../../schemas/drawnMask.ts";
import type { ShownCase } from "../../schemas/review.ts";
import { api } from "./api.ts";
import { MaskDraft } from "./maskDraft.ts";
import { loadPixels, pixelsAddress } from "./pixels.ts";
import { type DraftPlace, forgetDraft, storedDraft } from "./storedDraft.ts";
import { withSteps } from "./storedSteps.ts";

/** A case's mask as its reader finds it, and what it begins from. */
export interface OpenedDraft {
  readonly index: number;
  readonly draft: MaskDraft;
  /** The mask that was there: the case's own, or the one that this reader has drawn and sent. */
  readonly start: Uint8Array;
  /** Digest of what is edited: the cases, or the mask that was sent. */
  readonly from: string;
}

/** A draft that was left in this browser goes before the mask that was sent, and that before the case's own. */
async function opened(place: DraftPlace, shown: ShownCase, sent: string | undefined): Promise<OpenedDraft> {
  const { cases, index } = place;
  const { slices, height, width } = await loadPixels(pixelsAddress(cases, index, "images", 0));
  const size = { slices, height, width };
  const start = await maskOf(place, shown, sent, slices * height * width);
  const left = storedDraft(place, size);
  if (left?.draft.differsFrom(start)) return { index, draft: withSteps(place, left.draft), start, from: left.from };
  if (sent !== undefined) forgetDraft(place);
  const draft = withSteps(place, new MaskDraft(size, start, left?.draft.strokes));
  return { index, draft, start, from: sent ?? cases };
}

async function maskOf({ cases, index }: DraftPlace, shown: ShownCase, sent: string | undefined, voxels: number) {
  if (sent !== undefined) {
    const data = fromRuns((await api.mask(sent)).runs, voxels, 2);
    if (data === null) throw new Error("the mask that was sent is of another size than the case");
    return data;
  }
  if (shown.masks.length === 0) return new Uint8Array(voxels);
  const { data } = await loadPixels(pixelsAddress(cases, index, "masks", 0));
  return Uint8Array.from(data, (value) => (value > 0 ? 1 : 0));
}

/** The draft of a case, when it is there. */
export function useOpenedDraft(
  { workflow, reader, cases, index }: DraftPlace,
  shown: ShownCase,
  sent: string | undefined,
): { readonly value?: OpenedDraft; readonly error?: string } {
  const [state, setState] = useState<{ value?: OpenedDraft; error?: string }>({});
  useEffect(() => {
    let wanted = true;
    // Only going to a case opens it: what arrives of it meanwhile must not take its place while it is painted on.
    opened({ workflow, reader, cases, index }, shown, sent).then(
      (value) => wanted && setState({ value }),
      (error: Error) => wanted && setState({ error: error.message }),
    );
    return () => {
      wanted = false;
    };
  }, [workflow, reader, cases, index]);
  return state.value === undefined || state.value.index === index ? state : {};
}
