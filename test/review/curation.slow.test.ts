import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "../campaign/house.ts";
import { openBrowser } from "./browser.ts";
import { putDrawnCases } from "./drawnCases.ts";
import { curation, openReviewDesk, type ReviewDesk } from "./reviewDesk.ts";

let desk: ReviewDesk;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  [desk, browser] = await Promise.all([openReviewDesk(), openBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await desk?.close();
});
beforeEach(async () => {
  complaints.length = 0;
  context = await browser.newContext({ viewport: { width: 1360, height: 820 } });
  page = await newPage();
});
afterEach(() => context.close());

async function newPage(): Promise<Page> {
  const opened = await context.newPage();
  opened.on("pageerror", (error) => complaints.push(error.message));
  opened.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  return opened;
}

let readings = 0;
/** A curation of drawn cases that waits, under an id of its own. */
async function waits(
  cases: number,
  protocol: object = {},
): Promise<{ id: string; reading: Awaited<ReturnType<ReviewDesk["start"]>> }> {
  const id = `campaign-${++readings}/curation`;
  const reading = await desk.start(id, await putDrawnCases(desk.store, { cases }), { ...curation, ...protocol });
  await until("the reading is open", async () => (await reading.waiting()) ?? undefined);
  return { id, reading };
}

/** Opens a reading as `reader`; with an enhanced picture drawn. */
async function begin(id: string, reader: string, at = page): Promise<void> {
  await at.goto(`${desk.address}readings/${encodeURIComponent(id)}`);
  await at.getByLabel("Your name").fill(reader);
  await at.getByRole("button", { name: "Begin" }).click();
  await at.locator(".case.current canvas[data-state=drawn]").nth(2).waitFor();
}

const press = async (...keys: string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key);
};
const saved = (at = page): Promise<void> => at.locator(".saved.done").waitFor();

describe("what waits", () => {
  test("is listed, leads to the cases, and their pictures are drawn as they are", async () => {
    const { id } = await waits(12);
    await page.goto(desk.address);
    const card = page.getByRole("link", { name: /Enhanced slices, round 1.*12 cases/ }).first();
    await card.waitFor();
    await card.click();
    await page.waitForURL(`**/readings/${encodeURIComponent(id)}`);
    await begin(id, "Ada");
    // Case 0: a disc of 80 HU in −40 HU, shown from −160 to 240 HU; enhanced, 0.95 in 0.15 of white.
    const grey = (picture: number, x: number, y: number): Promise<number> =>
      page
        .locator("#card-0 canvas")
        .nth(picture)
        .evaluate(
          (canvas, at) => {
            const { width, height } = canvas as HTMLCanvasElement;
            return (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(at[0] * width, at[1] * height, 1, 1).data[0];
          },
          [x, y],
        );
    expect(Math.abs((await grey(2, 0.5, 0.5)) - Math.round(0.95 * 255))).toBeLessThanOrEqual(1);
    expect(Math.abs((await grey(2, 0.1, 0.1)) - Math.round(0.15 * 255))).toBeLessThanOrEqual(1);
    const [inside, outside] = [(255 * (80 + 160)) / 400, (255 * (-40 + 160)) / 400];
    const noise = (255 * 30) / 400;
    expect(Math.abs((await grey(0, 0.5, 0.5)) - inside)).toBeLessThanOrEqual(noise + 1);
    expect(Math.abs((await grey(0, 0.1, 0.1)) - outside)).toBeLessThanOrEqual(noise + 1);
    expect(complaints).toEqual([]);
  });
});

describe("curation", () => {
  test("by keyboard from the first case to the verdict; the workflow has what was seen", async () => {
    const { id, reading } = await waits(30);
    await begin(id, "Ada");
    await press("s", "ArrowRight", "l", "Space", "ArrowDown", "s", "u", "End", "s");
    await saved();
    const columns = await page.evaluate(() => {
      const tops = [...document.querySelectorAll<HTMLElement>(".case")].map(({ style }) => style.top);
      return tops.filter((top) => top === tops[0]).length;
    });
    expect(columns).toBeGreaterThan(1);
    expect((await reading.state("Ada"))?.own).toEqual([
      [0, "select"],
      [2, "select"],
      [29, "select"],
    ]);
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByLabel("Nothing improves any more").check();
    await page.getByLabel(/Note/).fill("as sharp as it gets");
    await page.getByRole("dialog").getByRole("button", { name: "Finish", exact: true }).click();
    await page.getByText("This reading is closed").waitFor();
    await reading.result();
    expect(complaints).toEqual([]);
  });
});
