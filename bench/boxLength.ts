/** How much longer a lesion's long diameter is than the longer side of its tight box, over real shapes: `npx tsx bench/boxLength.ts`. */
import path from "node:path";
import { openLesionShapes } from "../methods/datasets/lesionShapes.ts";
import { marksOfMask } from "../methods/datasets/simulatedMarks.ts";
import { sliceOf } from "../methods/imaging/volume.ts";
import { rangeOfMask } from "../methods/imaging/voxelRange.ts";
import { lengthMm } from "../methods/labels/recist.ts";

const LEAST_VOXELS = 200;

const shapes = await openLesionShapes(path.resolve(process.env.RECIST3D_SHARED_DATA ?? "../shared/data", "lesion-shapes"));
const ratios: number[] = [];
for (const [i, { voxels }] of shapes.entries.entries()) {
  if (voxels < LEAST_VOXELS) continue;
  const mask = shapes.load(i);
  const marks = marksOfMask(mask);
  if (marks === undefined) continue;
  const { start, end } = rangeOfMask(sliceOf(mask, marks.slice).data, [mask.dims[0], mask.dims[1], 1])!;
  ratios.push(lengthMm(marks.long, [1, 1, 1]) / Math.max(end[0] - start[0] - 1, end[1] - start[1] - 1));
}
ratios.sort((a, b) => a - b);
const quantile = (q: number): string => ratios[Math.floor(q * (ratios.length - 1))].toFixed(3);
console.log(`${ratios.length} shapes: 10 % ${quantile(0.1)}, median ${quantile(0.5)}, 90 % ${quantile(0.9)}`);
