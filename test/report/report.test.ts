import { parse } from "csv-parse/sync";
import { beforeAll, describe, expect, it } from "vitest";
import { summarize } from "../../methods/metrics/summary.ts";
import { type ReportFiles, renderReport } from "../../report/report.ts";
import type { ReportInput } from "../../report/reportInput.ts";
import { measured, sampleEvaluation, sampleInput } from "./sampleInput.ts";

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

const two = (dice: readonly [number, number], lost = false): ReturnType<typeof measured> =>
  measured(
    dice.map((d, i) => ({
      lesion: `l${i}`,
      patient: `p${i}`,
      category: "liver",
      longMm: 9 + i,
      shortMm: 8,
      columns: {
        recall: d,
        precision: lost && i === 1 ? null : d,
        dice: d,
        iou: d / (2 - d),
        volumetricSimilarity: d,
        avdVoxels: lost && i === 1 ? null : 0.5,
        avdMm: lost && i === 1 ? null : 0.25,
        hausdorffMm: null,
        hausdorff95Mm: null,
        surfaceDice1mm: 1,
        volumeDifferenceMm3: -250,
        absoluteVolumeDifferenceMm3: 250,
        absoluteRelativeVolumeDifference: 0.125,
      },
    })),
  );

function smallInput(...methods: Partial<ReportInput["methods"][number]>[]): ReportInput {
  return {
    ...sampleInput(),
    methods: methods.map((m) => ({
      name: "GrabCut-R",
      dimension: "2D",
      kind: "ours",
      ...two([0.8, 0.9]),
      failures: {},
      digest: "ab".repeat(32),
      ...m,
    })),
    evaluations: [{ ...sampleEvaluation, data: methods[0]?.data ?? "phantoms", origin: "real" }],
    datasets: [{ name: "real ones", lesions: { train: 0, test: 2 }, skipped: {}, notes: {}, origin: "real" }],
    ...{ training: [], harvest: [], precisionRecall: [], volumes: [], gallery: [] },
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
      "strata.csv",
      ...[
        "dag",
        "dice-2d",
        "dice-3d",
        "offsets",
        "precision-recall-3d",
        "training",
        "harvest",
        "volumes",
        "volume-changes",
        "volume-agreement",
      ].map((f) => `figures/${f}.svg`),
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
    const html = (await renderReport(smallInput({ ...two([0.8, 0.9], true), failures: { "misses the lesion": 1 } })))[
      "report.html"
    ];
    const row = rowOf(section(html, "results-2d"), "GrabCut-R");
    const both = "0.850 [0.825, 0.875] | 0.800 to 0.900";
    expect(row).toEqual([
      "GrabCut-R",
      "2",
      `0.850 ± 0.071 | ${both}`,
      "–",
      `0.850 ± 0.071 | ${both}`,
      "0.800 | 0.800 [0.800, 0.800] | 1 undefined",
      "0.742 ± 0.107 | 0.742 [0.705, 0.780] | 0.667 to 0.818",
      `0.850 ± 0.071 | ${both}`,
      "misses the lesion: 1",
    ]);
    const distances = rowOf(section(html, "results-2d").split("<h3>")[1], "GrabCut-R");
    expect(distances).toEqual([
      "GrabCut-R",
      "0.500 | 0.500 [0.500, 0.500] | 1 undefined",
      "0.250 | 0.250 [0.250, 0.250] | 1 undefined",
      "– | 2 undefined",
      "– | 2 undefined",
      "1.000 ± 0.000 | 1.000 [1.000, 1.000] | 1.000 to 1.000",
      "−0.250 ± 0.000 | −0.250 [−0.250, −0.250] | −0.250 to −0.250",
      "0.250 ± 0.000 | 0.250 [0.250, 0.250] | 0.250 to 0.250",
      "12.5 ± 0.0 | 12.5 [12.5, 12.5] | 12.5 to 12.5",
    ]);
  });

  it("say of what kind their data are, every one", () => {
    for (const [, table] of page.slice(0, page.indexOf('id="volumes"')).matchAll(/<table>(.*?)<\/thead>/gs)) {
      if (/>Where</.test(table)) continue; // the paper's own rows
      expect(table).toContain("<caption>phantoms: semi-synthetic data.");
    }
  });

  it("keep data sets apart", async () => {
    const [first, second] = [smallInput({ ...two([0.8, 0.9]) }), smallInput({ ...two([0.5, 0.6]) })];
    const html = (
      await renderReport({
        ...first,
        evaluations: [...first.evaluations, { ...second.evaluations[0], data: "lymph nodes", origin: "synthetic" }],
        methods: [...first.methods, { ...second.methods[0], data: "lymph nodes" }],
      })
    )["report.html"];
    expect(rowOf(section(html, "results-2d"), "GrabCut-R")[2]).toMatch(/^0\.850/);
    expect(rowOf(section(html, "results-2d-2"), "GrabCut-R")[2]).toMatch(/^0\.550/);
    expect(section(html, "results-2d-2")).toContain("lymph nodes: synthetic data.");
    expect(section(html, "results-2d-2")).toMatch(/paper \(lymph nodes\).*?0\.83 ± 0\.06/s);
    expect(section(html, "results-2d")).not.toContain("paper (lymph nodes)");
  });

  it("give Dice by size", async () => {
    const html = (await renderReport(smallInput({ ...two([0.8, 0.9]) })))["report.html"];
    const sizes = section(html, "results-2d").split("<h3>By size</h3>")[1];
    expect(sizes).toMatch(/&#60; 10 mm<br>n = 1.*10–20 mm<br>n = 1/s);
    expect(rowOf(sizes, "GrabCut-R")).toEqual(["GrabCut-R", "0.800", "0.900"]);
  });

  it("hold every method against every other one, with p values corrected for all pairs", async () => {
    const twelve = (shift: number): ReturnType<typeof measured> => {
      const [like] = two([0.8, 0.9]).scores;
      return measured(
        Array.from({ length: 12 }, (_, i) => ({
          ...like,
          lesion: `l${i}`,
          patient: `p${i}`,
          columns: { ...like.columns, dice: 0.5 + 0.01 * i + shift * (1 + 0.01 * i) },
        })),
      );
    };
    const input = smallInput({ name: "a", ...twelve(0) }, { name: "b", ...twelve(0.1) }, { name: "ellipse", ...twelve(0.2) });
    const files = await renderReport(input);
    // each pair differs by one sign in all 12 lesions: p = 2 / 2¹², times three pairs
    const numbers = JSON.parse(files["numbers.json"]);
    expect(numbers.comparisons.map((c: { p: number; pHolm: number }) => [c.p, c.pHolm])).toEqual(
      new Array(3).fill([2 / 4096, 6 / 4096]),
    );
    const matrix = section(files["report.html"], "results-2d").split("Every method against every other one")[1];
    expect(rowOf(matrix, "a")).toEqual([
      "a",
      expect.stringMatching(/^−0\.211 \| \[−0\.2.*\] \| p = 0\.001, 12 pairs$/),
      "–",
      expect.stringMatching(/^−0\.105 /),
    ]);
    expect(rowOf(matrix, "b")[2]).toMatch(/^\+0\.105 /);
  });

  it("hold every method against the ellipse on the same lesions", async () => {
    const html = (await renderReport(smallInput({}, { name: "ellipse", kind: "baseline", ...two([0.7, 0.9]) })))["report.html"];
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
    const data = "lymph nodes, abdominal";
    const renamed = {
      ...input,
      evaluations: [{ ...input.evaluations[0], data }],
      methods: input.methods.map((method) => ({ ...method, data })),
    };
    const html = (await renderReport(renamed))["report.html"];
    expect(html).toMatch(/paper \(lymph nodes\).*?0\.83 ± 0\.06/s);
  });

  it("list the rest of the paper's rows", () => {
    expect(section(page, "results-3d")).toMatch(/2\)<\/summary>.*?GrabCut-3D<.*?WSSS-5</s);
  });
});

describe("image enhancement", () => {
  it("tells what each stage was trained on and by whose features, and says so where its pictures were drawn", async () => {
    const stage = {
      ...{ name: "denoiser", stage: "denoise" as const, digest: "cd".repeat(32), slices: 7, features: "random" as const },
      pictures: { origin: "drawn" as const, count: 48 },
      steps: { pretraining: 300, adversarial: 100 },
      validation: { inputPsnr: 24.654, psnr: 29.5 },
    };
    const bare = { ...stage, name: "enhancer", stage: "enhance" as const, features: null, validation: null };
    const html = (await renderReport({ ...smallInput({}), enhancement: [stage, bare] }))["report.html"];
    const first = ["denoiser", "G1, denoising", "48 drawn pictures (no photographs)", "7", "300", "100"];
    expect(rowOf(section(html, "enhancement"), "denoiser")).toEqual([...first, "fixed random VGG-16", "24.65", "29.50"]);
    expect(rowOf(section(html, "enhancement"), "enhancer").slice(-3)).toEqual(["none", "–", "–"]);
    expect(page).not.toContain('id="enhancement"');
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
      expect(found.total.dice).toMatchObject(summarize(method.scores.map((s) => s.columns.dice)));
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
    expect(Number(rows[0].dice)).toBe(first.columns.dice);
  });

  it("hold every summary as CSV", () => {
    const rows: Record<string, string>[] = parse(files["strata.csv"], { columns: true });
    const of = (by: string, value: string) =>
      rows.find((r) => r.method === "WSSS-GC" && r.by === by && r.value === value && r.column === "dice");
    const numbers = JSON.parse(files["numbers.json"]);
    const wsss = numbers.methods.find((m: { name: string }) => m.name === "WSSS-GC");
    expect(Number(of("all", "all")?.mean)).toBe(wsss.total.dice.mean);
    expect(Number(of("category", "liver")?.low)).toBe(wsss.categories.liver.dice.interval.low);
    expect(Number(of("size", "10–20")?.n)).toBe(10);
    const curve = numbers.offsets.find((o: { method: string }) => o.method === "WSSS-GC");
    expect(Number(of("offset", "3")?.mean)).toBe(curve.points[3].mean);
    expect(curve.points[3].n).toBe(Number(of("offset", "3")?.observations));
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

describe("image quality", () => {
  it("stands by task and method, with what is undefined, and is called drawn where the pictures were", async () => {
    const summary = (values: (number | null)[]) => summarize(values);
    const quality: ReportInput["quality"] = [
      {
        name: "Set5",
        images: 2,
        origin: "drawn",
        rows: [
          { task: "denoise σ 25", method: "G1", psnr: summary([30, 32]), ssim: summary([0.8, 0.9]) },
          { task: "enlarge × 2", method: "G2", psnr: summary([30, null]), ssim: summary([1, 0.5]) },
        ],
      },
    ];
    const { "report.html": withQuality } = await renderReport({ ...sampleInput(), quality });
    const shown = section(withQuality, "quality");
    expect(rowOf(shown, "denoise σ 25")).toEqual(["denoise σ 25", "G1", "2", "31.00 ± 1.41", "0.850 ± 0.071"]);
    expect(rowOf(shown, "enlarge × 2")).toEqual(["enlarge × 2", "G2", "2", "30.00 | 1 undefined", "0.750 ± 0.354"]);
    expect(shown).toContain("2 drawn pictures, no photographs");
    expect(page).not.toContain('id="quality"');
  });
});
