import { parse } from "csv-parse/sync";
import { beforeAll, describe, expect, it } from "vitest";
import { summarize } from "../../methods/metrics/summary.ts";
import { type ReportFiles, renderReport } from "../../report/report.ts";
import type { ReportInput } from "../../report/reportInput.ts";
import { sampleInput } from "./sampleInput.ts";

let files: ReportFiles;
let page: string;
beforeAll(async () => {
  files = await renderReport(sampleInput());
  page = files["report.html"];
});

/** The cells of the first table row whose header is `name`, tags left out. */
function rowOf(html: string, name: string): string[] {
  const row = [...html.matchAll(/<tr[^>]*>(.*?)<\/tr>/gs)]
    .map((m) => m[1])
    .find((r) => r.includes(`<th scope="row">${name}</th>`));
  return [...(row ?? "").matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/gs)].map((m) =>
    m[1].replace(/<small>/g, " | ").replace(/<[^>]+>/g, ""),
  );
}

const section = (html: string, id: string): string =>
  html.slice(html.indexOf(`<h2 id="${id}"`), html.indexOf("</section>", html.indexOf(`<h2 id="${id}"`)));

const two = (dice: readonly [number, number], lost = false): ReportInput["methods"][number]["scores"] =>
  dice.map((d, i) => ({
    lesion: `l${i}`,
    category: "liver",
    dice: d,
    precision: lost && i === 1 ? null : d,
    recall: d,
    iou: d / (2 - d),
    volumetricSimilarity: d,
    avdVoxels: lost && i === 1 ? null : 0.5,
    avdMm: lost && i === 1 ? null : 0.25,
    hausdorffMm: null,
    hausdorff95Mm: null,
  }));

function smallInput(...methods: Partial<ReportInput["methods"][number]>[]): ReportInput {
  return {
    ...sampleInput(),
    methods: methods.map((m) => ({
      name: "GrabCut-R",
      dimension: "2D",
      kind: "ours",
      scores: two([0.8, 0.9]),
      failures: {},
      digest: "ab".repeat(32),
      ...m,
    })),
    datasets: [{ name: "real ones", lesions: { train: 0, test: 2 }, skipped: {}, notes: {}, origin: "real" }],
    ...{ offsets: [], training: [], harvest: [], precisionRecall: [], volumes: [], gallery: [] },
  };
}

describe("the report", () => {
  it("is a pure function: the same bytes again, whatever was drawn in between", async () => {
    await renderReport(smallInput({}));
    expect(await renderReport(sampleInput())).toEqual(files);
  });

  it("names its files", () => {
    expect(Object.keys(files)).toEqual([
      "report.html",
      "numbers.json",
      "scores.csv",
      ...["dag", "dice-2d", "dice-3d", "offsets", "training", "harvest", "precision-recall-3d", "volumes", "volume-changes"].map(
        (f) => `figures/${f}.svg`,
      ),
    ]);
  });

  it("needs nothing from elsewhere and runs no script", () => {
    expect(page).not.toMatch(/<script|<link|@import|javascript:/i);
    const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((m) => m[1]);
    expect(addresses.filter((a) => !/^(data:image\/png;base64,|#)/.test(a))).toEqual([]);
    expect([...page.matchAll(/url\(([^)]*)\)/g)].filter((m) => !m[1].startsWith("#"))).toEqual([]);
  });

  it("can be read without eyes: every picture has words, every table headers, every id is one", () => {
    for (const [image] of page.matchAll(/<img[^>]*>/g)) expect(image).toMatch(/alt="[^"]+"/);
    for (const [svg] of page.matchAll(/<svg[^>]*>/g)) expect(svg).toMatch(/role="img" aria-label="[^"]+"/);
    for (const [table] of page.matchAll(/<table>.*?<\/table>/gs)) expect(table).toMatch(/<th scope="(col|row)"/);
    const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map((m) => m[1]);
    expect(ids.length).toBe(new Set(ids).size);
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
  });

  it("holds every drawing that lies beside it", () => {
    for (const [path, svg] of Object.entries(files)) if (path.endsWith(".svg")) expect(page.includes(svg), path).toBe(true);
  });

  it("says at the top that data are semi-synthetic, and does not where they are real", async () => {
    expect(page.indexOf("Semi-synthetic data.")).toBeGreaterThan(0);
    expect(page.indexOf("Semi-synthetic data.")).toBeLessThan(page.indexOf("<table>"));
    expect((await renderReport(smallInput({})))["report.html"]).not.toContain("Semi-synthetic data.");
  });

  it("prints text as text", async () => {
    const html = (await renderReport({ ...smallInput({ name: `<b>"x"</b>` }), remarks: ["a < b & c"] }))["report.html"];
    expect(html).not.toContain(`<b>"x"</b>`);
    expect(html).toContain("a &#60; b &#38; c");
  });
});

describe("its tables", () => {
  it("give mean ± sd, median and n of every score, undefined ones counted, by hand", async () => {
    const html = (await renderReport(smallInput({ scores: two([0.8, 0.9], true), failures: { "misses the lesion": 1 } })))[
      "report.html"
    ];
    const row = rowOf(section(html, "results-2d"), "GrabCut-R");
    expect(row).toEqual([
      "GrabCut-R",
      "2",
      "0.850 ± 0.071 | median 0.850",
      "–",
      "0.850 ± 0.071 | median 0.850",
      "0.800 | median 0.800 | 1 undefined",
      "0.850 ± 0.071 | median 0.850",
      "0.500 | median 0.500 | 1 undefined",
      "0.250 | median 0.250 | 1 undefined",
      "– | 2 undefined",
      "misses the lesion: 1",
    ]);
  });

  it("hold every method against the ellipse on the same lesions", async () => {
    const html = (await renderReport(smallInput({}, { name: "ellipse", kind: "baseline", scores: two([0.7, 0.9]) })))[
      "report.html"
    ];
    // differences 0.1 and 0: mean 0.05; the one pair that differs gives p = 1
    expect(rowOf(section(html, "results-2d"), "GrabCut-R")[3]).toBe("+0.050 | [+0.000, +0.100] | p = 1.00, 2 pairs");
    expect(html).not.toContain("NOT RUN");
  });

  it("put the baseline first", () => {
    const names = [...section(page, "results-2d").matchAll(/<th scope="row">([^<]*)/g)].map((m) => m[1]);
    expect(names[0]).toBe("ellipse");
    expect([...section(page, "results-3d").matchAll(/<th scope="row">([^<]*)/g)][0][1]).toBe("ellipsoid");
  });

  it.each([
    { dimension: "2D", name: "ellipse" },
    { dimension: "3D", name: "ellipsoid" },
  ] as const)("say loudly that the $name was not run", async ({ dimension, name }) => {
    const html = (await renderReport(smallInput({ dimension })))["report.html"];
    expect(html).toContain(`The ${name} was not run.`);
    expect(rowOf(section(html, `results-${dimension.toLowerCase()}`), name)[1]).toMatch(/^NOT RUN/);
  });

  it("put the paper's row beside the method's", () => {
    expect(section(page, "results-3d")).toMatch(/WSSS-GC<\/th>.*?paper \(DeepLesion\).*?0\.764 ± 0\.11/s);
    expect(section(page, "results-2d")).toMatch(
      /GrabCut-R<\/th>.*?paper \(DeepLesion\).*?0\.91 ± 0\.08.*?0\.94 ± 0\.10.*?0\.89 ± 0\.10/s,
    );
    expect(page).not.toContain("paper (lymph nodes)");
  });

  it("add the paper's lymph nodes where the data are lymph nodes", async () => {
    const input = smallInput({});
    const html = (await renderReport({ ...input, datasets: [{ ...input.datasets[0], name: "lymph nodes, abdominal" }] }))[
      "report.html"
    ];
    expect(html).toMatch(/paper \(lymph nodes\).*?0\.83 ± 0\.06/s);
  });

  it("list the rest of the paper's rows", () => {
    expect(section(page, "results-3d")).toMatch(/2\)<\/summary>.*?GrabCut-3D<.*?WSSS-5</s);
  });
});

describe("the files beside it", () => {
  it("repeat the printed numbers", () => {
    const numbers = JSON.parse(files["numbers.json"]);
    const input = sampleInput();
    for (const method of input.methods) {
      const found = numbers.methods.find(
        (m: { name: string; dimension: string }) => m.name === method.name && m.dimension === method.dimension,
      );
      expect(found.total.dice).toEqual(summarize(method.scores.map((s) => s.dice)));
      expect(found.total.avdMm.undefined).toBe(method.name === "GrabCut" ? 1 : 0);
    }
    const wsss = numbers.methods.find((m: { name: string }) => m.name === "WSSS-GC");
    expect(page).toContain(`${wsss.total.dice.mean.toFixed(3)} ± ${wsss.total.dice.sd.toFixed(3)}`);
    expect(numbers.provenance).toEqual(input.provenance);
  });

  it("hold every lesion's scores as CSV", () => {
    const rows: Record<string, string>[] = parse(files["scores.csv"], { columns: true });
    const input = sampleInput();
    expect(rows).toHaveLength(input.methods.reduce((n, m) => n + m.scores.length, 0));
    const lost = rows.find((r) => r.method === "GrabCut" && r.lesion === "lesion-005");
    expect(lost).toMatchObject({ dimension: "2D", dice: "0", avdMm: "", precision: "" });
    const first = input.methods[0].scores[0];
    expect(Number(rows[0].dice)).toBe(first.dice);
  });

  it("quote names with commas", async () => {
    const csv = (await renderReport(smallInput({ name: 'a, "b"' })))["scores.csv"];
    expect(parse(csv, { columns: true })[0]).toMatchObject({ method: 'a, "b"', lesion: "l0" });
  });
});

describe("input that is not what it must be", () => {
  it.each([
    { what: "a digest", input: { provenance: [{ what: "model", digest: "abc" }] } },
    { what: "a date", input: { campaign: { id: "a", pipeline: "b", started: "yesterday", finished: "2026-01-01T00:00:00Z" } } },
    { what: "a field", input: { surprise: 1 } },
  ])("is refused for $what", async ({ input }) => {
    await expect(renderReport({ ...sampleInput(), ...input } as ReportInput)).rejects.toThrow();
  });
});
