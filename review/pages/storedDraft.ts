import { z } from "zod";
import { digestSchema } from "../../schemas/digest.ts";
import { fromRuns, runsSchema, toRuns } from "../../schemas/drawnMask.ts";
import { type GridSize, MaskDraft } from "./maskDraft.ts";

const storedSchema = z.strictObject({ from: digestSchema, mask: runsSchema, strokes: runsSchema });

/** Which case of which reading a draft is of, and whose. */
export interface DraftPlace {
  readonly workflow: string;
  readonly reader: string;
  readonly cases: string;
  readonly index: number;
}

const keyOf = ({ workflow, reader, cases, index }: DraftPlace): string =>
  `recist3d:draft:${JSON.stringify([workflow, reader, cases, index])}`;

/** Writes a draft to the browser's storage, where it survives the tab. @throws DOMException when the storage is full */
export function storeDraft(place: DraftPlace, draft: MaskDraft, from: string, storage: Storage = localStorage): void {
  const stored: z.infer<typeof storedSchema> = { from, mask: toRuns(draft.mask), strokes: toRuns(draft.strokes) };
  storage.setItem(keyOf(place), JSON.stringify(stored));
}

export function forgetDraft(place: DraftPlace, storage: Storage = localStorage): void {
  storage.removeItem(keyOf(place));
}

/** A draft that was left, and what it began from; null where there is none of this size. */
export function storedDraft(
  place: DraftPlace,
  size: GridSize,
  storage: Storage = localStorage,
): { draft: MaskDraft; from: string } | null {
  const text = storage.getItem(keyOf(place));
  if (text === null) return null;
  const stored = storedSchema.safeParse(JSON.parse(text)).data;
  if (stored === undefined) return null;
  const voxels = size.slices * size.height * size.width;
  const [mask, strokes] = [fromRuns(stored.mask, voxels, 2), fromRuns(stored.strokes, voxels, 3)];
  return mask === null || strokes === null ? null : { draft: new MaskDraft(size, mask, strokes), from: stored.from };
}
