import { parse } from "csv-parse/sync";
import { beforeAll, describe, expect, it } from "vitest";
import { type AcceptanceAnswer, acceptanceRates, agreements, pairedAcceptance } from "../../methods/reading/acceptance.ts";
import { type ComparisonAnswer, comparisonRows, sidePreference } from "../../methods/reading/comparison.ts";
import { type ReportFiles, renderReport } from "../../report/report.ts";
import type { ReportInput } from "../../report/reportInput.ts";
import { sampleInput } from "./sampleInput.ts";

type Study = NonNullable<ReportInput["studies"]>[number];

const about = {
  decidedBy: "people",
  policy: null,
  closedBy: "readers",
  data: { name: "sarcomas", origin: "real" },
  cases: 40,
  leftOut: { withoutMask: 0, notDrawn: 0 },
  sources: ["Prior", "manual"],
  acceptance: null,
  comparison: null,
} satisfies Partial<Study>;
const readerOf = (reader: string, unanswered = 0): Study["readers"][number] => ({
  ...{ reader, answered: 40 - unanswered, unanswered, repeated: 0, changes: 3 },
  seconds: { median: 4.25, q1: 2, q3: 61 },
});

/** Twenty lesions of ten patients, five of liver; Ada accepts 15 masks of Prior, O'Neill 10, both all manual ones. */
function acceptanceStudy(): Study {
  const answers = ["Ada", "O'Neill"].flatMap((reader, r) =>
    about.sources.flatMap((source) =>
      Array.from({ length: 20 }, (_, i): AcceptanceAnswer => {
        const rejected = source === "Prior" && i < [5, 10][r];
        const [lesion, patient, category] = [`l${i}`, `p${i >> 1}`, i % 4 === 0 ? "liver" : "lung"];
        const answer = rejected ? "reject" : "accept";
        return { reader, source, case: `${source} ${i}`, repeat: false, answer, tookMs: 1, lesion, patient, category };
      }),
    ),
  );
  return {
    ...{ ...about, name: "acceptance", title: "Acceptance of masks", readers: [readerOf("Ada"), readerOf("O'Neill")] },
    agreement: agreements(answers).map((one) => ({ ...one, readers: [...one.readers] })),
    acceptance: { rates: acceptanceRates(answers, about.sources, 1), paired: pairedAcceptance(answers, about.sources) },
  };
}

/** One reader: Prior 3 times, manual 12 times, both 4 times, neither once. */
function comparisonStudy(): Study {
  const answers = Array.from({ length: 20 }, (_, i): ComparisonAnswer => {
    const left = i % 2 === 0 ? "Prior" : "manual";
    const wanted = i < 3 ? "Prior" : i < 15 ? "manual" : i < 19 ? "both" : "neither";
    const answer = wanted === left ? "left" : about.sources.includes(wanted) ? "right" : wanted;
    const where = { lesion: `l${i}`, patient: `p${i >> 1}`, category: "lung" };
    return {
      ...{ ...where, reader: "Ada", case: `c${i}`, repeat: false, answer, tookMs: 1, left },
      right: left === "Prior" ? "manual" : "Prior",
    };
  });
  return {
    ...{ ...about, cases: 20, name: "comparison", title: "Comparison of masks", readers: [readerOf("Ada")] },
    agreement: [],
    comparison: {
      ...{ first: "Prior", second: "manual", rows: comparisonRows(answers, ["Prior", "manual"], 1) },
      sides: sidePreference(answers),
    },
  };
}

let files: ReportFiles;
let section: string;
beforeAll(async () => {
  files = await renderReport({ ...sampleInput(), studies: [acceptanceStudy(), comparisonStudy()] });
  section = sectionOf(files);
});

function sectionOf({ "report.html": page }: ReportFiles): string {
  const start = page.indexOf('<h2 id="studies"');
  return start < 0 ? "" : page.slice(start, page.indexOf("</section>", start));
}

/** Cells of every table row whose first cell is `name`. */
function rows(name: string): string[][] {
  return [...section.matchAll(/<tr><th scope="row">(.*?)<\/th>(.*?)<\/tr>/gs)]
    .filter(([, head]) => head === name)
    .map(([, , cells]) =>
      [...cells.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, cell]) => cell.replace(/<small>/g, " | ").replace(/<[^>]+>/g, "")),
    );
}

const table = (name: `studies/${string}.csv`): Record<string, string>[] => parse(files[name], { columns: true });

describe("studies of readers in a report", () => {
  it("say how many masks of each source were accepted, with Wilson's interval", () => {
    // 25 of 40: Wilson 47.0 … 75.8 %; 40 of 40: 91.2 … 100 %.
    const [all, byCategory, byReader] = rows("Prior");
    expect(all.slice(0, 6)).toEqual(["40", "20", "10", "25", "62.5 %", "47.0 % to 75.8 %"]);
    expect(rows("manual")[0].slice(0, 6)).toEqual(["40", "20", "10", "40", "100.0 %", "91.2 % to 100.0 %"]);
    // Liver: lesions 0, 4, 8, … Ada rejects 0 and 4, O'Neill 8 too: 5 of 10 are accepted.
    expect(byCategory[0]).toMatch(/^50\.0 % \| .* \| 5 of 10$/);
    expect(byReader).toEqual(["75.0 % | 53.1 % to 88.8 % | 15 of 20", "50.0 % | 29.9 % to 70.1 % | 10 of 20"]);
    const [row] = table("studies/acceptance.csv");
    expect(row).toMatchObject({
      study: "acceptance",
      decidedBy: "people",
      source: "Prior",
      reader: "",
      answers: "40",
      rate: "0.625",
    });
    expect(Number(row.wilsonLow)).toBeCloseTo(0.4703, 4);
    expect(Number(row.wilsonHigh)).toBeCloseTo(0.7578, 4);
  });

  it("hold sources against each other reader by reader, and readers against each other", () => {
    expect(rows("Ada")[0]).toEqual(["Prior", "manual", "20", "15", "0", "5", "0", "0.063", "0.063"]);
    // 35 of 40 answers are equal; Ada rejects 5, O'Neill 10 of 40: κ = (.875 − .6875) / .3125.
    expect(rows("Ada, O&#39;Neill")[0].slice(0, 4)).toEqual(["between two (Cohen)", "40", "87.5 %", "0.600"]);
    expect(table("studies/agreement.csv").map(({ readers, kind }) => [readers, kind])).toEqual([
      ["Ada", "within"],
      ["O'Neill", "within"],
      ["Ada; O'Neill", "between"],
    ]);
  });

  it("say which mask was preferred, by the sign test, with ties apart", () => {
    expect(rows("all")[0].slice(0, 7)).toEqual(["20", "10", "3", "12", "4", "1", "20.0 % | 4.3 % to 48.1 %"]);
    expect(rows("all")[0].at(-1)).toBe("0.035");
    expect(table("studies/comparison.csv")[0]).toMatchObject({
      ...{ first: "Prior", second: "manual", firstPreferred: "3", secondPreferred: "12", both: "4", neither: "1", share: "0.2" },
    });
  });

  it("name readers, their time and changes of mind", () => {
    expect(section).toContain("Read by Ada, O&#39;Neill, blind to the sources and to each other");
    expect(rows("O&#39;Neill").at(-1)).toEqual(["40", "0", "0", "3", "4.3 s | 2.0 s to 1 min 1 s"]);
    expect(table("studies/readers.csv")[0]).toMatchObject({ reader: "Ada", medianSeconds: "4.25", changes: "3" });
  });

  it("are drawn, and told in numbers.json as they are", () => {
    for (const name of ["acceptance", "preference-2"] as const) expect(files[`figures/${name}.svg`]).toMatch(/^<svg/);
    expect(JSON.parse(files["numbers.json"]).studies[0]).toEqual(JSON.parse(JSON.stringify(acceptanceStudy())));
  });

  it("are called a policy's where a policy decided, and closed early where they were", async () => {
    expect(section).not.toContain("policy");
    const early = { ...acceptanceStudy(), closedBy: "deadline" as const, readers: [readerOf("Ada"), readerOf("Bo", 7)] };
    const ruled = {
      ...comparisonStudy(),
      leftOut: { withoutMask: 2, notDrawn: 9 },
      decidedBy: "policy" as const,
      policy: "edge-gain",
      readers: [],
    };
    const told = sectionOf(await renderReport({ ...sampleInput(), studies: [early, ruled] }));
    expect(told).toContain("Closed by its deadline.</b> Not answered: 7 by Bo.");
    expect(told).toContain("Decided by a policy, not by people:</b> edge-gain.");
    expect(told).toContain("Lesions that are not shown: 2 that lack a mask of a source, 9 that were not drawn. Nobody answered.");
    expect(section).not.toContain("not shown");
  });

  it("leave no trace in a report without them", async () => {
    const without = await renderReport(sampleInput());
    expect(sectionOf(without)).toBe("");
    expect(Object.keys(without).filter((name) => name.startsWith("studies/"))).toEqual([]);
    expect(JSON.parse(without["numbers.json"])).not.toHaveProperty("studies");
  });
});
