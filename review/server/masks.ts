import { Hono } from "hono";
import type { z } from "zod";
import { type DrawnMask, findDrawnMask, putDrawnMask } from "../../activities/drawnMasks.ts";
import { asDigest } from "../../artifacts/digest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { sliceOf } from "../../methods/imaging/volume.ts";
import { applyWindow8 } from "../../methods/imaging/window.ts";
import { InputError } from "../../methods/inputError.ts";
import { strokeCut } from "../../methods/labels/strokeCut.ts";
import { stackShape } from "../../schemas/cases.ts";
import {
  type CutAnswer,
  cutMessageSchema,
  drawnMaskMessageSchema,
  fromRuns,
  type givenMaskSchema,
  type keptMaskSchema,
  type Runs,
  toRuns,
} from "../../schemas/drawnMask.ts";
import { parsed } from "./messages.ts";
import type { Pictures } from "./pictures.ts";

/** Masks that readers draw: cut anew from their strokes, kept under their digests, and given back. */
export function maskRoutes(store: Store, pictures: Pictures): Hono {
  const routes = new Hono();

  routes.post("/", async (context) => {
    const { index, runs, ...meta } = parsed(drawnMaskMessageSchema, await context.req.json().catch(() => undefined));
    const shape = stackShape((await pictures.tensor(meta.cases as Digest, index, "images", 0)).shape);
    const voxels = shape.reduce((product, n) => product * n);
    const data = unpacked(runs, voxels, 2, "mask");
    if (!data.includes(1)) throw new InputError("this mask is empty: leave the case out instead");
    const { id } = await pictures.case(meta.cases as Digest, index);
    const mask = await putDrawnMask(store, { meta: { ...meta, case: id }, shape, data });
    return context.json({ mask } satisfies z.infer<typeof keptMaskSchema>);
  });

  routes.get("/:mask", async (context) => {
    const { data } = await keptMask(store, context.req.param("mask"));
    context.header("cache-control", "private, max-age=31536000, immutable");
    return context.json({ runs: toRuns(data) } satisfies z.infer<typeof givenMaskSchema>);
  });

  routes.post("/cut/:cases/:index{[0-9]+}", async (context) => {
    const { slice, window, mask, strokes } = parsed(cutMessageSchema, await context.req.json().catch(() => undefined));
    const cases = asDigest(context.req.param("cases"));
    const index = Number(context.req.param("index"));
    const { levels } = (await pictures.case(cases, index)).images[0];
    if (levels !== "HU") throw new InputError("only pictures in HU can be cut", `case ${index}`);
    const { shape, data } = await pictures.tensor(cases, index, "images", 0);
    const [depth, height, width] = stackShape(shape);
    if (slice >= depth) throw new InputError(`there are ${depth} slices, counted from 0`, `slice ${slice}`);
    const grid = { dims: [width, height, depth], spacingMm: [1, 1, 1], affine: [] } as const;
    const hu = sliceOf({ ...grid, data: data as Int16Array }, slice);
    const layer = (runs: Runs, values: number, name: string) => ({
      data: unpacked(runs, width * height, values, name),
      width,
      height,
    });
    const cut = strokeCut(applyWindow8(hu, window), layer(strokes, 3, "strokes"), layer(mask, 2, "mask"));
    const answer: CutAnswer = "failure" in cut ? cut : { runs: toRuns(cut.mask.data) };
    return context.json(answer);
  });
  return routes;
}

/** A mask that a page names. @throws InputError where there is none */
async function keptMask(store: Store, digest: string): Promise<DrawnMask> {
  const mask = await findDrawnMask(store, digest);
  if (mask === null) throw new InputError("the store has no such mask", digest);
  return mask;
}

function unpacked(runs: Runs, size: number, values: number, name: string): Uint8Array {
  const data = fromRuns(runs, size, values);
  if (data === null) throw new InputError(`must be ${size} values from 0 to ${values - 1}`, name);
  return data;
}
