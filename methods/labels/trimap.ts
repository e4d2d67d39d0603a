import type { Slice } from "../imaging/volume.ts";

/** Trimap regions; the numbers are OpenCV's GrabCut classes. */
export const Region = { background: 0, foreground: 1, probableBackground: 2, probableForeground: 3 } as const;
export type Region = (typeof Region)[keyof typeof Region];

/** T: a `Region` per pixel, `[y, x]`. */
export type Trimap = Slice<Uint8Array>;

/** Y: training label per pixel, `[y, x]`: 0 background, 1 lesion, 255 = ignored by the loss. */
export type LabelMap = Slice<Uint8Array>;
export const IGNORED = 255;
