import { InputError } from "../inputError.ts";

/** A lesion of a data set at its time point, and a link between two of them. */
export interface TimedLesion {
  readonly id: string;
  readonly timePoint: number;
}
export interface Link {
  readonly first: string;
  readonly second: string;
}

/**
 * One name for all time points of a lesion: the id of the earliest one that links lead back to. A lesion without links has
 * its own.
 *
 * @throws InputError where links join two lesions of one time point, or name one that is not there.
 */
export function lesionNames(lesions: readonly TimedLesion[], links: readonly Link[]): Map<string, string> {
  const byId = new Map(lesions.map((lesion) => [lesion.id, lesion]));
  const group = new Map(lesions.map((lesion) => [lesion.id, [lesion]]));
  for (const { first, second } of links) {
    const [a, b] = [first, second].map((id) => {
      const own = group.get(id);
      if (own === undefined) throw new InputError("is linked, but there is no such lesion", id);
      return own;
    });
    if (a === b) continue;
    const joined = [...a, ...b];
    const times = joined.map(({ timePoint }) => timePoint);
    if (new Set(times).size < times.length)
      throw new InputError(
        "would be one lesion, but two of them are of one time point",
        joined.map(({ id }) => id).join(", "),
        "dismiss one of the links",
      );
    for (const { id } of joined) group.set(id, joined);
  }
  return new Map(
    [...byId.keys()].map((id) => {
      const earliest = group.get(id)!.reduce((least, one) => (one.timePoint < least.timePoint ? one : least));
      return [id, earliest.id];
    }),
  );
}
