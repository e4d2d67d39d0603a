import type { Binding } from "./keys.tsx";
import type { Window } from "./picture.tsx";

/** A reader's change of the window, alike for pictures whose own windows differ. */
export interface Adjustment {
  /** Shift of the centre, in widths of the picture's own window. */
  readonly level: number;
  /** Factor on the window's width. */
  readonly width: number;
}

export const UNADJUSTED: Adjustment = { level: 0, width: 1 };

/** The window as the reader has changed it. */
export function adjusted({ low, high }: Window, { level, width }: Adjustment): Window {
  const own = high - low;
  const [centre, half] = [(low + high) / 2 + level * own, (own * width) / 2];
  return { low: centre - half, high: centre + half };
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** `level` up means darker pictures, as at a workstation; `width` up means less contrast. */
export function changed({ level, width }: Adjustment, by: { level?: number; width?: number }): Adjustment {
  return { level: clamp(level + (by.level ?? 0), -2, 2), width: clamp(width * Math.exp(by.width ?? 0), 0.05, 8) };
}

/** Pixels of dragging that shift by a whole width, or change the width e-fold. */
const DRAG_PX = 300;

/** Handlers for an element over which dragging changes the window: sideways its width, up and down its level. */
export function windowDrag(current: () => Adjustment, set: (next: Adjustment) => void) {
  return {
    onPointerDown: (event: PointerEvent): void => {
      if (event.button !== 0 || (event.target instanceof Element && event.target.closest("button, a, input") !== null)) return;
      const start = { x: event.clientX, y: event.clientY, from: current() };
      const element = event.currentTarget as HTMLElement;
      const moved = (move: PointerEvent): void => {
        const [dx, dy] = [move.clientX - start.x, move.clientY - start.y];
        if (Math.hypot(dx, dy) < 4 && current() === start.from) return;
        element.setPointerCapture(event.pointerId);
        set(changed(start.from, { level: dy / DRAG_PX, width: dx / DRAG_PX }));
      };
      const ended = (): void => {
        element.removeEventListener("pointermove", moved);
        element.removeEventListener("pointerup", ended);
        element.removeEventListener("pointercancel", ended);
      };
      element.addEventListener("pointermove", moved);
      element.addEventListener("pointerup", ended);
      element.addEventListener("pointercancel", ended);
    },
  };
}

/** Keys that change the window: [ ] its level, { } its width, r as it was. */
export function windowKeys(current: () => Adjustment, set: (next: Adjustment) => void): Binding[] {
  const step = (label: string, key: string, by: { level?: number; width?: number }): Binding => ({
    keys: [key],
    label,
    repeats: true,
    run: () => set(changed(current(), by)),
  });
  return [
    step("level lower (brighter); or drag up", "[", { level: -0.05 }),
    step("level higher (darker); or drag down", "]", { level: 0.05 }),
    step("window narrower (more contrast); or drag left", "{", { width: -0.1 }),
    step("window wider; or drag right", "}", { width: 0.1 }),
    { keys: ["r"], label: "window and level as they were", run: () => set(UNADJUSTED) },
  ];
}
