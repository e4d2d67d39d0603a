import { expect, test } from "vitest";
import { openDrawnMask } from "../../activities/drawnMasks.ts";
import { asDigest } from "../../artifacts/digest.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import { applyWindow8 } from "../../methods/imaging/window.ts";
import { Stroke, strokeCut } from "../../methods/labels/strokeCut.ts";
import { Pictures } from "../../review/server/pictures.ts";
import { correctionProtocol } from "../../schemas/correctionProtocol.ts";
import { cutMessageSchema, fromRuns, type Runs } from "../../schemas/drawnMask.ts";
import { decisionSchema } from "../../schemas/reading.ts";
import { until } from "../campaign/house.ts";
import type { Reading } from "../campaign/readingDesk.ts";
import { discRadius, putDrawnCases } from "./drawnCases.ts";
import { begin, desk, inNewTab, openReaderPages, page, readingOn, saved } from "./readerPage.ts";

openReaderPages();

const SIDE = 48;
const SLICES = 5;

const start = (id: string, cases: number) => readingOn(id, { cases, side: SIDE, slices: SLICES }, correctionProtocol);

const onCase = (index: number): Promise<void> => page.locator(`.layers[data-case="${index}"] .mask-canvas`).waitFor();

const place = (): Promise<string> => page.locator(".editing .question .soft").innerText();
/** Of one case: the disc that its mask is, by pixel. */
const discOf = (index: number) => (x: number, y: number) =>
  Math.hypot(x + 0.5 - SIDE / 2, y + 0.5 - SIDE / 2) < discRadius(index, SIDE);
const MIDDLE = SLICES >> 1;

/** A slice of the mask that the reader has sent for a position. */
async function sent(reading: Reading, reader: string, position: number, slice = MIDDLE) {
  const state = await until("the mask has arrived", async () => {
    const { masks } = (await reading.state(reader))!;
    return masks.find(([at]) => at === position);
  });
  const { meta, data, shape } = await openDrawnMask(desk.store, asDigest(state[1]));
  return { digest: state[1], meta, shape, at: (x: number, y: number) => data[(slice * SIDE + y) * SIDE + x] };
}

test("brush and eraser, by pointer and by key: the mask goes to the store, its digest to the workflow, its author into the record", async () => {
  const { reading, id } = await start("campaign-editing/brush", 3);
  await begin(id, "Anna");
  await onCase(0);
  const canvas = page.locator(".mask-canvas");
  const box = (await canvas.boundingBox())!;
  // A dab in the middle of what is shown is one in the middle of the lesion: erased with the pointer, 7 pixels wide.
  await page.keyboard.press("e");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.up();
  if (process.env.RECIST3D_SCREENSHOT !== undefined) await page.screenshot({ path: process.env.RECIST3D_SCREENSHOT });
  // A pixel painted by the keys, beyond the disc: 20 to the right of the brush.
  await page.keyboard.press("b");
  for (let i = 0; i < 3; i++) await page.keyboard.press("-");
  for (let i = 0; i < 20; i++) await page.keyboard.press("ArrowRight");
  await page.keyboard.press(" ");
  // Another on the slice below, taken back again, and one that stays.
  await page.keyboard.press("PageDown");
  await page.keyboard.press(" ");
  await page.keyboard.press("u");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press(" ");
  await page.keyboard.press("s");
  expect(await place()).toContain("case 2 of 3");
  await saved();

  const { meta, shape, at } = await sent(reading, "Anna", 0);
  expect(shape).toEqual([SLICES, SIDE, SIDE]);
  expect(meta).toEqual({ cases: reading.cases, case: "lesion-0", author: "Anna", at: expect.any(Number), from: reading.cases });
  expect(Date.now() - meta.at).toBeLessThan(60_000);
  const [cx, cy] = [SIDE / 2, SIDE / 2];
  const inDisc = discOf(0);
  const wrong: string[] = [];
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const erased = Math.hypot(x - cx, y - cy) <= 3.5;
      const expected = (inDisc(x, y) && !erased) || (x === cx + 20 && y === cy) ? 1 : 0;
      if (at(x, y) !== expected) wrong.push(`${x},${y}`);
    }
  expect(wrong).toEqual([]);
  const below = await sent(reading, "Anna", 0, MIDDLE + 1);
  expect([below.at(cx + 20, cy), below.at(cx + 20, cy + 1), below.at(cx, cy)]).toEqual([0, 1, 1]);

  // The others: nothing painted is nothing to send; then left as it is, and left out.
  await onCase(1);
  await page.keyboard.press("s");
  await page.getByText("nothing has been painted").waitFor();
  await page.keyboard.press("k");
  await onCase(2);
  await page.keyboard.press("e");
  await page.keyboard.press(" ");
  await page.keyboard.press("d");
  await page.getByText("would be dropped").waitFor();
  await page.keyboard.press("d");
  const dialog = page.locator("dialog[open]");
  await dialog.getByText("3 of 3 masks are answered").waitFor();
  await dialog.getByRole("button", { name: "Finish", exact: true }).and(page.locator("[type=submit]:enabled")).click();

  const { outputs } = await reading.result();
  const manifest = await getManifest(desk.store, asDigest(outputs.decisions));
  const lines = (await readFile(desk.store, manifest, "answers.jsonl")).toString("utf8").trimEnd().split("\n");
  const decisions = lines.map((line) => decisionSchema.parse(JSON.parse(line)));
  expect(decisions.map((one) => [one.case, one.answer, one.mask])).toEqual([
    ["lesion-0", "edited", below.digest],
    ["lesion-1", "unchanged", undefined],
    ["lesion-2", "exclude", undefined],
  ]);
  // The decisions carry mask and author with them.
  const carried = JSON.parse((await readFile(desk.store, manifest, `masks/${below.digest}.json`)).toString("utf8"));
  expect(carried.meta.author).toBe("Anna");
  expect(manifest.blobs.map(({ path }) => path)).toContain(`masks/${below.digest}.safetensors`);
});

test("strokes and cut: the server's GrabCut respects them", async () => {
  const { reading, id } = await start("campaign-editing/cut", 1);
  await begin(id, "Ben");
  await onCase(0);
  const canvas = page.locator(".mask-canvas");
  const box = (await canvas.boundingBox())!;
  for (let i = 0; i < 2; i++) await page.keyboard.press("-");
  const stroke = async (key: string, fromX: number, toX: number, y: number): Promise<void> => {
    await page.keyboard.press(key);
    await page.mouse.move(box.x + box.width * fromX, box.y + box.height * y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * toX, box.y + box.height * y, { steps: 5 });
    await page.mouse.up();
  };
  // Not lesion: across the disc's middle, where grey values alone would have it be. Lesion: beside the disc, where they would not.
  await stroke("n", 0.42, 0.58, 0.5);
  await stroke("l", 0.75, 0.8, 0.5);
  const asked = page.waitForRequest((request) => request.url().includes("/api/masks/cut/"));
  await page.keyboard.press("c");
  const message = cutMessageSchema.parse((await asked).postDataJSON());
  await page.getByRole("button", { name: "c cut", exact: true }).and(page.locator(":enabled")).waitFor();
  await page.keyboard.press("s");
  await saved();

  const { at, digest } = await sent(reading, "Ben", 0);
  const { data } = await openDrawnMask(desk.store, asDigest(digest));
  const layer = (runs: Runs, values: number) => ({ data: fromRuns(runs, SIDE * SIDE, values)!, width: SIDE, height: SIDE });
  const [strokes, mask] = [layer(message.strokes, 3), layer(message.mask, 2)];
  expect(message).toMatchObject({ slice: MIDDLE, window: { low: -160, high: 240 } });
  expect(mask.data.findIndex((value, p) => (value === 1) !== discOf(0)(p % SIDE, Math.floor(p / SIDE)))).toBe(-1);
  const pixels = (await new Pictures(desk.store).tensor(asDigest(reading.cases), 0, "images", 0)).data as Int16Array;
  const area = SIDE * SIDE;
  const hu = { data: pixels.slice(MIDDLE * area, (MIDDLE + 1) * area), width: SIDE, height: SIDE };
  const expected = strokeCut(applyWindow8(hu, message.window), strokes, mask);
  expect("mask" in expected && expected.mask.data).toEqual(data.slice(MIDDLE * area, (MIDDLE + 1) * area));
  expect(strokes.data.filter((one) => one === Stroke.background).length).toBeGreaterThan(10);
  expect(at(SIDE / 2, SIDE / 2)).toBe(0);
  const lesion = strokes.data.indexOf(Stroke.lesion);
  expect(discOf(0)(lesion % SIDE, Math.floor(lesion / SIDE))).toBe(false);
  expect(at(lesion % SIDE, Math.floor(lesion / SIDE))).toBe(1);
});

test("nothing is lost when the tab dies while painting, nor when the server does while sending", async () => {
  const { reading, id } = await start("campaign-editing/dies", 2);
  await begin(id, "Cleo");
  await onCase(0);
  await page.keyboard.press("-");
  await page.keyboard.press("-");
  await page.keyboard.press("-");
  for (let i = 0; i < 18; i++) await page.keyboard.press("ArrowLeft");
  await page.keyboard.press(" ");
  // The tab dies without an answer.
  const crashed = page.waitForEvent("crash");
  page.goto("chrome://crash").catch(() => {});
  await crashed;
  await inNewTab();
  await begin(id, "Cleo");
  await onCase(0);
  expect(await place()).toContain("case 1 of 2");
  // The server dies before the mask is sent.
  await desk.stopServer();
  await page.keyboard.press("s");
  await page.locator(".saved.trouble").waitFor();
  await page.close();
  await desk.startServer();
  await inNewTab();
  await begin(id, "Cleo");
  await saved();
  const { at, digest } = await sent(reading, "Cleo", 0);
  expect(at(SIDE / 2 - 18, SIDE / 2)).toBe(1);

  // Back on the case: the mask that was sent is there, and what is made of it names it.
  await begin(id, "Cleo");
  await onCase(1);
  await page.keyboard.press(",");
  await onCase(0);
  for (let i = 0; i < 3; i++) await page.keyboard.press("-");
  await page.keyboard.press("e");
  for (let i = 0; i < 18; i++) await page.keyboard.press("ArrowLeft");
  await page.keyboard.press(" ");
  await page.keyboard.press("s");
  await saved();
  const again = await until("the second mask has arrived", async () => {
    const found = await sent(reading, "Cleo", 0);
    return found.digest === digest ? undefined : found;
  });
  expect(again.meta.from).toBe(digest);
  expect(again.at(SIDE / 2 - 18, SIDE / 2)).toBe(0);
});

test("a mask that is not taken is said to be so, and what was painted is still there", async () => {
  const { reading, id } = await start("campaign-editing/large", 2);
  await begin(id, "Emma");
  await onCase(0);
  for (const key of ["-", "-", "-", ...Array<string>(18).fill("ArrowRight"), " "]) await page.keyboard.press(key);
  await page.route("**/api/masks", (route) => route.fulfill({ status: 413, json: { error: "this mask is too large" } }));
  await page.keyboard.press("s");
  await onCase(1);
  await page.getByRole("alert").filter({ hasText: "Not taken: this mask is too large" }).waitFor();
  await saved();
  await page.unroute("**/api/masks");
  // The draft goes, if it goes, when the page has heard from the workflow.
  await page.waitForLoadState("networkidle");
  await page.keyboard.press(",");
  await onCase(0);
  await page.keyboard.press("s");
  await onCase(1);
  await saved();
  const { at } = await sent(reading, "Emma", 0);
  expect(at(SIDE / 2 + 18, SIDE / 2)).toBe(1);
});

test("what was painted is taken back after another case, after a reload, and after the mask was sent", async () => {
  const { reading, id } = await start("campaign-editing/undo", 2);
  await begin(id, "Dora");
  await onCase(0);
  // Pixels 18, 19 and 20 to the right of the middle, beyond the disc, each a step.
  const pixel = ["-", "-", "-", ...Array<string>(18).fill("ArrowRight")];
  for (const key of [...pixel, " ", "ArrowRight", " ", "ArrowRight", " "]) await page.keyboard.press(key);
  await page.keyboard.press(".");
  await onCase(1);
  await page.keyboard.press(",");
  await onCase(0);
  await page.keyboard.press("u");
  await page.reload();
  await begin(id, "Dora");
  await onCase(0);
  await page.keyboard.press("u");
  await page.keyboard.press("s");
  await onCase(1);
  await saved();
  const first = await sent(reading, "Dora", 0);
  const beside = (of: typeof first): number[] => [18, 19, 20].map((dx) => of.at(SIDE / 2 + dx, SIDE / 2));
  expect(beside(first)).toEqual([1, 0, 0]);

  await page.keyboard.press(",");
  await onCase(0);
  await page.keyboard.press("u");
  await page.getByRole("button", { name: "u undo" }).and(page.locator(":disabled")).waitFor();
  for (const key of ["ArrowRight", ...pixel, " "]) await page.keyboard.press(key);
  await page.keyboard.press("s");
  await onCase(1);
  const again = await until("the second mask has arrived", async () => {
    const found = await sent(reading, "Dora", 0);
    return found.digest === first.digest ? undefined : found;
  });
  expect(beside(again)).toEqual([0, 1, 0]);
});

test("where nothing was rejected nobody is waited for", async () => {
  const cases = await putDrawnCases(desk.store, { cases: 0 });
  const reading = await desk.start("campaign-editing/nothing", cases, correctionProtocol);
  const { outputs, summary } = await reading.result();
  expect(summary).toMatchObject({ decisions: 0, cases: 0 });
  expect((await getManifest(desk.store, asDigest(outputs.decisions))).meta).toMatchObject({ readers: [], decisions: 0 });
});
