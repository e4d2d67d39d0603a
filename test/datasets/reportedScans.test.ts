import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LesionCase } from "../../methods/datasets/lesionCase.ts";
import { openMarkedScans } from "../../methods/datasets/markedScans.ts";
import { PERSON, text } from "./dicomFiles.ts";
import { put } from "./lymphNodeFolder.ts";
import { type ReportFixture, reportBytes, reportedSeriesFiles, reportFixture } from "./reportFixture.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-reported-scans-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const OTHER = "61.7.45";
type Name = Parameters<typeof reportBytes>[0];
const putReport = (name: Name, file = `${name}.dcm`): void => put(path.join(root, "sr", file), reportBytes(name));
/** The same report about another series, whose UID is as long; it tracks the same lesions. */
const putReportOfOther = (name: Name): void => {
  const bytes = reportBytes(name).toString("latin1");
  put(path.join(root, "sr", "other.dcm"), Buffer.from(bytes.replaceAll(/61\.7\.44(?!\.9|\.0\.2)/g, OTHER), "latin1"));
};
const putSeries = (uid = reportFixture.uid, more: readonly Buffer[] = []): void =>
  reportedSeriesFiles(more, uid).forEach((bytes, z) => put(path.join(root, uid, `IM${z}`), bytes));

async function opened(): Promise<{ patients: string[]; cases: LesionCase[]; skipped: object }> {
  const { entries, load, skipped } = await openMarkedScans(root);
  const cases: LesionCase[] = [];
  const counts: Record<string, number> = { ...skipped };
  for (const i of entries.keys()) {
    const scan = await load(i);
    cases.push(...scan.cases);
    for (const [reason, count] of Object.entries(scan.skipped)) counts[reason] = (counts[reason] ?? 0) + count;
  }
  return { patients: entries.map(({ patient }) => patient), cases, skipped: counts };
}
const refusal = (): Promise<Error> =>
  openMarkedScans(root).then(
    () => expect.fail("nothing was refused"),
    (error: Error) => error,
  );

/** Of a case: slice and end points on the grid of its series. */
function placeOf({ marks: { slice, long, short }, source: { origin } }: LesionCase): { slice: number; ends: number[] } {
  return { slice: slice + origin[2], ends: [...long, ...short].flatMap(([x, y]) => [x + origin[0], y + origin[1]]) };
}

describe.each(Object.keys(reportFixture.reports) as (keyof ReportFixture["reports"])[])(
  "a series with a report by %s",
  (name) => {
    it("has its lesions where highdicom and dcmjs were told that they are", async () => {
      putSeries();
      putReport(name);
      const { cases, skipped } = await opened();
      expect(skipped).toEqual({});
      expect(cases.map(({ category }) => category)).toEqual(reportFixture.lesions.map(({ category }) => category));
      cases.forEach((lesion, i) => {
        const { slice, long, short } = reportFixture.lesions[i];
        const place = placeOf(lesion);
        expect(place.slice).toBe(slice);
        place.ends.forEach((value, j) => expect(value).toBeCloseTo([...long, ...short].flat()[j], 3));
      });
    });
  },
);

describe("scans with structured reports", () => {
  it("carry nothing of who was scanned when", async () => {
    putSeries();
    putReport("highdicom, 2D");
    const { cases, patients } = await opened();
    expect(patients).toEqual([expect.stringMatching(/^patient-[0-9a-f]{12}$/)]);
    expect(cases.map(({ id }) => id)).toEqual([
      expect.stringMatching(/^ct-[0-9a-f]{12}-01$/),
      expect.stringMatching(/^ct-[0-9a-f]{12}-02$/),
    ]);
    const told = JSON.stringify(cases.map(({ image: _image, ...lesion }) => lesion));
    for (const secret of [...Object.values(PERSON), reportFixture.uid, "READER", "Target"]) expect(told).not.toContain(secret);
  });

  it("keep the PatientID of those whose identity was removed", async () => {
    putSeries(undefined, [text(0x0012, 0x0062, "YES")]);
    putReport("dcmjs");
    expect((await opened()).patients).toEqual([PERSON.id]);
  });

  it("are the same set of files whenever they are listed", async () => {
    putSeries();
    putReport("highdicom, 2D");
    const { entries, index } = await openMarkedScans(root);
    expect(index).toEqual(["sr/highdicom, 2D.dcm"]);
    expect(entries).toHaveLength(1);
    expect(entries[0].files).toEqual(Array.from({ length: 6 }, (_, z) => `${reportFixture.uid}/IM${z}`));
  });

  it("count what is told again, be it by another viewer that tracks it anew", async () => {
    putSeries();
    putReport("highdicom, 2D");
    putReport("dcmjs");
    const { cases, skipped } = await opened();
    expect(cases).toHaveLength(2);
    expect(skipped).toEqual({ "told again later": 2 });
  });

  it("keep two lesions that a report tracks as one", async () => {
    putSeries();
    const bytes = reportBytes("highdicom, 2D").toString("latin1").replaceAll("61.7.44.9.2", "61.7.44.9.1");
    put(path.join(root, "sr", "1.dcm"), Buffer.from(bytes, "latin1"));
    const { cases, skipped } = await opened();
    expect([cases.length, skipped]).toEqual([2, {}]);
  });

  it("count what was measured on images that are not here", async () => {
    putSeries();
    putReport("partial");
    putReportOfOther("highdicom, 2D");
    const { cases, skipped } = await opened();
    expect(cases).toHaveLength(1);
    expect(skipped).toEqual({ "no long and short axis": 1, "one axis alone": 1, "on images that are not here": 2 });
  });

  it("find a diameter in space by what was read, where several series share a frame of reference", async () => {
    putSeries();
    putSeries(OTHER);
    putReport("highdicom, 3D");
    const { cases, patients } = await opened();
    expect(patients).toHaveLength(1);
    expect(cases.map(placeOf).map(({ slice }) => slice)).toEqual(reportFixture.lesions.map(({ slice }) => slice));
  });

  it("of several days are time points of the lesions that were tracked", async () => {
    putSeries();
    putSeries(OTHER, [text(0x0008, 0x0020, "20091001")]);
    putReport("partial");
    putReportOfOther("highdicom, 2D");
    const { cases, patients } = await opened();
    expect(new Set(patients).size).toBe(1);
    const [first, again, fresh] = cases;
    expect(cases.map(({ followUp }) => followUp)).toEqual([
      { lesion: first.id, timePoint: 0, day: 0 },
      { lesion: first.id, timePoint: 1, day: 55 },
      { lesion: fresh.id, timePoint: 1, day: 55 },
    ]);
    expect(again.source.series).toBe(fresh.source.series);
  });

  it("without any report are refused, and so are reports without their series", async () => {
    putSeries();
    expect((await refusal()).message).toContain("holds neither marks.json nor marks.csv nor a DICOM structured report");
    rmSync(path.join(root, reportFixture.uid), { recursive: true });
    putReport("partial");
    expect((await refusal()).message).toBe(
      `${root}: holds 1 structured reports, but no lesion with two diameters in a CT series that is there (1 no long and short axis, 1 one axis alone, 1 on images that are not here) — give a folder with marks.json (or marks.csv) and the images that it names, or with DICOM series and their reports`,
    );
  });
});
