import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../artifacts/openStore.ts";
import { builtPages } from "../../review/bundle.ts";
import { readAssets } from "../../review/server/assets.ts";
import { type RunningReview, serveReview } from "../../review/server/serve.ts";
import { type House, openHouse } from "../campaign/house.ts";
import { readingOf } from "../campaign/readingDesk.ts";
import { openBrowser } from "./browser.ts";

let house: House;
let server: RunningReview;
let browser: Browser;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  const assets = readAssets(await builtPages());
  [house, browser] = await Promise.all([openHouse(), openBrowser()]);
  const store = await openStore();
  server = await serveReview(
    { client: house.engine.client, store, access: { kind: "local" }, assets },
    { host: "127.0.0.1", port: 0 },
  );
  page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A lesion has no reference mask, or the engine is busy and is asked again: the browser writes both down.
    if (message.type() === "error" && !/Failed to load resource.*\b(404|503)\b/.test(message.text()))
      complaints.push(message.text());
  });
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await house?.close();
});

test("a campaign is followed from its first step to its report, curves and volumes", async () => {
  await house.start("watched");
  await page.goto(server.address);
  await page.getByRole("link", { name: "watched" }).click();
  await page.waitForURL("**/campaigns/watched");
  // The figure and the table say the same of every step, while it runs and in the end.
  await page.locator(".dag svg").waitFor();
  const { steps } = await house.snapshot("watched");
  await expect.poll(() => page.locator("table.steps tbody tr").count()).toBe(steps.length);
  await page.locator("table.steps .state.running, table.steps .state.done").first().waitFor({ timeout: 120_000 });
  await page.getByText(/completed/).waitFor({ timeout: 150_000 });
  const drawn = await page.locator('.dag svg text[font-weight="600"]').allTextContents();
  expect(drawn.sort()).toEqual(steps.map(({ name }) => name).sort());

  const curve = page.locator(".curve svg").first();
  await curve.waitFor();
  expect(await curve.getAttribute("aria-label")).toMatch(/training loss [\d.]+ in epoch \d+, [\d.]+ in epoch \d+/);

  await page.locator(".volumes[data-shown]").waitFor({ timeout: 60_000 });
  const lesion = (await page.locator(".volumes").getAttribute("data-shown"))!;
  // NiiVue has drawn: the crop is grey, its mask red.
  const colours = await page.locator(".volumes canvas").screenshot();
  expect(colours.length).toBeGreaterThan(10_000);
  const { steps: done } = await house.snapshot("watched");
  const masked = done.filter(({ outputs }) => outputs?.predictions !== undefined).at(-1)!;
  for (const [layer, magic] of [
    ["image.nii.gz", 0x1f8b],
    ["mask.nii.gz", 0x1f8b],
  ] as const) {
    const response = await fetch(`${server.address}api/campaigns/watched/volumes/${masked.name}/${lesion}/${layer}`);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).readUInt16BE(0)).toBe(magic);
  }
  expect((await fetch(`${server.address}api/campaigns/watched/volumes/${masked.name}/nobody/mask.nii.gz`)).status).toBe(404);

  const [report] = await Promise.all([page.waitForEvent("popup"), page.locator("a.report").first().click()]);
  await report.waitForLoadState();
  expect(await report.locator("h1").count()).toBe(1);
  expect(await report.evaluate(() => getComputedStyle(document.body).fontSize)).toBe("15px");
  expect(complaints).toEqual([]);
}, 400_000);

test("a campaign that waits for people is said to, on the pages as on the command line", async () => {
  await house.start("asking", {}, fileURLToPath(new URL("../campaign/waiting.yaml", import.meta.url)));
  const reading = await readingOf(house.engine, "asking");
  const { stdout } = await promisify(execFile)("bin/recist3d", ["list"], { env: { ...process.env, RECIST3D_SETUP: "none" } });
  const words = stdout.split("\n").find((line) => line.startsWith("asking "))!;
  expect(words).toContain("  waits for people  ");
  await page.goto(server.address);
  const row = page.getByRole("row", { name: /asking/ });
  await row.getByText("waits for people").waitFor();
  await page.getByRole("link", { name: "asking", exact: true }).click();
  await page.locator("main > p .state").getByText("waits for people").waitFor();
  await page
    .getByRole("row", { name: /^answers/ })
    .locator(".state.waits-for-people")
    .waitFor();

  await reading.finish("Ada");
  await house.result("asking");
  await page.locator("main > p .state.completed").waitFor();
  await page.goto(server.address);
  await row.getByText("completed").waitFor();
  expect(complaints).toEqual([]);
}, 120_000);
