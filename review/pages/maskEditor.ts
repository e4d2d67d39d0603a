import { useEffect, useState } from "preact/hooks";
import { fromRuns, toRuns } from "../../schemas/drawnMask.ts";
import type { ShownCase } from "../../schemas/review.ts";
import { type Adjustment, adjusted, UNADJUSTED, windowKeys } from "./adjustment.ts";
import { api } from "./api.ts";
import type { Binding } from "./keys.tsx";
import { type Zoom, zoomOnMarks } from "./lesionZoom.ts";
import type { Pixel, Tool } from "./maskDraft.ts";
import type { OpenedDraft } from "./openedDraft.ts";
import { firstSlice, type Window } from "./picture.tsx";

/** Side of what is shown of a picture at first, in long diameters. */
const SHOWN_DIAMETERS = 2.5;
const ZOOM_STEP = 1.25;
const MOST_ZOOM = 40;
const MOST_RADIUS_PX = 40;

export const TOOLS: readonly { tool: Tool; key: string; name: string; label: string }[] = [
  { tool: "brush", key: "b", name: "brush", label: "brush: adds to the mask" },
  { tool: "erase", key: "e", name: "eraser", label: "eraser: takes away from mask and strokes" },
  { tool: "lesion", key: "l", name: "lesion", label: "stroke for the cut: this is lesion" },
  { tool: "background", key: "n", name: "not lesion", label: "stroke for the cut: this is not lesion" },
];

/** Why a slice could not be cut (methods/labels/strokeCut.ts), and what to do about it. */
const FAILURES: Readonly<Record<string, string>> = {
  "no foreground samples": "Nothing says where the lesion is on this slice: paint a stroke in it first (key l).",
  "no background samples": "Nothing is left beside the lesion: paint a stroke where it is not (key n).",
};

const UNZOOMED: Zoom = { factor: 1, x: 0.5, y: 0.5 };

export interface MaskEditor {
  readonly bindings: readonly Binding[];
  readonly tool: Tool;
  readonly setTool: (tool: Tool) => void;
  readonly radiusPx: number;
  readonly cursor: Pixel;
  readonly setCursor: (at: Pixel) => void;
  readonly slice: number;
  readonly scroll: (by: number) => void;
  readonly zoom: Zoom;
  readonly isShown: boolean;
  readonly adjustment: Adjustment;
  readonly setAdjustment: (next: Adjustment) => void;
  readonly window: Window;
  readonly isCutting: boolean;
  readonly cut: () => void;
  readonly undo: () => void;
}

/** The tools with which the mask of a case is corrected: which is at hand, where it is, what is seen, and the keys of all. */
export function useMaskEditor(
  cases: string,
  shown: ShownCase,
  opened: OpenedDraft | undefined,
  onChanged: () => void,
  onNotice: (notice: string) => void,
): MaskEditor {
  const [tool, setTool] = useState<Tool>("brush");
  const [radiusPx, setRadius] = useState(3);
  const [cursor, setCursor] = useState<Pixel>([0, 0]);
  const [zoom, setZoom] = useState<Zoom>(UNZOOMED);
  const [slice, setSlice] = useState(0);
  const [isShown, setShown] = useState(true);
  const [adjustment, setAdjustment] = useState<Adjustment>(UNADJUSTED);
  const [isCutting, setCutting] = useState(false);
  const draft = opened?.draft;
  const { slices, width, height } = draft?.size ?? { slices: 1, width: 1, height: 1 };
  const window = adjusted(shown.images[0].window, adjustment);
  useEffect(() => {
    if (opened === undefined) return;
    const around = zoomOnMarks(shown, { width, height }, SHOWN_DIAMETERS) ?? UNZOOMED;
    const first = { ...around, factor: Math.min(MOST_ZOOM, around.factor) };
    setSlice(firstSlice(shown, slices));
    setZoom(first);
    setCursor([Math.floor(first.x * width), Math.floor(first.y * height)]);
  }, [opened]);

  const scroll = (by: number): void => setSlice(clamp(slice + by, slices));
  const step = (dx: number, dy: number): void => setCursor(([x, y]) => [clamp(x + dx, width), clamp(y + dy, height)]);
  const size = (by: number): void => setRadius(clamp(radiusPx + by, MOST_RADIUS_PX + 1));
  const magnify = (by: number): void => setZoom({ ...zoom, factor: Math.min(MOST_ZOOM, Math.max(1, zoom.factor * by)) });
  const undo = (): void => {
    const undone = draft?.undo() ?? null;
    if (undone === null) onNotice("Nothing to undo: this case has not been painted on in this tab.");
    else {
      setSlice(undone);
      onChanged();
    }
  };
  const dab = (): void => {
    draft?.begin(slice);
    draft?.paint(tool, slice, cursor, cursor, radiusPx);
    onChanged();
  };
  const clear = (): void => {
    draft?.clearStrokes(slice);
    onChanged();
  };
  const cut = (): void => {
    if (opened === undefined || draft === undefined || isCutting) return;
    setCutting(true);
    const [mask, strokes] = [draft.sliceOf("mask", slice), draft.sliceOf("strokes", slice)].map(toRuns);
    api
      .cut(cases, opened.index, { slice, window, mask, strokes })
      .then((answer) => {
        if ("failure" in answer) return onNotice(FAILURES[answer.failure] ?? answer.failure);
        const found = fromRuns(answer.runs, width * height, 2);
        if (found === null) return onNotice("The server sent a mask of another size than the slice.");
        draft.replace(slice, found);
        onChanged();
      })
      .catch((reason: Error) => onNotice(`The slice could not be cut: ${reason.message}`))
      .finally(() => setCutting(false));
  };

  const held = (key: string, label: string, run: () => void): Binding => ({ keys: [key], label, run, repeats: true });
  const bindings: Binding[] = [
    ...TOOLS.map((one) => ({ keys: [one.key], label: one.label, run: () => setTool(one.tool) })),
    { keys: ["c"], label: "cut this slice anew, strokes being certain (GrabCut)", run: cut },
    { keys: ["x"], label: "take this slice's strokes away", run: clear },
    held("u", "undo", undo),
    held("+", "larger brush", () => size(1)),
    held("-", "smaller brush", () => size(-1)),
    held("ArrowLeft", "brush to the left", () => step(-1, 0)),
    held("ArrowRight", "brush to the right", () => step(1, 0)),
    held("ArrowUp", "brush up", () => step(0, -1)),
    held("ArrowDown", "brush down", () => step(0, 1)),
    held(" ", "paint where the brush is", dab),
    held("PageUp", "slice above; or the wheel", () => scroll(-1)),
    held("PageDown", "slice below; or the wheel", () => scroll(1)),
    { keys: ["m"], label: "hide mask and strokes, and show them", run: () => setShown(!isShown) },
    held(">", "magnify", () => magnify(ZOOM_STEP)),
    held("<", "magnify less", () => magnify(1 / ZOOM_STEP)),
    {
      keys: ["z"],
      label: "centre on the brush",
      run: () => setZoom({ ...zoom, x: (cursor[0] + 0.5) / width, y: (cursor[1] + 0.5) / height }),
    },
    ...windowKeys(() => adjustment, setAdjustment),
  ];
  const seen = { slice, scroll, zoom, isShown, adjustment, setAdjustment, window };
  return { bindings, tool, setTool, radiusPx, cursor, setCursor, ...seen, isCutting, cut, undo };
}

const clamp = (value: number, end: number): number => Math.min(end - 1, Math.max(0, value));
