import { describe, expect, it } from "vitest";
import { linearFit } from "../../methods/metrics/linearFit.ts";
import { randomStream } from "../../methods/random.ts";
import { escapeHtml } from "../../report/html.ts";
import { renderReport } from "../../report/report.ts";
import { type ReportInput, reportInputSchema } from "../../report/reportInput.ts";
import { timelineSvg } from "../../report/timelineFigure.ts";
import { volumeNumbers } from "../../report/volumeNumbers.ts";
import { sampleInput } from "./sampleInput.ts";

type VolumeData = NonNullable<ReportInput["volumes"]>[number];

/** 40 changes of 20 patients; measured = 0.8 × reference + 1 + noise. */
function changes(method: string, noise: number): VolumeData {
  const points = Array.from({ length: 40 }, (_, i) => {
    const random = randomStream(5, method, i);
    const referenceMl = 12 * randomStream(5, "reference", i).normal();
    return {
      lesion: `l${i}`,
      patient: `p${i >> 1}`,
      referenceMl,
      measuredMl: 0.8 * referenceMl + 1 + noise * random.normal(),
      ratio: 1,
    };
  });
  return {
    method,
    quantity: "change",
    points,
    repeated: [
      [2, 2.2],
      [5, 4.6],
    ],
  };
}
const parsed = (volumes: VolumeData[]) => reportInputSchema.shape.volumes.parse(volumes);

describe("volumeNumbers", () => {
  const [ours, formula] = volumeNumbers(parsed([changes("WSSS", 1), changes("πLW²/6 of the marks", 8)]));

  it("fits the line of the measured on the reference change, with intervals that hold it", () => {
    expect(ours).toMatchObject({ n: 40, patients: 20 });
    expect(ours.slope).toBeCloseTo(0.8, 1);
    expect(ours.slopeInterval!.low).toBeLessThan(ours.slope!);
    expect(ours.slopeInterval!.high).toBeGreaterThan(ours.slope!);
    expect(ours.rSquaredInterval!.low).toBeGreaterThan(formula.rSquaredInterval!.low);
  });

  it("holds R² against the ellipsoid's on the same lesions", () => {
    expect(formula.rSquaredAdvantage).toBeNull();
    expect(ours.rSquaredAdvantage!.difference).toBeCloseTo(ours.rSquared! - formula.rSquared!, 12);
    expect(ours.rSquaredAdvantage!.interval!.low).toBeGreaterThan(0);
    const [alone] = volumeNumbers(parsed([changes("WSSS", 1)]));
    expect(alone.rSquaredAdvantage).toBeNull();
  });

  it("says bias and limits in ml, and repeatability as a factor of the unchanged lesions", () => {
    const { points } = changes("WSSS", 1);
    const bias = points.reduce((sum, p) => sum + p.measuredMl - p.referenceMl, 0) / 40;
    expect(ours.differences!.bias).toBeCloseTo(bias, 12);
    const sd = Math.sqrt((Math.log(2.2 / 2) ** 2 / 2 + Math.log(5 / 4.6) ** 2 / 2) / 2);
    expect(ours.repeatability).toMatchObject({ lesions: 2 });
    expect(ours.repeatability!.ratio).toBeCloseTo(Math.exp(1.959963984540054 * Math.SQRT2 * sd), 9);
  });

  it("counts what has no ratio and leaves it out of the ratios alone", () => {
    const one = changes("WSSS", 1);
    const points = one.points.map((p, i) => ({ ...p, ratio: i < 3 ? null : 2 }));
    const [numbers] = volumeNumbers(parsed([{ ...one, points }]));
    expect(numbers).toMatchObject({ n: 40, withoutRatio: 3 });
    expect(numbers.ratios!.n).toBe(37);
    expect(numbers.ratios!.bias).toBeCloseTo(2, 12);
  });

  it("is undefined, not 0, where there is nothing to fit", () => {
    const one = changes("WSSS", 1);
    const [numbers] = volumeNumbers(parsed([{ ...one, points: one.points.slice(0, 1), repeated: [] }]));
    expect(numbers).toMatchObject({
      slope: null,
      rSquared: null,
      rSquaredInterval: null,
      differences: null,
      repeatability: null,
    });
  });

  it("prints every number of the page from numbers.json", async () => {
    const files = await renderReport({ ...sampleInput(), volumes: [changes("WSSS", 1), changes("πLW²/6 of the marks", 8)] });
    const { volumes } = JSON.parse(files["numbers.json"]) as { volumes: (typeof ours)[] };
    expect(volumes[0].rSquared).toBe(
      linearFit(changes("WSSS", 1).points.map((p) => [p.referenceMl, p.measuredMl] as const))!.rSquared,
    );
    for (const { rSquared } of volumes) expect(files["report.html"]).toContain(`<td>${rSquared!.toFixed(3)}`);
    expect(files["figures/volume-agreement.svg"]).toContain("WSSS");
  });

  it("says on the page how many lesions the repeatability is of, and in words where there is none", async () => {
    const volumes = (repeated: number[][]): VolumeData => ({ ...changes("WSSS", 1), quantity: "volume", repeated });
    const page = async (repeated: number[][]): Promise<string> =>
      (await renderReport({ ...sampleInput(), volumes: [volumes(repeated)] }))["report.html"];
    expect(await page([[2, 2.2], [5, 4.6], [3]])).toContain("<small>2 of 3 unchanged lesions</small>");
    expect(await page([[3], []])).toContain("found at two time points: none of 2 unchanged lesions");
    expect(await page([])).toContain("no lesion is known to be unchanged");
  });
});

describe("responses on the page", () => {
  const timePoint = (t: number, more: object) => ({
    timePoint: String(t),
    day: 56 * t,
    sumMm: 50,
    fromBaseline: null,
    fromNadir: null,
    overall: null,
    target: null,
    volumeMl: 20,
    volumeFromBaseline: null,
    volumeFromNadir: null,
    volumetric: null,
    disagrees: null,
    ...more,
  });
  const later = {
    sumMm: 30,
    fromBaseline: -0.4,
    fromNadir: -0.4,
    overall: "PR",
    target: "PR",
    volumeMl: 21,
    volumeFromBaseline: 0.05,
  };
  const responses = [
    {
      data: "constructed",
      method: "WSSS",
      volumeResponse: 0.65,
      volumeProgression: 0.73,
      patients: ["A", "B"].map((patient, i) => ({
        patient,
        targets: 1,
        best: { unconfirmed: "PR", confirmed: "SD" },
        bestChange: -0.4 + 0.1 * i,
        bestVolumeChange: 0.05,
        objections: [],
        timePoints: [
          timePoint(0, { newLesions: "no" }),
          timePoint(1, {
            newLesions: i === 0 ? "no" : "yes",
            ...later,
            volumeFromNadir: 0.05,
            volumetric: i === 0 ? "SD" : "PR",
            disagrees: i === 0,
          }),
        ],
      })),
    },
  ] as NonNullable<ReportInput["responses"]>;

  it("say at how many time points diameters and volumes differ, patient by patient", async () => {
    const files = await renderReport({ ...sampleInput(), responses });
    expect(files["report.html"]).toContain("different things at 1 of 2 time points");
    expect(files["report.html"]).toMatch(/no part of RECIST/);
    expect(Object.keys(files)).toEqual(expect.arrayContaining(["figures/waterfall.svg", "figures/timelines.svg"]));
    expect(await renderReport({ ...sampleInput(), responses })).toEqual(files);
  });

  it("have a page with a timeline of every patient, to which the report leads, and none where nobody was followed", async () => {
    const many = Array.from({ length: 30 }, (_, i) => ({ ...responses[0].patients[i % 2], patient: `patient ${i} <x>` }));
    const files = await renderReport({ ...sampleInput(), responses: [{ ...responses[0], patients: many }] });
    expect(files["report.html"]).toContain('href="patients.html"');
    const page = files["patients.html"]!;
    for (const { patient } of many) {
      const section = page.split(`<h3>${escapeHtml(patient)}</h3>`)[1].split("</section>")[0];
      expect(section.match(/<circle/g)).toHaveLength(2);
      expect(section).toContain("<td>−40 %</td>");
    }
    // PD for a new lesion could not be understood without it.
    expect(page.match(/<td class="text">yes<\/td><td class="text">PR<\/td>/g)).toHaveLength(15);
    expect(page).not.toMatch(/NaN|undefined|<script/);
    expect(Object.keys(await renderReport(sampleInput()))).not.toContain("patients.html");
  });

  it("are drawn at the day and the change that they are of, also where time points were not evaluated", () => {
    const { patients } = reportInputSchema.shape.responses.parse(responses)[0];
    const [baseline, second] = patients[0].timePoints;
    const missed = { ...second, day: 112, fromBaseline: null, volumeFromBaseline: null, target: "NE", volumetric: "NE" } as const;
    const last = { ...second, day: 224, fromBaseline: 0.6, target: "PD", volumeFromBaseline: 2.1, volumetric: "PD" } as const;
    const svg = timelineSvg({ ...patients[0], timePoints: [baseline, second, missed, last] });
    const circles = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
    const tick = (words: string): number =>
      Number(new RegExp(`y="([\\d.]+)" text-anchor="end">${words.replace("+", "\\+")} %`).exec(svg)![1]) - 4;
    const perUnit = tick("0") - tick("+100");
    const heights = [-0.4, 0.6, 0.05, 2.1].map((change) => tick("0") - change * perUnit);
    expect(circles).toHaveLength(4);
    for (const [i, [, y]] of circles.entries()) expect(Math.abs(y - heights[i])).toBeLessThan(0.3);
    const [first, fourth] = [circles[0][0], circles[1][0]];
    expect((first - 58) / (fourth - 58)).toBeCloseTo(56 / 224, 3);
  });
});
