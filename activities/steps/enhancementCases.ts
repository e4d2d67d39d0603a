import type { Digest } from "../../artifacts/store.ts";
import { InputError } from "../../methods/inputError.ts";
import { lengthMm, shiftedTo } from "../../methods/labels/recist.ts";
import { type Case, caseSchema } from "../../schemas/cases.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { putCases } from "../cases.ts";
import { openDataset, shardPath } from "../datasets.ts";
import { openEnhanced } from "../enhanced.ts";
import type { StepBody } from "./step.ts";

/** A case for every lesion, named after it; pictures stay in the files in which `enhanced` has them. */
export const enhancementCases: StepBody<StepParams<"enhancement.cases">> = {
  async run({ store }, { params, inputs }) {
    const { manifest, lines, meta } = await openEnhanced(store, inputs.enhanced.artifact as Digest);
    const { lesions } = await openDataset(store, inputs.lesions.artifact as Digest);
    const byId = new Map(lesions.map((lesion) => [lesion.id, lesion]));
    const names = meta.method === "sgan" ? ["original", "denoised", "enhanced"] : ["original", "enhanced"];
    const cases = [...lines.values()].map(({ id, shard, zoom, box, slices }): Case => {
      const lesion = byId.get(id);
      if (lesion === undefined)
        throw new InputError(`has no lesion ${id}, which was enhanced`, "input lesions", "wire the lesions that were enhanced");
      const [sx, sy, sz] = lesion.spacingMm;
      const slice = slices.indexOf(lesion.slice);
      return caseSchema.parse({
        id,
        group: lesion.category,
        images: names.map((name) => ({
          ...{ name, file: shardPath(shard), tensor: `${id}/${name}`, levels: "fraction", window: { low: 0, high: 1 }, zoom },
          spacingMm: [sx / zoom, sy / zoom, sz],
        })),
        ...(slice < 0 ? {} : { marks: { slice, ...shiftedTo([box.x0, box.y0], lesion) } }),
        facts: { "long diameter": `${lengthMm(lesion.long, lesion.spacingMm).toFixed(1)} mm` },
      });
    });
    const files = manifest.blobs.filter(({ path }) => path.startsWith("shards/"));
    return { outputs: { cases: await putCases(store, params, cases, files) }, summary: { cases: cases.length } };
  },
};
