import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { InputError } from "../../methods/inputError.ts";
import { assessCourse } from "../../methods/response/assess.ts";
import { coursesOf } from "../../methods/response/courses.ts";
import { baselineObjections } from "../../methods/response/eligibility.ts";
import { readMeasurementRows } from "../../methods/response/measurementRows.ts";

const read = (text: string) => coursesOf(readMeasurementRows(text, "m.csv"));
const header = "patient,date,lesion,organ,node,role,long_mm,short_mm,state,volume_ml";
const baseline = "P,2024-01-10,L,liver,no,target,40,30,,18";

function messageOf(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return "";
}

describe("a table of measurements", () => {
  it("becomes courses: time points by day, what a lesion is said once", () => {
    const courses = read(
      [
        header,
        "P,2024-03-01,L,,,,20,,,",
        "P,2024-03-01,N,,,,,8,,",
        baseline,
        "P,2024-01-10,N,neck,yes,target,25,16,,",
        "Q,2024-01-02,X,bone,,non-target,,,,",
      ].join("\n"),
    );
    expect(courses.map(({ patient }) => patient)).toEqual(["P", "Q"]);
    const [{ lesions, timePoints }] = courses;
    expect(lesions).toEqual([
      { id: "L", organ: "liver", node: false, role: "target" },
      { id: "N", organ: "neck", node: true, role: "target" },
    ]);
    expect(timePoints.map(({ name }) => name)).toEqual(["2024-01-10", "2024-03-01"]);
    expect(timePoints[1].day - timePoints[0].day).toBe(51); // 2024 is a leap year
    expect(timePoints[1].findings.get("N")).toEqual({ state: "measured", longMm: null, shortMm: 8, volumeMl: null });
    expect(courses[1].timePoints[0].findings.get("X")!.state).toBe("present");
  });

  it("is read with semicolons and decimal commas, quotes, CRLF and a BOM, in any order of columns", () => {
    const text =
      '\uFEFFRole;Long mm;lesion;day;patient;"note"\r\ntarget;"40,5";L;0;P;"says ""hm"";\r\nand more"\r\n;12,5+8;L;60;P;\r\n\r\n';
    const [{ timePoints }] = read(text);
    expect(timePoints.map(({ findings }) => findings.get("L")!.longMm)).toEqual([40.5, 20.5]);
  });

  it("takes scans of several days for one assessment where they have its name", () => {
    const text = [
      "patient,date,timepoint,lesion,role,long_mm",
      "P,2024-01-10,before,A,target,40",
      "P,2024-01-08,before,B,target,30",
      "P,2024-03-04,after,A,,20",
      "P,2024-03-02,after,B,,10",
    ].join("\n");
    const { timePoints } = assessCourse(read(text)[0]);
    expect(timePoints.map(({ timePoint, day, sumMm }) => [timePoint, day, sumMm])).toEqual([
      ["before", 0, 70],
      ["after", 54, 30],
    ]);
  });

  it("takes 0 mm for a lesion that has disappeared", () => {
    const [course] = read([header, baseline, "P,2024-03-01,L,,,,0,,,"].join("\n"));
    expect(course.timePoints[1].findings.get("L")!.state).toBe("absent");
  });

  it.each<[string, string, string]>([
    ["an unknown column", "patient,day,lesion,role,lnog_mm\nP,0,L,target,40", 'm.csv:1:25: there is no column "lnog_mm"'],
    ["no date", "patient,lesion,role\nP,L,target", 'm.csv:1:1: one of the columns "date" and "day" is needed'],
    ["a missing column", "patient,day,role\nP,0,target", 'm.csv:1:1: column "lesion" is missing'],
    ["a column twice", "patient,day,day,lesion,role\nP,0,0,L,target", 'm.csv:1:13: column "day" is there twice'],
    ["a short row", `${header}\nP,2024-01-10`, "m.csv:2:1: the row has 2 cells where the header has 10"],
    ["no row", header, "m.csv: has no row"],
    ["no text", "", "m.csv: is empty"],
    ["a word for a number", `${header}\nP,2024-01-10,L,liver,no,target,forty,,,`, 'm.csv:2:32: long_mm is "forty"'],
    ["a decimal comma between commas", `${header}\nP,2024-01-10,L,liver,no,target,"40,5",,,`, 'm.csv:2:32: long_mm is "40,5"'],
    ["a negative length", `${header}\nP,2024-01-10,L,liver,no,target,-4,,,`, 'm.csv:2:32: long_mm is "-4"'],
    ["metres", `${header}\nP,2024-01-10,L,liver,no,target,40000,,,`, 'm.csv:2:32: long_mm is "40000"'],
    ["a 30th of February", `${header}\nP,2024-02-30,L,liver,no,target,40,,,`, 'm.csv:2:3: date is "2024-02-30"'],
    ["an unknown state", `${header}\n${baseline}\nP,2024-03-01,L,,,,,,gone,`, 'm.csv:3:21: state is "gone"'],
    ["no patient", `${header}\n,2024-01-10,L,liver,no,target,40,,,`, "m.csv:2:1: patient is empty"],
    ["an open quote", `${header}\nP,2024-01-10,"L`, "m.csv:2:14: the quoted cell does not end"],
    ["text after a quote", `${header}\nP,2024-01-10,"L"x`, "m.csv:2:17: text follows the quoted cell"],
    ["no role", `${header}\nP,2024-01-10,L,liver,no,,40,,,`, 'm.csv:2:1: lesion "L" has no role'],
    [
      "two roles",
      `${header}\n${baseline}\nP,2024-03-01,L,,,new,40,,,`,
      'm.csv:3:1: role of lesion "L" is "new" here and "target" above',
    ],
    ["a row twice", `${header}\n${baseline}\n${baseline}`, 'm.csv:3:1: lesion "L" has another row'],
    [
      "a target that comes later",
      `${header}\n${baseline}\nP,2024-03-01,M,lung,no,target,20,,,`,
      'm.csv:3:1: target lesion "M" is not there at baseline',
    ],
    [
      "a new lesion at baseline",
      `${header}\n${baseline}\nP,2024-01-10,M,lung,no,new,20,,,`,
      'm.csv:3:1: new lesion "M" is measured at baseline',
    ],
    [
      "no lesion at baseline",
      `${header}\nP,2024-01-10,M,lung,no,new,,,absent,`,
      'm.csv:2:1: patient "P" has no lesion at baseline',
    ],
    [
      "a target that is only seen",
      `${header}\n${baseline}\nP,2024-03-01,L,,,,,,present,`,
      'm.csv:3:1: target lesion "L" is present here',
    ],
    [
      "a target without a diameter",
      `${header}\n${baseline}\nP,2024-03-01,L,,,,,20,,`,
      'm.csv:3:1: target lesion "L" has no long_mm',
    ],
    [
      "a node without its short axis",
      `${header}\nP,2024-01-10,N,neck,yes,target,20,,,`,
      'm.csv:2:1: target lesion "N" has no short_mm',
    ],
    [
      "axes the wrong way round",
      `${header}\nP,2024-01-10,L,liver,no,target,20,30,,`,
      "m.csv:2:1: the short axis of target lesion",
    ],
    [
      "absent with a diameter",
      `${header}\n${baseline}\nP,2024-03-01,L,,,,20,,absent,`,
      'm.csv:3:1: target lesion "L" is absent and measures 20 mm',
    ],
    [
      "two assessments on a day",
      "patient,day,timepoint,lesion,role,long_mm\nP,0,a,L,target,20\nP,0,b,L,,20",
      'm.csv:3:1: time points "a" and "b" are on one day',
    ],
  ])("refuses %s", (_, text, expected) => {
    expect(messageOf(text).startsWith(expected), messageOf(text)).toBe(true);
  });

  it("says all that is wrong at once", () => {
    const message = messageOf(`${header}\nP,2024-13-01,L,liver,no,target,x,,,\nP,2024-01-10,L,liver,maybe,target,40,,,-3`);
    expect(message.split("\n").map((line) => line.split(": ")[0])).toEqual([
      "m.csv:2:3",
      "m.csv:2:32",
      "m.csv:3:22",
      "m.csv:3:40",
    ]);
  });

  const words = fc.constantFrom(
    ...'P Q L M 2024-01-10 2024-03-01 0 7 12.5 8+4 target non-target new yes no measured absent equivocal , , , ; \n \n " é'.split(
      " ",
    ),
  );
  test.prop([fc.array(words, { maxLength: 80 }), fc.boolean(), fc.nat({ max: 400 })])(
    "gives courses that can be assessed, or an error with its place, for any text",
    (pieces, withHeader, cut) => {
      const lines = [header, baseline, "P,2024-03-01,L,,,,20,,,9"].join("\n");
      const text = withHeader ? `${lines.slice(0, cut)}${pieces.join("")}${lines.slice(cut)}` : pieces.join("");
      try {
        for (const course of read(text)) expect(assessCourse(course).timePoints.length).toBe(course.timePoints.length);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        const [, line, column] = /^m\.csv(?::(\d+):(\d+))?$/.exec(error.where ?? "") ?? expect.unreachable(error.message);
        if (line === undefined) return;
        const found = text.split("\n")[Number(line) - 1];
        expect(Number(column)).toBeLessThanOrEqual((found ?? "").length + 1);
      }
    },
  );
});

describe("baselineObjections", () => {
  it("are what RECIST 1.1 does not allow: too many targets, too small ones, normal nodes", () => {
    const target = (id: string, organ: string, mm: number) => `P,2024-01-10,${id},${organ},no,target,${mm},,,`;
    const [course] = read(
      [
        header,
        ...[target("A", "Liver", 20), target("B", "liver", 20), target("C", "liver", 20), target("D", "lung", 9)],
        ...["N1,neck,yes,target,20,15", "N2,groin,yes,target,20,14", "N3,neck,yes,non-target,20,9"].map(
          (row) => `P,2024-01-10,${row},,`,
        ),
      ].join("\n"),
    );
    expect(baselineObjections(course)).toEqual([
      "has 6 target lesions; RECIST 1.1 allows 5",
      "has 3 target lesions in one organ (liver); RECIST 1.1 allows 2",
      "lesion D is a target with a longest diameter of 9 mm; measurable is from 10 mm",
      "lesion N2 is a nodal target with a short axis of 14 mm; measurable is from 15 mm",
      "lesion N3 is a lymph node with a short axis of 9 mm, which is normal below 10 mm",
    ]);
  });

  it("are none for five measurable targets, two of them nodes", () => {
    const rows = [
      "A,liver,no,target,10,",
      "B,liver,no,target,20,",
      "C,lung,no,target,20,",
      "N1,neck,yes,target,20,15",
      "N2,groin,yes,target,20,15",
    ];
    const [course] = read([header, ...rows.map((row) => `P,2024-01-10,${row},,`)].join("\n"));
    expect(baselineObjections(course)).toEqual([]);
  });
});
