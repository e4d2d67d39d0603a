import type { ArtifactFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { InputError } from "../../methods/inputError.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import { encodeSafetensors } from "../../methods/networks/safetensors.ts";
import { type LinkCandidate, type LinkingSettings, linkCandidate, suggestLinks } from "../../methods/response/linking.ts";
import { type LinkPicture, linkPicture } from "../../methods/response/linkPicture.ts";
import { readScanTable, type TimePoint } from "../../methods/response/linkTable.ts";
import { textOf } from "../../methods/textFile.ts";
import type { Case } from "../../schemas/cases.ts";
import type { Lesion } from "../../schemas/dataset.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { putCases } from "../cases.ts";
import { linesType, openDataset, readLesions, safetensorsType, toLines } from "../datasets.ts";
import { readScannedFile } from "../sources.ts";
import type { SuggestedLinkLine } from "../suggestedLinks.ts";
import type { StepBody } from "./step.ts";

/** Side of the pictures in pixels, and in long diameters of the longer of the two lesions. */
const PICTURE_PX = 160;
const PICTURE_DIAMETERS = 3;
const LEAST_PICTURE_MM = 60;

type SuggestParams = StepParams<"timepoints.suggest">;

/** A lesion with what it is linked by, and at its time point. */
interface Timed extends TimePoint {
  readonly lesion: Lesion;
  readonly candidate: LinkCandidate;
}
interface Suggested extends SuggestedLinkLine {
  readonly a: Timed;
  readonly b: Timed;
}

/**
 * Links are suggested between the time points of a patient that follow each other. Every picture goes to the store as it is cut
 * out, a file for each, so that memory holds one at a time, of however many lesions.
 */
export const timepointsSuggest: StepBody<SuggestParams> = {
  async run({ store, progress }, { params, inputs }) {
    const dataset = await openDataset(store, inputs.lesions.artifact as Digest);
    const scans =
      params.scans === undefined
        ? undefined
        : readScanTable(textOf(await readScannedFile(store, inputs, params.scans), params.scans), params.scans);
    const timed: Timed[] = [];
    for await (const { lesion, image } of readLesions(store, dataset)) {
      progress({ unit: "lesions", done: timed.length, total: 2 * dataset.lesions.length });
      timed.push({ lesion, candidate: linkCandidate({ ...lesion, marks: lesion }, image), ...timeOf(lesion, scans) });
    }
    const suggested = suggestionsOf(timed, params);
    const files: ArtifactFile[] = [];
    const shownIn = new Map<string, Suggested[]>();
    for (const one of suggested) for (const id of [one.first, one.second]) shownIn.set(id, [...(shownIn.get(id) ?? []), one]);
    let done = dataset.lesions.length;
    for await (const { lesion, image } of readLesions(store, dataset)) {
      progress({ unit: "lesions", done: done++, total: 2 * dataset.lesions.length });
      for (const one of shownIn.get(lesion.id) ?? []) {
        const picture = linkPicture(image, lesion, sideMmOf(one), PICTURE_PX, params.neighbours);
        files.push(await putPicture(store, pictureFile(one, lesion.id), picture, params.neighbours));
      }
    }
    files.push(
      { path: "links.jsonl", bytes: toLines(suggested.map(({ a: _a, b: _b, ...line }) => line)), mediaType: linesType },
      {
        path: "timepoints.jsonl",
        bytes: toLines(timed.map(({ lesion: { id }, timePoint, day }) => ({ id, timePoint, day }))),
        mediaType: linesType,
      },
    );
    const cases = suggested.map(caseOf);
    const linked = new Set(suggested.flatMap(({ first, second }) => [first, second])).size;
    return {
      outputs: {
        cases: await putCases(store, { title: params.title, ...(cases.length === 0 && { mayBeEmpty: true }) }, cases, files),
      },
      summary: { links: suggested.length, "without a partner": timed.length - linked },
    };
  },
};

function timeOf(lesion: Lesion, scans: ReadonlyMap<string, TimePoint> | undefined): TimePoint {
  const at = scans === undefined ? lesion.followUp : scans.get(lesion.source.series);
  if (at !== undefined) return { timePoint: at.timePoint, day: at.day };
  if (scans === undefined)
    throw new InputError(
      "does not say when it was seen",
      `lesion ${lesion.id}`,
      "give a table of `scans`: series,time_point,day",
    );
  throw new InputError(`has no row for series ${lesion.source.series}`, "scans", `lesion ${lesion.id} was seen there`);
}

function suggestionsOf(timed: readonly Timed[], params: SuggestParams): Suggested[] {
  const settings: LinkingSettings = {
    positionScaleMm: params.positionMm,
    shiftScaleMm: params.shiftMm,
    sizeFactor: params.sizeFactor,
    huScale: params.hu,
    otherCategory: params.otherCategory,
    noPartner: params.noPartner,
  };
  const byId = new Map(timed.map((one) => [one.lesion.id, one]));
  const suggested: Suggested[] = [];
  for (const patient of [...new Set(timed.map(({ lesion }) => lesion.patient))].sort()) {
    const own = timed.filter(({ lesion }) => lesion.patient === patient);
    const times = [...new Set(own.map(({ timePoint }) => timePoint))].sort((a, b) => a - b);
    const at = (time: number): LinkCandidate[] =>
      own.filter(({ timePoint }) => timePoint === time).map(({ candidate }) => candidate);
    for (const [i, time] of times.slice(1).entries())
      for (const { first, second, cost, margin } of suggestLinks(at(times[i]), at(time), settings).links) {
        const id = `link-${String(suggested.length + 1).padStart(5, "0")}`;
        suggested.push({ case: id, patient, first, second, cost, margin, a: byId.get(first)!, b: byId.get(second)! });
      }
  }
  return suggested;
}

const sideMmOf = ({ a, b }: Suggested): number =>
  Math.max(LEAST_PICTURE_MM, PICTURE_DIAMETERS * Math.max(a.candidate.longMm, b.candidate.longMm));

const pictureFile = ({ case: id, first }: Suggested, lesion: string): string =>
  `cases/${id}/${lesion === first ? "first" : "second"}.safetensors`;

async function putPicture(store: Store, path: string, { hu, marked }: LinkPicture, neighbours: number): Promise<ArtifactFile> {
  const shape = [2 * neighbours + 1, PICTURE_PX, PICTURE_PX];
  const bytes = encodeSafetensors({ image: { dtype: "I16", shape, data: hu }, marked: { dtype: "U8", shape, data: marked } });
  return { path, digest: await store.putBlob(bytes), size: bytes.byteLength, mediaType: safetensorsType };
}

function caseOf(suggested: Suggested): Case {
  const { case: id, margin, a, b } = suggested;
  const both = [a, b].map((one) => ({ name: `day ${one.day}`, file: pictureFile(suggested, one.lesion.id), lesion: one.lesion }));
  // Two scans of one day still need names that differ.
  const names =
    both[0].name === both[1].name
      ? both.map(({ name }, i) => `${name}, ${["first", "second"][i]}`)
      : both.map(({ name }) => name);
  const pixelMm = sideMmOf(suggested) / PICTURE_PX;
  return {
    id,
    group: a.lesion.category,
    images: both.map(({ file, lesion: { window, spacingMm } }, i) => ({
      name: names[i],
      file,
      tensor: "image",
      levels: "HU",
      window,
      spacingMm: [pixelMm, pixelMm, spacingMm[2]],
      zoom: 1,
    })),
    masks: both.map(({ file }, i) => ({ name: names[i], file, tensor: "marked" })),
    facts: Object.fromEntries([
      ...both.map(({ lesion: { long, short, spacingMm, category } }, i) => [
        names[i],
        `${lengthMm(long, spacingMm).toFixed(1)} × ${lengthMm(short, spacingMm).toFixed(1)} mm, ${category}`,
      ]),
      ["lead over the next best", margin.toFixed(1)],
    ]),
  };
}
