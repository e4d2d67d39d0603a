import { useEffect, useState } from "preact/hooks";
import { type Adjustment, UNADJUSTED } from "./adjustment.ts";

/** Sides of a picture in the grid, in CSS pixels. */
const SIZES_PX = [96, 128, 176, 240] as const;
const BLINK_MS = 450;

export interface CurationLook {
  readonly sizePx: number;
  /** Larger or smaller by so many steps. */
  readonly resize: (by: number) => void;
  readonly adjustment: Adjustment;
  readonly setAdjustment: (next: Adjustment) => void;
  readonly isBlinking: boolean;
  readonly setBlinking: (is: boolean) => void;
  /** Whether the current case shows its last picture in place of its first at the moment. */
  readonly phase: boolean;
  readonly isEnlarged: boolean;
  readonly setEnlarged: (is: boolean) => void;
}

/** How the cases of a grid are looked at. */
export function useCurationLook(): CurationLook {
  const [sizeStep, setSizeStep] = useState(1);
  const [adjustment, setAdjustment] = useState<Adjustment>(UNADJUSTED);
  const [isBlinking, setBlinking] = useState(false);
  const [isEnlarged, setEnlarged] = useState(false);
  const phase = useBlink(isBlinking);
  return {
    sizePx: SIZES_PX[sizeStep],
    resize: (by) => setSizeStep(Math.min(SIZES_PX.length - 1, Math.max(0, sizeStep + by))),
    adjustment,
    setAdjustment,
    isBlinking,
    setBlinking,
    phase,
    isEnlarged,
    setEnlarged,
  };
}

/** True and false in turn while `on`. */
function useBlink(on: boolean): boolean {
  const [phase, setPhase] = useState(false);
  useEffect(() => {
    if (!on) return setPhase(false);
    const timer = setInterval(() => setPhase((last) => !last), BLINK_MS);
    return () => clearInterval(timer);
  }, [on]);
  return on && phase;
}
