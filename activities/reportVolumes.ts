import type { ReportInput } from "../report/reportInput.ts";
import type { VolumeLine } from "../schemas/volumes.ts";
import { byTime, type Volumes } from "./volumes.ts";

type VolumeData = NonNullable<ReportInput["volumes"]>[number];
type Named = readonly { readonly name: string; readonly value: Volumes }[];

/** What a report says of volumes: every lesion and time point with a reference, and the changes since the first time point. */
export function volumeData(named: Named): VolumeData[] {
  return named.flatMap(({ name, value: { meta, lines } }) => {
    const known = lines.filter(({ referenceMl }) => referenceMl !== null);
    const courses = [...byTime(known, ({ lesion }) => lesion).values()].filter(([{ timePoint }]) => timePoint === 0);
    const common = { data: named.length > 1 ? name : "", statistics: meta.statistics };
    return meta.methods.flatMap(({ name: method }): VolumeData[] => {
      const measured = ({ measuredMl }: VolumeLine): number => measuredMl[method];
      const unchanged = courses.filter((course) => course.length > 1 && course.every((l) => l.constructedFactor === 1));
      const repeated = unchanged.map((course) => course.map(measured).filter((ml) => ml > 0));
      const volumes = known.map((line) => ({
        lesion: line.id,
        patient: line.patient,
        referenceMl: line.referenceMl!,
        measuredMl: measured(line),
        ratio: ratioOf(measured(line), line.referenceMl!),
      }));
      const changes = courses.flatMap(([first, ...later]) =>
        later.map((line) => ({
          lesion: line.id,
          patient: line.patient,
          referenceMl: line.referenceMl! - first.referenceMl!,
          measuredMl: measured(line) - measured(first),
          ratio: ratioOf(measured(line) * first.referenceMl!, measured(first) * line.referenceMl!),
        })),
      );
      return [
        { ...common, method, quantity: "volume", points: volumes, repeated },
        ...(changes.length > 0 ? [{ ...common, method, quantity: "change" as const, points: changes }] : []),
      ];
    });
  });
}

export function responseData(named: Named): NonNullable<ReportInput["responses"]> {
  return named.flatMap(({ name, value: { meta, responses } }) => {
    if (responses === null || meta.response === undefined) return [];
    const { method, volumeResponse, volumeProgression, lymphNodes } = meta.response;
    return [{ data: name, method, volumeResponse, volumeProgression, lymphNodes, patients: [...responses] }];
  });
}

/** What must stand above any figure on such data. */
export function volumeRemarks(named: Named): string[] {
  return named
    .filter(({ value: { meta } }) => meta.constructed)
    .map(
      ({ value: { meta } }) =>
        `${meta.name}: the changes are constructed. Real shapes in real CT were grown and shrunk by known factors; no patient was followed, and the second scan differs from the first by less than two scans of a patient would.`,
    );
}

function ratioOf(a: number, b: number): number | null {
  return a > 0 && b > 0 ? a / b : null;
}
