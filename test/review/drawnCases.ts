import { putArtifact } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { encodeSafetensors, type Tensor } from "../../methods/networks/safetensors.ts";
import type { Case, CasesMeta } from "../../schemas/cases.ts";

/** A `cases` artifact in which every picture is known: a bright disc whose place and size follow from the number of the case. */
export interface DrawnCases {
  readonly cases: number;
  /** Side of the original in pixels; enhanced pictures have twice as many. */
  readonly side?: number;
  readonly slices?: number;
  readonly meta?: Partial<CasesMeta>;
  /** Cases of one file. */
  readonly perFile?: number;
  readonly withMask?: boolean;
  /** Names of the masks: the first is the disc, every further one the disc of one case further on. */
  readonly masks?: readonly string[];
}

/** Radius of the disc of case `index`, in pixels of the case's grid. */
export const discRadius = (index: number, side: number): number => side * (0.12 + 0.02 * (index % 10));

export async function putDrawnCases(store: Store, drawn: DrawnCases): Promise<Digest> {
  const { cases, side = 48, slices = 1, perFile = 50, withMask = true } = drawn;
  const names = withMask ? (drawn.masks ?? ["mask"]) : [];
  const lines: Case[] = [];
  const files: { path: string; bytes: Uint8Array; mediaType: string }[] = [];
  for (let start = 0; start < cases; start += perFile) {
    const tensors: Record<string, Tensor> = {};
    const file = `pixels/${String(start / perFile).padStart(5, "0")}.safetensors`;
    for (let index = start; index < Math.min(cases, start + perFile); index++) {
      const name = (layer: string): string => `secret-${index}/${layer}`;
      tensors[name("original")] = disc(index, side, slices, 1, (inside, noise) => (inside ? 80 : -40) + noise * 60);
      tensors[name("denoised")] = fraction(disc(index, side, 1, 1, (inside) => (inside ? 0.75 : 0.3)));
      tensors[name("enhanced")] = fraction(disc(index, side, 1, 2, (inside) => (inside ? 0.95 : 0.15)));
      for (const [nth, own] of names.entries()) tensors[name(own)] = mask(index + nth, side, slices);
      const spacingMm: [number, number, number] = [0.8, 0.8, 5];
      const r = discRadius(index, side);
      const c = side / 2;
      lines.push({
        id: `lesion-${index}`,
        group: index % 2 === 0 ? "lung" : "liver",
        images: [
          {
            name: "original",
            levels: "HU",
            window: { low: -160, high: 240 },
            file,
            tensor: name("original"),
            spacingMm,
            zoom: 1,
          },
          {
            name: "denoised",
            levels: "fraction",
            window: { low: 0, high: 1 },
            file,
            tensor: name("denoised"),
            spacingMm,
            zoom: 1,
          },
          {
            ...{ name: "enhanced", levels: "fraction", window: { low: 0, high: 1 }, file, tensor: name("enhanced") },
            spacingMm: [0.4, 0.4, 5],
            zoom: 2,
          },
        ],
        masks: names.map((own) => ({ name: own, file, tensor: name(own) })),
        marks: {
          slice: slices >> 1,
          long: [
            [c - r, c],
            [c + r, c],
          ],
          short: [
            [c, c - r],
            [c, c + r],
          ],
        },
        facts: { "long diameter": `${(2 * r * 0.8).toFixed(1)} mm` },
      });
    }
    files.push({ path: file, bytes: encodeSafetensors(tensors), mediaType: "application/octet-stream" });
  }
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  files.push({ path: "cases.jsonl", bytes: Buffer.from(text), mediaType: "application/jsonl" });
  return putArtifact(store, { type: "cases", meta: { title: "Drawn discs", cases, ...drawn.meta }, files });
}

function disc(
  index: number,
  side: number,
  slices: number,
  zoom: number,
  value: (inside: boolean, noise: number) => number,
): Tensor<Int16Array> & { values: Float64Array } {
  const width = side * zoom;
  const values = new Float64Array(slices * width * width);
  let random = index + 1;
  for (let i = 0; i < values.length; i++) {
    random = (random * 16807) % 2147483647;
    const [x, y] = [i % width, Math.floor(i / width) % width].map((at) => (at + 0.5) / zoom - side / 2);
    values[i] = value(Math.hypot(x, y) < discRadius(index, side), random / 2147483647 - 0.5);
  }
  return { dtype: "I16", shape: slices === 1 ? [width, width] : [slices, width, width], data: Int16Array.from(values), values };
}

const fraction = ({ shape, values }: { shape: readonly number[]; values: Float64Array }): Tensor => ({
  dtype: "U8",
  shape,
  data: Uint8Array.from(values, (value) => Math.round(255 * value)),
});

function mask(index: number, side: number, slices: number): Tensor {
  const { shape, values } = disc(index, side, slices, 1, (inside) => (inside ? 1 : 0));
  return { dtype: "U8", shape, data: Uint8Array.from(values) };
}
