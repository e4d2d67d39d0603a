import { useCallback, useState } from "preact/hooks";
import type { ShownCase } from "../../schemas/review.ts";
import { type Adjustment, adjusted, windowDrag } from "./adjustment.ts";
import { type Binding, useKeys } from "./keys.tsx";
import { firstSlice, type Overlay, Picture, windowWords } from "./picture.tsx";

const ZOOMS = [1, 1.5, 2, 3, 4, 6] as const;

export interface EnlargedProps {
  readonly cases: string;
  readonly index: number;
  readonly shown: ShownCase;
  /** Numbers of the pictures that are shown side by side. */
  readonly images: readonly number[];
  readonly overlay?: Overlay;
  readonly adjustment: Adjustment;
  readonly onAdjust: (next: Adjustment) => void;
  /** Room for all pictures together, in CSS pixels. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Keys are left alone, e.g. while a dialog is open. */
  readonly ignored?: boolean;
  /** Names over the pictures; false where they would give away what is blind. */
  readonly names?: boolean;
}

/** Keys of an enlarged case, for the help of the page that shows one. */
export const enlargedKeys = {
  larger: { keys: [">"], label: "magnify" },
  smaller: { keys: ["<"], label: "magnify less" },
  up: { keys: ["PageUp"], label: "slice above; or the wheel" },
  down: { keys: ["PageDown"], label: "slice below; or the wheel" },
} as const;

/**
 * The pictures of one case, large and side by side: the wheel goes through the slices, dragging changes window and level, a
 * double click centres what is magnified. All pictures show the same place, slice and change of window.
 */
export function Enlarged(props: EnlargedProps) {
  const { cases, index, shown, images, overlay, adjustment, onAdjust, widthPx, heightPx, ignored, names = true } = props;
  const [zoomStep, setZoomStep] = useState(0);
  const [centre, setCentre] = useState({ x: 0.5, y: 0.5 });
  // Of all the pictures' stacks the largest; single slices beside it are of the marked one.
  const [stack, setStack] = useState({ index, slices: 1 });
  const [chosen, setChosen] = useState<{ index: number; slice: number }>();
  const slices = stack.index === index ? stack.slices : 1;
  const setSlices = useCallback(
    (more: number) => setStack((last) => ({ index, slices: Math.max(more, last.index === index ? last.slices : 1) })),
    [index],
  );
  const slice = chosen?.index === index ? chosen.slice : firstSlice(shown, slices);
  const sizePx = Math.max(64, Math.floor(Math.min(heightPx - 28, (widthPx - (images.length - 1) * 8) / images.length)));
  const factor = ZOOMS[zoomStep];

  const scroll = (by: number): void => setChosen({ index, slice: Math.min(slices - 1, Math.max(0, slice + by)) });
  const bindings: Binding[] = [
    { ...enlargedKeys.larger, run: () => setZoomStep(Math.min(ZOOMS.length - 1, zoomStep + 1)) },
    { ...enlargedKeys.smaller, run: () => setZoomStep(Math.max(0, zoomStep - 1)) },
    ...(slices > 1
      ? [
          { ...enlargedKeys.up, repeats: true, run: () => scroll(-1) },
          { ...enlargedKeys.down, repeats: true, run: () => scroll(1) },
        ]
      : []),
  ];
  useKeys(bindings, ignored);
  return (
    <section
      class="enlarged"
      aria-label="pictures"
      onWheel={(event) => {
        if (slices === 1) return;
        event.preventDefault();
        scroll(Math.sign(event.deltaY));
      }}
      {...windowDrag(() => adjustment, onAdjust)}
      onDblClick={(event) => {
        if (!(event.target instanceof HTMLCanvasElement)) return;
        const { left, top, width, height } = event.target.getBoundingClientRect();
        const shift = (at: number, side: number, middle: number): number =>
          Math.min(1, Math.max(0, middle + (at / side - 0.5) / factor));
        setCentre({ x: shift(event.clientX - left, width, centre.x), y: shift(event.clientY - top, height, centre.y) });
      }}
    >
      {images.map((image, place) => (
        <figure key={place}>
          <Picture
            cases={cases}
            index={index}
            shown={shown}
            image={image}
            sizePx={sizePx}
            slice={slice}
            window={adjusted(shown.images[image].window, adjustment)}
            overlay={overlay}
            zoom={{ factor, ...centre }}
            onSlices={setSlices}
          />
          <figcaption>
            {names && <strong>{shown.images[image].name}</strong>}
            <span class="soft">
              {windowWords(adjusted(shown.images[image].window, adjustment), shown.images[image])}
              {slices > 1 && `, slice ${slice + 1} of ${slices}`}
              {factor > 1 && `, × ${factor}`}
            </span>
          </figcaption>
        </figure>
      ))}
    </section>
  );
}
