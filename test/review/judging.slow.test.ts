import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { putCases } from "../../activities/cases.ts";
import { asDigest } from "../../artifacts/digest.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import { encodeSafetensors } from "../../methods/networks/safetensors.ts";
import { caseSchema } from "../../schemas/cases.ts";
import { decisionSchema } from "../../schemas/reading.ts";
import { until } from "../campaign/house.ts";
import { openBrowser } from "./browser.ts";
import { putDrawnCases } from "./drawnCases.ts";
import { openReviewDesk, type ReviewDesk } from "./reviewDesk.ts";

let desk: ReviewDesk;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  [desk, browser] = await Promise.all([openReviewDesk(), openBrowser()]);
  context = await browser.newContext({ viewport: { width: 1360, height: 820 } });
  page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
});
afterAll(async () => {
  await context?.close();
  await browser?.close();
  await desk?.close();
});

const acceptance = {
  title: "Acceptance",
  question: "Would you accept this segmentation?",
  layout: "single",
  mode: "independent",
  answers: [
    { answer: "accept", key: "f", label: "Accept" },
    { answer: "reject", key: "j", label: "Reject" },
  ],
};

async function begin(id: string, reader: string): Promise<void> {
  await page.goto(`${desk.address}readings/${encodeURIComponent(id)}`);
  await page.getByLabel("Your name").fill(reader);
  await page.getByRole("button", { name: "Begin" }).click();
  await page.locator(".judging canvas[data-state=drawn]").nth(1).waitFor();
}

const place = (): Promise<string> => page.locator(".judging .question .soft").innerText();
const saved = (): Promise<void> => page.locator(".saved.done").waitFor();

test("one case after the other by key (Fig. 12): back, changed, quit, resumed at the first open case, finished", async () => {
  const id = "campaign-judging/acceptance";
  const reading = await desk.start(id, await putDrawnCases(desk.store, { cases: 4, slices: 5 }), acceptance);
  await until("the reading is open", async () => (await reading.waiting()) ?? undefined);
  await begin(id, "Anna");
  expect(await place()).toContain("case 1 of 4");
  expect(await place()).toContain("of 5");
  const picture = process.env.RECIST3D_SCREENSHOT;
  if (picture !== undefined) await page.screenshot({ path: picture });
  await page.keyboard.press("f");
  await page.keyboard.press("j");
  expect(await place()).toContain("case 3 of 4");
  await page.keyboard.press(",");
  expect(await place()).toContain("case 2 of 4");
  await page.keyboard.press("f");
  expect(await place()).toContain("case 3 of 4");
  await saved();
  await page.keyboard.press("Escape");
  await page.getByText("Acceptance").first().waitFor();

  await begin(id, "Anna");
  expect(await place()).toContain("case 3 of 4");
  await page.keyboard.press("j");
  await page.keyboard.press("f");
  const dialog = page.locator("dialog[open]");
  await dialog.getByText("4 of 4 cases are answered").waitFor();
  await dialog.getByRole("button", { name: "Finish", exact: true }).and(page.locator("[type=submit]:enabled")).click();
  const { outputs } = await reading.result();
  const manifest = await getManifest(desk.store, asDigest(outputs.decisions));
  const lines = (await readFile(desk.store, manifest, "answers.jsonl")).toString("utf8").trimEnd().split("\n");
  expect(lines.map((line) => decisionSchema.parse(JSON.parse(line))).map((one) => [one.case, one.answer])).toEqual([
    ["lesion-0", "accept"],
    ["lesion-1", "accept"],
    ["lesion-2", "reject"],
    ["lesion-3", "accept"],
  ]);
  expect(complaints).toEqual([]);
});

test("two masks side by side (Fig. 13): marks above, the masks below, f j b n", async () => {
  const id = "campaign-judging/comparison";
  const answers = [
    ["left", "f"],
    ["right", "j"],
    ["both", "b"],
    ["neither", "n"],
  ].map(([answer, key]) => ({ answer, key, label: answer }));
  const protocol = { ...acceptance, title: "Comparison", question: "Which mask is better?", layout: "pair", answers };
  const reading = await desk.start(id, await putDrawnCases(desk.store, { cases: 4 }), protocol);
  await until("the reading is open", async () => (await reading.waiting()) ?? undefined);
  await begin(id, "Ben");
  await expect.poll(() => page.locator(".judging canvas[data-state=drawn]").count()).toBe(4);
  for (const key of ["f", "j", "b", "n"]) await page.keyboard.press(key);
  await saved();
  await expect
    .poll(async () => (await reading.state("Ben"))?.own.map(([, answer]) => answer))
    .toEqual(["left", "right", "both", "neither"]);
  expect(complaints).toEqual([]);
});

test("a lesion at two time points: both pictures side by side, each with its own outline", async () => {
  const id = "campaign-judging/links";
  const size = 40;
  const square = (from: number, to: number) =>
    Uint8Array.from({ length: size * size }, (_, p) => {
      const [x, y] = [p % size, Math.floor(p / size)];
      return x >= from && x < to && y >= from && y < to ? 1 : 0;
    });
  const layers = { first: square(14, 26), second: square(8, 32) };
  const shape = [1, size, size];
  const tensors = Object.fromEntries(
    Object.entries(layers).flatMap(([name, data]) => [
      [`${name}/image`, { dtype: "I16" as const, shape, data: Int16Array.from(data, (value) => 100 * value) }],
      [`${name}/marked`, { dtype: "U8" as const, shape, data }],
    ]),
  );
  const file = "cases/link.safetensors";
  const days = ["day 0", "day 56"];
  const names = Object.keys(layers);
  const line = caseSchema.parse({
    id: "link-00001",
    images: names.map((layer, i) => ({
      ...{ name: days[i], file, tensor: `${layer}/image`, levels: "HU", window: { low: -100, high: 200 }, spacingMm: [1, 1, 5] },
    })),
    masks: names.map((layer, i) => ({ name: days[i], file, tensor: `${layer}/marked` })),
    facts: { "day 0": "12.0 × 12.0 mm, liver" },
  });
  const files = [{ path: file, bytes: encodeSafetensors(tensors), mediaType: "application/x-safetensors" }];
  const cases = await putCases(desk.store, { title: "The same lesion?" }, [line], files);
  const answers = [
    { answer: "same", key: "f", label: "The same" },
    { answer: "different", key: "j", label: "Another one" },
  ];
  const reading = await desk.start(id, cases, { ...acceptance, question: "Is it the same lesion?", answers });
  await until("the reading is open", async () => (await reading.waiting()) ?? undefined);
  await begin(id, "Cleo");
  expect(await page.locator(".judging figcaption").allInnerTexts()).toEqual(days);
  // Pixels in the outline's colour span the square of each picture: 12 and 24 of 40 pixels.
  const spans = await page.locator(".judging canvas").evaluateAll((canvases) =>
    canvases.map((element) => {
      const canvas = element as HTMLCanvasElement;
      const { data, width } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      const columns = new Set<number>();
      for (let p = 0; p < data.length / 4; p++) if (Math.abs(data[4 * p] - data[4 * p + 1]) > 60) columns.add(p % width);
      return (Math.max(...columns) - Math.min(...columns)) / width;
    }),
  );
  expect(spans[0]).toBeCloseTo(12 / 40, 1);
  expect(spans[1]).toBeCloseTo(24 / 40, 1);
  await page.keyboard.press("f");
  await page.locator("dialog[open]").getByText("1 of 1 cases are answered").waitFor();
  expect(complaints).toEqual([]);
});
