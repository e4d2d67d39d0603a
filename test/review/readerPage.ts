import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { until } from "../campaign/house.ts";
import type { Reading } from "../campaign/readingDesk.ts";
import { openBrowser } from "./browser.ts";
import { putDrawnCases } from "./drawnCases.ts";
import { openReviewDesk, type ReviewDesk } from "./reviewDesk.ts";

/** What readings wait at, for all tests of a file. */
export let desk: ReviewDesk;
/** The tab of the test that runs; each begins in a browser that knows nothing of the tests before. */
export let page: Page;
let context: BrowserContext;

/** To be called once by a file of tests: a desk and a browser for all of them; a page on which anything failed fails its test. */
export function openReaderPages(): void {
  let browser: Browser | undefined;
  beforeAll(async () => {
    [desk, browser] = await Promise.all([openReviewDesk(), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await desk?.close();
  });
  const complaints: string[] = [];
  beforeEach(async () => {
    complaints.length = 0;
    context = await browser!.newContext({ viewport: { width: 1360, height: 820 } });
    context.setDefaultTimeout(60_000);
    // A browser begins to intercept some time after it was told to, and what is sent meanwhile slips past a test's own route.
    await context.route("**/*", (route) => route.fallback());
    context.on("weberror", (error) => complaints.push(error.error().message));
    context.on("console", (message) => {
      // What a page asks a server that is away, or has no such thing, is no fault of the page.
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
    });
    page = await newTab();
  });
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });
}

/** Another tab of the same browser. */
export const newTab = (): Promise<Page> => context.newPage();

/** Goes on in another tab, since the one before has died. */
export async function inNewTab(): Promise<void> {
  page = await newTab();
}

/** A reading of drawn cases that waits under an id. */
export async function readingOn(
  id: string,
  drawn: Parameters<typeof putDrawnCases>[1],
  protocol: object,
): Promise<{ id: string; reading: Reading }> {
  const reading = await desk.start(id, await putDrawnCases(desk.store, drawn), protocol);
  await until("the reading is open", async () => (await reading.waiting()) ?? undefined);
  return { id, reading };
}

/** Opens a reading as `reader`. */
export async function begin(id: string, reader: string, at = page): Promise<void> {
  await at.goto(`${desk.address}readings/${encodeURIComponent(id)}`);
  await at.getByLabel("Your name").fill(reader);
  await at.getByRole("button", { name: "Begin" }).click();
}

/** Every answer has arrived. */
export const saved = (at = page): Promise<void> => at.locator(".saved.done").waitFor();
