import { useEffect, useRef, useState } from "preact/hooks";

/** Rows kept ready above and below those in sight. */
const SPARE_ROWS = 2;

export interface Tiles {
  /** To be given to the element that scrolls. */
  readonly ref: (element: HTMLElement | null) => void;
  readonly columns: number;
  readonly rowsInSight: number;
  /** Height of everything, for the element that holds the tiles. */
  readonly heightPx: number;
  /** Numbers of the tiles that are in sight or almost, from `from` (inclusive) to `to` (exclusive). */
  readonly from: number;
  readonly to: number;
  readonly place: (index: number) => { left: number; top: number };
  /** Scrolls as little as needed to have the tile in sight. */
  readonly reveal: (index: number) => void;
}

/** Places of `count` equal tiles in rows, of which only those in sight need to be in the document. */
export function useTiles(tile: { count: number; widthPx: number; heightPx: number; gapPx: number }): Tiles {
  const { count, widthPx, heightPx, gapPx } = tile;
  const element = useRef<HTMLElement | null>(null);
  const [view, setView] = useState({ width: 0, height: 0, top: 0 });
  const observer = useRef<{ stop: () => void } | undefined>(undefined);
  const ref = useRef((next: HTMLElement | null) => {
    observer.current?.stop();
    element.current = next;
    if (next === null) return;
    const look = (): void => setView({ width: next.clientWidth, height: next.clientHeight, top: next.scrollTop });
    const resized = new ResizeObserver(look);
    resized.observe(next);
    next.addEventListener("scroll", look, { passive: true });
    observer.current = {
      stop: () => {
        resized.disconnect();
        next.removeEventListener("scroll", look);
      },
    };
    look();
  });
  useEffect(() => () => observer.current?.stop(), []);

  const columns = Math.max(1, Math.floor((view.width - gapPx) / (widthPx + gapPx)));
  const rowPx = heightPx + gapPx;
  const rows = Math.ceil(count / columns);
  const margin = Math.max(gapPx, (view.width - columns * (widthPx + gapPx) + gapPx) / 2);
  const firstRow = Math.max(0, Math.floor(view.top / rowPx) - SPARE_ROWS);
  const lastRow = Math.min(rows, Math.ceil((view.top + view.height) / rowPx) + SPARE_ROWS);
  return {
    ref: ref.current,
    columns,
    rowsInSight: Math.max(1, Math.floor(view.height / rowPx)),
    heightPx: rows * rowPx + gapPx,
    from: firstRow * columns,
    to: Math.min(count, lastRow * columns),
    place: (index) => ({
      left: margin + (index % columns) * (widthPx + gapPx),
      top: gapPx + Math.floor(index / columns) * rowPx,
    }),
    reveal: (index) => {
      if (element.current === null) return;
      const top = Math.floor(index / columns) * rowPx;
      const { scrollTop, clientHeight } = element.current;
      if (top < scrollTop) element.current.scrollTop = top;
      else if (top + rowPx + gapPx > scrollTop + clientHeight) element.current.scrollTop = top + rowPx + gapPx - clientHeight;
    },
  };
}
