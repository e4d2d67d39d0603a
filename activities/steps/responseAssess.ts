import type { Digest } from "../../artifacts/store.ts";
import { InputError } from "../../methods/inputError.ts";
import { assessCourse } from "../../methods/response/assess.ts";
import type { Course, Finding } from "../../methods/response/course.ts";
import { baselineObjections } from "../../methods/response/eligibility.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { patientResponseSchema, type VolumeLine } from "../../schemas/volumes.ts";
import { byTime, openVolumes, putVolumes } from "../volumes.ts";
import type { StepBody } from "./step.ts";

/** Every patient's responses; a lesion that is not in the data set at a time point was not evaluated there. */
export const responseAssess: StepBody<StepParams<"response.assess">> = {
  async run({ store }, { params, inputs }) {
    const { meta, lines } = await openVolumes(store, inputs.volumes.artifact as Digest);
    const { method, lymphNodes, volumeResponse, volumeProgression, ...settings } = params;
    const names = ["reference", ...meta.methods.map(({ name }) => name)];
    if (!names.includes(method))
      throw new InputError(`no volumes were measured by "${method}"`, "method", `there are ${names.join(", ")}`);
    const volumetric = { partialResponse: volumeResponse, progression: volumeProgression };
    const responses = [...byTime(lines, ({ patient }) => patient)].map(([patient, own]) => {
      const course = courseOf(patient, own, method, lymphNodes);
      const assessed = assessCourse(course, { ...settings, volumetric });
      return patientResponseSchema.strip().parse({
        ...assessed,
        timePoints: assessed.timePoints.map((one) => timePointSchema.parse(one)),
        objections: baselineObjections(course),
      });
    });
    const disagree = responses.flatMap(({ timePoints }) => timePoints).filter(({ disagrees }) => disagrees === true);
    const volumes = await putVolumes(store, { meta: { ...meta, response: params }, lines, responses });
    return { outputs: { volumes }, summary: { patients: responses.length, "volume disagrees": disagree.length } };
  },
};

const timePointSchema = patientResponseSchema.shape.timePoints.element.strip();

function courseOf(patient: string, lines: readonly VolumeLine[], method: string, node: boolean): Course {
  const baseline = new Set(lines.filter(({ timePoint }) => timePoint === 0).map(({ lesion }) => lesion));
  const lesions = [...byTime(lines, ({ lesion }) => lesion)].map(([id, [{ category }]]) => ({
    id,
    organ: category,
    node,
    role: baseline.has(id) ? ("target" as const) : ("new" as const),
  }));
  const findingOf = ({ longMm, shortMm, referenceMl, measuredMl }: VolumeLine): Finding => ({
    state: "measured",
    longMm,
    shortMm,
    volumeMl: method === "reference" ? referenceMl : measuredMl[method],
  });
  const numbers = [...new Set(lines.map(({ timePoint }) => timePoint))].sort((a, b) => a - b);
  const timePoints = numbers.map((number) => {
    const own = lines.filter(({ timePoint }) => timePoint === number);
    const day = own.reduce((first, line) => Math.min(first, line.day), Infinity);
    return { name: String(number), day, findings: new Map(own.map((line) => [line.lesion, findingOf(line)])) };
  });
  return { patient, lesions, timePoints };
}
