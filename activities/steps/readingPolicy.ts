import { readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import type { Slice } from "../../methods/imaging/volume.ts";
import { applyWindow } from "../../methods/imaging/window.ts";
import { InputError } from "../../methods/inputError.ts";
import { type EdgeGain, edgeGain, undefinedGain } from "../../methods/metrics/edgeGain.ts";
import { decodeSafetensors, type SafetensorsFile } from "../../methods/networks/safetensors.ts";
import type { Case, CaseImage } from "../../schemas/cases.ts";
import type { Decision, DecisionsMeta } from "../../schemas/reading.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { type Cases, openCases } from "../cases.ts";
import { linesType, toLines } from "../datasets.ts";
import { putDecisions } from "../readingLog.ts";
import type { StepBody } from "./step.ts";

/** The best cases by the rule's score get the answer; those without a score never do, and are counted. */
export const readingPolicy: StepBody<StepParams<"reading.policy">> = {
  async run({ store, progress }, { params, inputs }) {
    const { rule, answer, otherwise, above, atMost } = params;
    const shown = await openCases(store, inputs.cases.artifact as Digest);
    const scores: ({ case: string } & EdgeGain)[] = [];
    const files = new LastFile(store, shown);
    for (const [done, one] of shown.cases.entries()) {
      progress({ unit: "cases", done, total: shown.cases.length });
      scores.push({ case: one.id, ...(await gainOf(one, files)) });
    }
    const unscored = scores.filter(({ score }) => score === null).length;
    const good = scores.filter(({ score }) => score !== null && score > above);
    const best = new Set(
      good
        .sort((a, b) => b.score! - a.score! || (a.case < b.case ? -1 : 1))
        .slice(0, atMost)
        .map((one) => one.case),
    );
    const decided = shown.cases.flatMap(({ id }): Decision[] => {
      const given = best.has(id) ? answer : otherwise;
      return given === undefined ? [] : [{ case: id, repeat: false, reader: null, answer: given, at: null, tookMs: 0 }];
    });
    const meta: Omit<DecisionsMeta, "decisions"> = {
      title: shown.meta.title,
      cases: shown.digest,
      decidedBy: "policy",
      policy: rule,
      readers: [],
      closedBy: "policy",
    };
    const lines = { path: "scores.jsonl", bytes: toLines(scores), mediaType: linesType };
    const decisions = await putDecisions(store, decided, { bytes: Buffer.alloc(0) }, meta, [lines]);
    return { outputs: { decisions }, summary: { decidedBy: `policy ${rule}`, [answer]: best.size, unscored } };
  },
};

/** @throws InputError where a case lacks what the rule looks at */
async function gainOf(one: Case, files: LastFile): Promise<EdgeGain> {
  const named = (name: string): CaseImage => {
    const image = one.images.find((candidate) => candidate.name === name);
    if (image === undefined)
      throw new InputError(
        `case ${one.id} has no picture called ${name}`,
        "rule edge-gain",
        "it is for cases of enhancement.cases",
      );
    return image;
  };
  const { marks } = one;
  const [original, enhanced] = [named("original"), named("enhanced")];
  if (marks === undefined) return undefinedGain;
  if (original.zoom !== enhanced.zoom)
    throw new InputError(`case ${one.id} has its original at another zoom than its enhanced picture`, "rule edge-gain");
  return edgeGain(await files.slice(original, marks.slice), await files.slice(enhanced, marks.slice), enhanced.zoom);
}

/** Cases of one shard stand beside each other, so the last file is kept. */
class LastFile {
  readonly #store: Store;
  readonly #cases: Cases;
  #path: string | undefined;
  #tensors: SafetensorsFile["tensors"] = {};

  constructor(store: Store, cases: Cases) {
    this.#store = store;
    this.#cases = cases;
  }

  /** One slice of a picture as fractions of its window. */
  async slice({ file, tensor: name, levels, window }: CaseImage, z: number): Promise<Slice> {
    if (this.#path !== file) {
      this.#tensors = decodeSafetensors(await readFile(this.#store, this.#cases.manifest, file), file).tensors;
      this.#path = file;
    }
    const { data, shape, dtype } = this.#tensors[name];
    const [height, width] = shape.slice(-2);
    const full = levels === "HU" ? 1 : ({ U8: 255, U16: 65535 }[dtype as string] ?? 1);
    const values = Float32Array.from({ length: width * height }, (_, i) => Number(data[z * width * height + i]) / full);
    return applyWindow({ data: values, width, height }, window);
  }
}
