import { InputError } from "../methods/inputError.ts";
import type { VolumeMethod } from "../methods/labels/volume.ts";
import { suggest } from "../pipelines/nearest.ts";
import { sliceMethods, volumeMethods } from "../schemas/stepKinds/initialMasks.ts";
import type { SegmentOptions } from "./commands/segment.ts";
import { boxMethods } from "./unmarkedLesion.ts";

/** From the marks alone: those for the volume fill it, the others the RECIST slice. */
export const markMethods = [...sliceMethods, ...volumeMethods] as const satisfies readonly VolumeMethod[];
/** From a model: its prediction, each slice of it refined by GrabCut (“-GC”), or the volume cut with the shape prior. */
export const modelMethods = ["wsss", "wsss-gc", "wsss-prior"] as const;
export const postprocessOf = (method: SegmentMethod): "none" | "grabcut" | "prior" =>
  method === "wsss-gc" ? "grabcut" : method === "wsss-prior" ? "prior" : "none";
export type SegmentMethod = (typeof markMethods)[number] | (typeof modelMethods)[number];

/** Whether its masks lie on the marked slice alone. */
export const fillsOneSlice = (method: SegmentMethod): boolean => sliceMethods.some((name) => name === method);

/** The method, checked against what is given to work from. */
export function methodOf({ method, model, marks, boxes = [], points = [] }: SegmentOptions): SegmentMethod {
  if ((marks === undefined) === (boxes.length + points.length === 0))
    throw new InputError(
      marks === undefined ? "nothing says where the lesions are" : "marks and boxes or points are given at once",
      "--marks",
      "give --marks FILE, or --box x0,y0,x1,y1,slice, or with --model --point x,y,slice",
    );
  if (model === undefined && points.length > 0)
    throw new InputError("a point needs a model", "--point", "give --model, or draw a box: --box x0,y0,x1,y1,slice");
  if (method === undefined) return model !== undefined ? "wsss" : marks === undefined ? boxMethods[0] : "grabcut-r";
  const known = [...markMethods, ...modelMethods].find((name) => name === method);
  if (known === undefined)
    throw new InputError(`there is no method "${method}"`, "--method", suggest(method, [...markMethods, ...modelMethods]));
  const needsModel = (modelMethods as readonly string[]).includes(known);
  if (needsModel && model === undefined) throw new InputError(`method ${known} needs a model`, "--method", "give --model");
  if (!needsModel && model !== undefined)
    throw new InputError(`method ${known} uses no model`, "--method", `leave out --model, or give ${modelMethods.join(" or ")}`);
  const fromBox: readonly string[] = model === undefined ? boxMethods : ["wsss"];
  if (marks === undefined && !fromBox.includes(known))
    throw new InputError(`method ${known} needs marks`, "--method", `without marks: ${fromBox.join(", ")}`);
  return known;
}
