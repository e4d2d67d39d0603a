import { useRef, useState } from "preact/hooks";

/** Size of an element's inside in CSS pixels, as it changes; `ref` is to be given to the element. */
export function useRoom(): { ref: (element: HTMLElement | null) => void; width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  const observer = useRef<ResizeObserver | undefined>(undefined);
  const ref = useRef((element: HTMLElement | null) => {
    observer.current?.disconnect();
    if (element === null) return;
    observer.current = new ResizeObserver(([{ contentRect }]) =>
      setSize({ width: contentRect.width, height: contentRect.height }),
    );
    observer.current.observe(element);
  });
  return { ref: ref.current, ...size };
}
