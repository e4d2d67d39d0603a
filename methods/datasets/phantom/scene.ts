import type { Box, HuWindow } from "../../imaging/volume.ts";
import type { Body } from "./body.ts";

/** Homogeneous tissue plus a texture of standard deviation `textureHu`. */
export interface Material {
  readonly hu: number;
  readonly textureHu: number;
}

export interface Tissue extends Material {
  readonly body: Body;
}

/** How the lesion looks. */
export interface LesionLook extends Material {
  /** Width in mm over which the lesion passes into what surrounds it, besides the scanner's blur. */
  readonly edgeMm: number;
  /** Slow variation within the lesion (necrosis, calcification), HU. */
  readonly patchesHu: number;
  /** From this depth (mm) on the lesion is `hu` + `deltaHu`. */
  readonly core?: { readonly depthMm: number; readonly deltaHu: number };
  /** To this depth (mm) the lesion is `hu` + `deltaHu`. */
  readonly rim?: { readonly depthMm: number; readonly deltaHu: number };
}

/** What lies around one lesion. Painted in order: base, `under`, the lesion, `over`. */
export interface Scene {
  readonly window: HuWindow;
  readonly base: Material;
  readonly under: readonly Tissue[];
  readonly lesion: LesionLook;
  /** An organ surface that the lesion does not cross: what lies within is cut off the lesion and its reference. */
  readonly edge?: Body;
  /** Tissue within `edge`. */
  readonly over: readonly Tissue[];
}

/** One thin layer of the phantom, `[y, x]`. */
export interface Layer {
  readonly hu: Float32Array;
  readonly textureHu: Float32Array;
  /** Part of each pixel that is lesion. */
  readonly lesion: Float32Array;
  readonly width: number;
  readonly height: number;
  /** Position in mm of pixel (0, 0), and of the layer. */
  readonly x0: number;
  readonly y0: number;
  readonly z: number;
  readonly pixelMm: number;
}

/** Part of a pixel that lies within a surface at signed distance `mm` and `edgeMm` wide. */
export function coverage(mm: number, edgeMm: number): number {
  return Math.min(Math.max(0.5 - mm / edgeMm, 0), 1);
}

/** Smooth step from 0 at `mm` ≤ 0 to 1 at `mm` ≥ `over`. */
function ramp(mm: number, over: number): number {
  const t = Math.min(Math.max(mm / over, 0), 1);
  return t * t * (3 - 2 * t);
}

/** Paints a body over the layer; pixels on its surface are mixed in proportion. */
export function paint(layer: Layer, { body, hu, textureHu }: Tissue): void {
  const { width, z, pixelMm } = layer;
  const box = pixelBox(layer, body);
  if (box === undefined) return;
  const count = box.x1 - box.x0;
  const mm = new Float64Array(count);
  for (let y = box.y0; y < box.y1; y++) {
    body.row(layer.x0 + box.x0 * pixelMm, layer.y0 + y * pixelMm, z, pixelMm, count, mm);
    for (let x = 0, i = y * width + box.x0; x < count; x++, i++) {
      if (mm[x] >= 0.5 * pixelMm) continue;
      const part = coverage(mm[x], pixelMm);
      layer.hu[i] += part * (hu - layer.hu[i]);
      layer.textureHu[i] += part * (textureHu - layer.textureHu[i]);
    }
  }
}

/** Paints the lesion and notes in `layer.lesion` which part of each pixel is lesion. */
export function paintLesion(layer: Layer, body: Body, look: LesionLook): void {
  const { width, z, pixelMm } = layer;
  layer.lesion.fill(0);
  const box = pixelBox(layer, body);
  if (box === undefined) return;
  const edgeMm = Math.max(look.edgeMm, pixelMm);
  const count = box.x1 - box.x0;
  const mm = new Float64Array(count);
  for (let y = box.y0; y < box.y1; y++) {
    body.row(layer.x0 + box.x0 * pixelMm, layer.y0 + y * pixelMm, z, pixelMm, count, mm);
    for (let x = 0, i = y * width + box.x0; x < count; x++, i++) {
      if (mm[x] >= 0.5 * edgeMm) continue;
      const part = coverage(mm[x], edgeMm);
      let hu = look.hu;
      if (look.core) hu += look.core.deltaHu * ramp(-mm[x] - look.core.depthMm, 3);
      if (look.rim) hu += look.rim.deltaHu * (1 - ramp(-mm[x] - look.rim.depthMm, 1.5));
      layer.lesion[i] = part;
      layer.hu[i] += part * (hu - layer.hu[i]);
      layer.textureHu[i] += part * (look.textureHu - layer.textureHu[i]);
    }
  }
}

/** Pixels of this layer that may lie in a body or on its edge. */
function pixelBox({ width, height, x0, y0, z, pixelMm }: Layer, { low, high }: Body): Box | undefined {
  const spare = 2 * pixelMm;
  if (z < low[2] - spare || z > high[2] + spare) return undefined;
  const box = {
    x0: Math.max(Math.ceil((low[0] - spare - x0) / pixelMm), 0),
    y0: Math.max(Math.ceil((low[1] - spare - y0) / pixelMm), 0),
    x1: Math.min(Math.floor((high[0] + spare - x0) / pixelMm) + 1, width),
    y1: Math.min(Math.floor((high[1] + spare - y0) / pixelMm) + 1, height),
  };
  return box.x0 < box.x1 && box.y0 < box.y1 ? box : undefined;
}
