import type { Digest } from "../../artifacts/store.ts";
import { InputError } from "../../methods/inputError.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import { ellipsoidVolumeMm3, maskVolumeMm3, millilitres } from "../../methods/metrics/volume.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import type { VolumeLine } from "../../schemas/volumes.ts";
import { openDataset, readLesions } from "../datasets.ts";
import { openPredictions, readPredictedMask } from "../predictions.ts";
import { putVolumes } from "../volumes.ts";
import { namedInputs, type StepBody } from "./step.ts";

/** πLW²/6 on the marks (paper, 4.1): no mask is made, unlike that of the method "ellipsoid". */
const ELLIPSOID = "πLW²/6 of the marks";

/** Section 4.1 of the paper, end: volumes of lesions at every time point, by every method. */
export const volumesMeasure: StepBody<StepParams<"volumes.measure">> = {
  async run({ store, progress }, { params, inputs }) {
    const dataset = await openDataset(store, inputs.lesions.artifact as Digest);
    const methods = [];
    for (const [name, { artifact }] of Object.entries(namedInputs(inputs, "predictions"))) {
      const predictions = await openPredictions(store, artifact as Digest);
      if (predictions.meta.dimension === "2D")
        throw new InputError(`the masks of "${name}" fill the RECIST slice only`, "predictions", "a volume needs a method in 3D");
      if (name === ELLIPSOID || name === "reference")
        throw new InputError(`"${name}" is taken`, "predictions", "give the method another display name");
      methods.push({ name, predictions });
    }
    const lines: VolumeLine[] = [];
    const seen = new Set<string>();
    for await (const { lesion, reference } of readLesions(store, dataset)) {
      progress({ unit: "lesions", done: lines.length, total: dataset.lesions.length });
      const { id, patient, category, spacingMm, followUp = { lesion: id, timePoint: 0, day: 0 } } = lesion;
      const key = `${followUp.lesion} at time point ${followUp.timePoint}`;
      if (seen.has(key)) throw new InputError(`${key} is there twice`, id, "give every lesion one mask at a time point");
      seen.add(key);
      const [longMm, shortMm] = [lengthMm(lesion.long, spacingMm), lengthMm(lesion.short, spacingMm)];
      const measuredMl: Record<string, number> = { [ELLIPSOID]: millilitres(ellipsoidVolumeMm3(longMm, shortMm)) };
      for (const { name, predictions } of methods) {
        const mask = await readPredictedMask(store, predictions, id);
        measuredMl[name] = millilitres(maskVolumeMm3(mask.data, mask.spacingMm));
      }
      lines.push({
        patient,
        lesion: followUp.lesion,
        id,
        category,
        timePoint: followUp.timePoint,
        day: followUp.day,
        longMm,
        shortMm,
        referenceMl: reference === undefined ? null : millilitres(maskVolumeMm3(reference.data, spacingMm)),
        measuredMl,
        ...(followUp.constructedFactor === undefined ? {} : { constructedFactor: followUp.constructedFactor }),
      });
    }
    const meta = {
      name: dataset.meta.split === "all" ? dataset.meta.name : `${dataset.meta.name}, ${dataset.meta.split}`,
      origin: dataset.meta.origin,
      dataset: dataset.digest,
      constructed: lines.some(({ constructedFactor }) => constructedFactor !== undefined),
      lesions: new Set(lines.map(({ lesion }) => lesion)).size,
      patients: new Set(lines.map(({ patient }) => patient)).size,
      timePoints: lines.reduce((most, { timePoint }) => Math.max(most, timePoint + 1), 1),
      methods: [
        { name: ELLIPSOID, predictions: null },
        ...methods.map(({ name, predictions: { digest } }) => ({ name, predictions: digest })),
      ],
      statistics: params,
    };
    const volumes = await putVolumes(store, { meta, lines, responses: null });
    return {
      outputs: { volumes },
      summary: { lesions: meta.lesions, "time points": meta.timePoints, methods: meta.methods.length },
    };
  },
};
