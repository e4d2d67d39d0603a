import { readFileSync } from "node:fs";
import { test as propertyTest } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMeasurementReport, type ReportedDiameter } from "../../methods/datasets/measurementReport.ts";
import { InputError } from "../../methods/inputError.ts";
import { dicomSegmentation } from "./dicomFiles.ts";
import { reportFixture as fixture, type ReportFixture, reportBytes } from "./reportFixture.ts";

const names = Object.keys(fixture.reports) as (keyof ReportFixture["reports"])[];
const coordinates = (diameter: ReportedDiameter): number[] => diameter.ends.flat();

describe.each(names)("a report by %s", (name) => {
  const report = parseMeasurementReport(reportBytes(name), "sr.dcm");
  const is3d = name.includes("3D");

  it("tells every lesion with its name, site and group", () => {
    expect(report.skipped).toEqual({});
    expect(report.written).toMatch(/^202405061015\d\d$/);
    expect(report.evidence).toEqual(new Set([fixture.uid]));
    expect(report.lesions.map(({ name, category, where }) => [name, category, where])).toEqual(
      fixture.lesions.map(({ name, category }, i) => [name, category, `sr.dcm: measurement group ${i + 1}`]),
    );
    if (name.startsWith("highdicom"))
      expect(report.lesions.map(({ trackingUid }) => trackingUid)).toEqual(fixture.lesions.map(({ tracking }) => tracking));
  });

  it(`has their diameters ${is3d ? "in the patient's space" : "on their images, half a pixel off the corner that it counts from"}`, () => {
    fixture.lesions.forEach(({ slice, long, short }, i) => {
      const read = report.lesions[i];
      const expected = is3d ? fixture.inSpace[i] : [long, short];
      [read.long, read.short].forEach((diameter, axis) => {
        expect(diameter).toMatchObject(
          is3d ? { frameOfReference: fixture.frameOfReference } : { image: `${fixture.uid}.${slice + 1}`, frame: 1 },
        );
        coordinates(diameter).forEach((value, j) => expect(value).toBeCloseTo(expected[axis].flat()[j], 4));
      });
    });
  });
});

describe("a report", () => {
  it("counts what is no lesion with two diameters", () => {
    const { lesions, skipped } = parseMeasurementReport(reportBytes("partial"), "sr.dcm");
    expect(lesions.map(({ name }) => name)).toEqual([fixture.lesions[0].name]);
    expect(skipped).toEqual({ "no long and short axis": 1, "one axis alone": 1 });
  });

  it("that is none is refused by what it is", () => {
    expect(() => parseMeasurementReport(dicomSegmentation("61.7.5"), "seg.dcm")).toThrow(
      "seg.dcm: is no structured report with coordinates (SOP class 1.2.840.10008.5.1.4.1.1.66.4) — give a DICOM SR of measurements (TID 1500)",
    );
    expect(() => parseMeasurementReport(readFileSync(new URL(import.meta.url)), "text.dcm")).toThrow(InputError);
  });

  propertyTest.prop([fc.constantFrom(...names), fc.nat(), fc.nat(255), fc.boolean()], { numRuns: 400 })(
    "of damaged bytes is read or refused, never misread as another thing",
    (name, at, byte, isCut) => {
      const bytes = Uint8Array.from(reportBytes(name));
      const damaged = isCut ? bytes.subarray(0, at % bytes.length) : bytes;
      if (!isCut) bytes[at % bytes.length] = byte;
      try {
        for (const { long, short } of parseMeasurementReport(damaged, "sr.dcm").lesions)
          for (const diameter of [long, short]) expect(coordinates(diameter).every(Number.isFinite)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    },
  );
});
