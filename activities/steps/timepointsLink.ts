import type { Digest, Store } from "../../artifacts/store.ts";
import { InputError } from "../../methods/inputError.ts";
import { lesionNames } from "../../methods/response/lesionNames.ts";
import { type LinkedLesion, readLinkTable } from "../../methods/response/linkTable.ts";
import { textOf } from "../../methods/textFile.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { openCases } from "../cases.ts";
import { type Dataset, openDataset, putSubset } from "../datasets.ts";
import { answersTo } from "../decisions.ts";
import { readScannedFile } from "../sources.ts";
import { readSuggestedLinks } from "../suggestedLinks.ts";
import type { StepBody, StepInput } from "./step.ts";

type LinkParams = StepParams<"timepoints.link">;

/** Every lesion gets the lesion that it is; images are shared with the data set that came in. */
export const timepointsLink: StepBody<LinkParams> = {
  async run({ store }, input) {
    const dataset = await openDataset(store, input.inputs.lesions.artifact as Digest);
    const { linked, note, summary } =
      input.params.table === undefined ? await fromCases(store, dataset, input) : await fromTable(store, dataset, input);
    const { name, origin, skipped, split } = dataset.meta;
    const lesions = await putSubset(store, dataset, { name, origin, skipped, split }, (lesion) => {
      const { lesion: own, timePoint, day } = linked.get(lesion.id)!;
      // What a construction knows of the change is true of the lesion, whatever it is linked to.
      const { constructedFactor } = lesion.followUp ?? {};
      const followUp = { lesion: own, timePoint, day, ...(constructedFactor === undefined ? {} : { constructedFactor }) };
      const said = note(lesion.id);
      return { ...lesion, followUp, notes: said === undefined ? lesion.notes : [...lesion.notes, said] };
    });
    return {
      outputs: { lesions },
      summary: { lesions: new Set([...linked.values()].map((one) => one.lesion)).size, ...summary },
    };
  },
};

interface Links {
  readonly linked: ReadonlyMap<string, LinkedLesion>;
  /** What the notes of a lesion are to say. */
  readonly note: (id: string) => string | undefined;
  readonly summary: Record<string, number | string>;
}

async function fromTable(store: Store, dataset: Dataset, { params, inputs }: StepInput<LinkParams>): Promise<Links> {
  const table = params.table!;
  const rows = readLinkTable(textOf(await readScannedFile(store, inputs, table), table), table);
  const patients = new Map<string, string>();
  for (const { id, patient } of dataset.lesions) {
    const row = rows.get(id);
    if (row === undefined) throw new InputError(`has no row for ${id}`, table, "give every lesion of the data set one row");
    const other = patients.get(row.lesion);
    if (other !== undefined && other !== patient)
      throw new InputError(`lesion ${row.lesion} is said to be one of ${other} and of ${patient}`, table, "name lesions apart");
    patients.set(row.lesion, patient);
  }
  return { linked: rows, note: () => undefined, summary: { "linked by": "table" } };
}

async function fromCases(store: Store, dataset: Dataset, { params, inputs }: StepInput<LinkParams>): Promise<Links> {
  const cases = await openCases(store, inputs.cases.artifact as Digest);
  const { links, lesions } = await readSuggestedLinks(store, cases);
  const time = new Map(lesions.map((one) => [one.id, one]));
  const known = dataset.lesions.map(({ id }) => id);
  for (const id of known)
    if (!time.has(id))
      throw new InputError(`do not know lesion ${id}`, "input cases", "suggest links for the lesions that are linked");
  const answered =
    inputs.decisions === undefined ? new Map() : await answersTo(store, inputs.decisions.artifact as Digest, cases.digest);
  const isConfirmed = (id: string): boolean => answered.get(id) === params.same;
  const isUnconfirmed = (id: string): boolean => !answered.has(id) && params.unconfirmed === "linked";
  const taken = links.filter(({ case: id }) => isConfirmed(id) || isUnconfirmed(id));
  const unconfirmed = new Set(taken.flatMap(({ case: id, first, second }) => (isUnconfirmed(id) ? [first, second] : [])));
  const names = lesionNames(
    lesions.filter(({ id }) => known.includes(id)),
    taken,
  );
  const confirmed = taken.filter(({ case: id }) => isConfirmed(id)).length;
  return {
    linked: new Map(
      known.map((id) => [id, { lesion: names.get(id)!, timePoint: time.get(id)!.timePoint, day: time.get(id)!.day }]),
    ),
    note: (id) => (unconfirmed.has(id) ? "link to another time point was suggested, and confirmed by nobody" : undefined),
    summary: {
      confirmed,
      "not confirmed": taken.length - confirmed,
      dismissed: links.filter(({ case: id }) => answered.has(id) && !isConfirmed(id)).length,
      "not answered": links.filter(({ case: id }) => !answered.has(id)).length,
    },
  };
}
