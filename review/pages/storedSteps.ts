import { z } from "zod";
import { fromRuns, runsSchema, toRuns } from "../../schemas/drawnMask.ts";
import { MaskDraft } from "./maskDraft.ts";
import type { DraftPlace } from "./storedDraft.ts";

const storedSchema = z.strictObject({
  mask: runsSchema,
  strokes: runsSchema,
  steps: z.array(z.strictObject({ slice: z.int().nonnegative(), mask: runsSchema, strokes: runsSchema })),
});

const PREFIX = "recist3d:steps:";
const keyOf = ({ workflow, reader, cases, index }: DraftPlace): string =>
  `${PREFIX}${JSON.stringify([workflow, reader, cases, index])}`;

/**
 * Keeps what can be taken back of a draft for as long as the tab is open, also when its mask has been sent. Where there is no
 * room, the steps of other cases go first, then this one's oldest: the draft itself lies elsewhere (storedDraft.ts).
 */
export function storeSteps(place: DraftPlace, draft: MaskDraft, storage: Storage = sessionStorage): void {
  const [mask, strokes] = [toRuns(draft.mask), toRuns(draft.strokes)];
  const key = keyOf(place);
  for (let steps = draft.steps; ; steps = steps.slice(Math.ceil(steps.length / 2))) {
    const stored: z.infer<typeof storedSchema> = { mask, strokes, steps: [...steps] };
    if (isKept(storage, key, JSON.stringify(stored))) return;
    for (const other of keysOf(storage)) if (other.startsWith(PREFIX)) storage.removeItem(other);
    if (isKept(storage, key, JSON.stringify(stored)) || steps.length === 0) return;
  }
}

/** The draft with the strokes and steps that this tab has of it, if its mask is still the one that they lead to. */
export function withSteps(place: DraftPlace, draft: MaskDraft, storage: Storage = sessionStorage): MaskDraft {
  const text = storage.getItem(keyOf(place));
  const stored = text === null ? undefined : storedSchema.safeParse(JSON.parse(text)).data;
  if (stored === undefined) return draft;
  const { length } = draft.mask;
  const [mask, strokes] = [fromRuns(stored.mask, length, 2), fromRuns(stored.strokes, length, 3)];
  if (mask === null || strokes === null || draft.differsFrom(mask)) return draft;
  return new MaskDraft(draft.size, mask, strokes, stored.steps);
}

export function forgetSteps(place: DraftPlace, storage: Storage = sessionStorage): void {
  storage.removeItem(keyOf(place));
}

function isKept(storage: Storage, key: string, text: string): boolean {
  try {
    storage.setItem(key, text);
    return true;
  } catch {
    return false;
  }
}

const keysOf = (storage: Storage): string[] => Array.from({ length: storage.length }, (_, i) => storage.key(i) ?? "");
