import { expect, test } from "vitest";
import { putCases } from "../../activities/cases.ts";
import { asDigest } from "../../artifacts/digest.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import { encodeSafetensors } from "../../methods/networks/safetensors.ts";
import { sequenceOf } from "../../methods/reading/sequence.ts";
import { caseSchema } from "../../schemas/cases.ts";
import { decisionSchema } from "../../schemas/reading.ts";
import { studyProtocols } from "../../schemas/studyProtocols.ts";
import { until } from "../campaign/house.ts";
import { begin as beginReading, desk, openReaderPages, page, readingOn, saved } from "./readerPage.ts";

openReaderPages();

const { acceptance, comparison } = studyProtocols;
/** Positions as they are numbered, so that the test knows what is shown. */
const inOrder = { order: "given" };

/** So many pictures are drawn. */
const areDrawn = (pictures = 3): Promise<void> =>
  page
    .locator(".judging canvas[data-state=drawn]")
    .nth(pictures - 1)
    .waitFor();

/** Begins, and waits until so many pictures are drawn. */
async function begin(id: string, reader: string, pictures = 3): Promise<void> {
  await beginReading(id, reader);
  await areDrawn(pictures);
}

/** Answers by keys, each when the pictures of its case are drawn. */
async function answer(keys: readonly string[], pictures = 3): Promise<void> {
  for (const key of keys) {
    await areDrawn(pictures);
    await page.keyboard.press(key);
  }
}

/** Grey and red of a picture as it is on the screen: the mean of all pixels, and how many are of the outline's and the marks' colours. */
const look = (nth: number) =>
  page
    .locator(".judging canvas")
    .nth(nth)
    .evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      let [sum, red, green, yellow] = [0, 0, 0, 0];
      for (let i = 0; i < data.length; i += 4) {
        const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
        sum += r + g + b;
        if (r > 200 && g < 120 && b < 120) red++;
        else if (g > 180 && r < 120) green++;
        else if (r > 200 && g > 180 && b < 110) yellow++;
      }
      return { slice: canvas.dataset.slice, mean: sum / data.length, red, green, yellow };
    });

/** A reading of drawn cases that waits, under an id of its own. */
const waits = (name: string, drawn: Parameters<typeof readingOn>[1], protocol: object = acceptance) =>
  readingOn(`campaign-judging/${name}`, drawn, protocol);

const place = (): Promise<string> => page.locator(".judging .question .soft").innerText();

test("one case after the other by key (Fig. 12): back, changed, quit, resumed at the first open case, finished", async () => {
  const { id, reading } = await waits("acceptance", { cases: 4, slices: 5 }, { ...acceptance, ...inOrder });
  await begin(id, "Anna");
  expect(await place()).toContain("case 1 of 4");
  expect(await place()).toContain("of 5");
  const picture = process.env.RECIST3D_SCREENSHOT;
  if (picture !== undefined) await page.screenshot({ path: picture });
  await answer(["f", "j"]);
  expect(await place()).toContain("case 3 of 4");
  await page.keyboard.press(",");
  expect(await place()).toContain("case 2 of 4");
  await answer(["f"]);
  expect(await place()).toContain("case 3 of 4");
  await saved();
  await page.keyboard.press("Escape");
  await page.getByText("Acceptance").first().waitFor();

  await begin(id, "Anna");
  expect(await place()).toContain("case 3 of 4");
  await answer(["j", "f"]);
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
});

test("two masks side by side (Fig. 13): marks above, the masks below in one colour, f j b n", async () => {
  const { id, reading } = await waits("comparison", { cases: 4, masks: ["left", "right"] }, { ...comparison, ...inOrder });
  await begin(id, "Ben", 4);
  expect(await page.locator(".judging figcaption").allInnerTexts()).toEqual(["slice", "marks", "left", "right"]);
  const boxes = await page
    .locator(".judging canvas")
    .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
  expect(boxes[0].bottom).toBeLessThan(boxes[2].top);
  expect(boxes[2].right).toBeLessThan(boxes[3].left);
  // Pictures are drawn one after the other.
  const areSeen = async () => (await look(1)).yellow > 0 && (await look(2)).red > 0 && (await look(3)).red > 0;
  await expect.poll(areSeen).toBe(true);
  const [slice, marks, left, right] = await Promise.all([0, 1, 2, 3].map(look));
  expect(slice).toMatchObject({ red: 0, yellow: 0 });
  expect(marks.yellow).toBeGreaterThan(0);
  for (const mask of [left, right]) expect(mask).toMatchObject({ green: 0, yellow: 0 });
  // The right one is larger.
  expect(right.red).toBeGreaterThan(left.red);
  await answer(["f", "j", "b", "n"], 4);
  await saved();
  await expect
    .poll(async () => (await reading.state("Ben"))?.own.map(([, answer]) => answer))
    .toEqual(["left", "right", "both", "neither"]);
});

test("a case is not judged before its masks are there, nor where they cannot be loaded, with outlines on or off", async () => {
  const { id, reading } = await waits("missing", { cases: 2, masks: ["left", "right"] }, { ...comparison, ...inOrder });
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  await page.route("**/masks/*", async (route) => {
    await held;
    await route.abort();
  });
  await begin(id, "Ida", 2);
  expect(await page.locator(".judging canvas[aria-busy=true][data-state=loading]").count()).toBe(2);
  const isRefused = async (): Promise<void> => {
    await page.keyboard.press("f");
    await page.getByRole("alert").filter({ hasText: "Not all of this case is shown yet" }).waitFor();
    expect(await place()).toContain("case 1 of 2");
  };
  await isRefused();
  goOn();
  const [left, right] = ["left", "right"].map((side) => page.getByRole("button", { name: `The mask on ${side} could not be` }));
  await Promise.all([left.waitFor(), right.waitFor()]);
  await isRefused();
  await page.keyboard.press("o");
  await isRefused();
  await page.keyboard.press("o");
  await page.unroute("**/masks/*");
  await left.click();
  await areDrawn(3);
  await isRefused();
  await right.click();
  await areDrawn(4);
  await expect.poll(() => page.getByRole("alert").count()).toBe(0);
  expect((await reading.state("Ida"))?.own ?? []).toEqual([]);
  await answer(["f"], 4);
  await saved();
  expect((await reading.state("Ida"))?.own).toEqual([[0, "left"]]);
});

test("of cases that have not the two masks of a comparison none is shown", async () => {
  const { id } = await waits("unprepared", { cases: 2, masks: ["left", "other"] }, comparison);
  await beginReading(id, "Ida");
  await page.getByRole("alert").filter({ hasText: 'no mask called "right"' }).waitFor();
  expect(await page.locator("canvas").count()).toBe(0);
});

test("two readers, at one workstation even, do not see each other's answers, and have orders of their own", async () => {
  const { id, reading } = await waits("two", { cases: 12 });
  await begin(id, "Anna");
  await answer(["f", "j"]);
  await saved();
  const told: string[] = [];
  page.on("response", async (response) => {
    if (/\/api\/readings\//.test(response.url())) told.push(await response.text().catch(() => ""));
  });
  await begin(id, "Ben");
  expect(await place()).toContain("case 1 of 12");
  expect(await page.locator(".count").innerText()).toBe("0 of 12 answered");
  expect(await page.locator(".answers [aria-pressed=true]").count()).toBe(0);
  await expect.poll(() => told.some((text) => text.includes('"reader":"Ben"'))).toBe(true);
  for (const text of told) expect(JSON.parse(text).state).toMatchObject({ own: [], shared: [] });
  const order = (reader: string) => sequenceOf({ ...acceptance, seed: 1, repeats: 0 }, reader, 12).map((showing) => showing.case);
  expect(order("Anna")).not.toEqual(order("Ben"));
  await answer(["j"]);
  await saved();
  await begin(id, "Anna");
  expect(await place()).toContain("case 3 of 12");
  const own = async (reader: string) => (await reading.state(reader))?.own;
  expect([await own("Anna"), await own("Ben")]).toEqual([
    [
      [0, "accept"],
      [1, "reject"],
    ],
    [[0, "reject"]],
  ]);
});

test("wheel and keys go through the slices, dragging and keys change the window, o takes outlines and marks off", async () => {
  const { id } = await waits("looking", { cases: 2, slices: 5 }, { ...acceptance, ...inOrder });
  await begin(id, "Anna");
  await expect.poll(async () => (await look(1)).red).toBeGreaterThan(0);
  const first = await look(0);
  expect(first.slice).toBe("2");
  await page.locator(".judging canvas").first().hover();
  await page.mouse.wheel(0, 100);
  await expect.poll(async () => (await look(0)).slice).toBe("3");
  expect((await look(0)).mean).not.toBe(first.mean);
  // All pictures are on the same slice; marks are on theirs alone.
  expect(await look(1)).toMatchObject({ slice: "3" });
  expect((await look(2)).yellow).toBe(0);
  await page.keyboard.press("ArrowUp");
  await expect.poll(async () => (await look(0)).mean).toBe(first.mean);
  expect((await look(2)).yellow).toBeGreaterThan(0);

  // Level up by a tenth of 400 HU: everything is darker by about a tenth of 255, where it is not black already.
  await page.keyboard.press("]");
  await page.keyboard.press("]");
  await expect.poll(async () => Math.round(first.mean - (await look(0)).mean)).toBeGreaterThan(15);
  expect(await place()).toContain("L 80 W 400 HU");
  await page.keyboard.press("r");
  await expect.poll(async () => (await look(0)).mean).toBe(first.mean);
  const box = (await page.locator(".judging canvas").first().boundingBox())!;
  await page.mouse.move(box.x + 100, box.y + 100);
  await page.mouse.down();
  await page.mouse.move(box.x + 250, box.y + 100, { steps: 5 });
  await page.mouse.up();
  expect(await place()).toMatch(/L 40 W 6\d\d HU/);
  expect((await look(0)).mean).not.toBe(first.mean);

  await page.keyboard.press("o");
  await expect.poll(async () => (await look(1)).red + (await look(2)).yellow).toBe(0);
  await page.keyboard.press("o");
  await expect.poll(async () => (await look(1)).red).toBeGreaterThan(0);
});

test("the time of a decision is what the case was looked at: a hidden page does not count", async () => {
  const { id, reading } = await waits("time", { cases: 2 }, { ...acceptance, ...inOrder });
  const hide = (hidden: boolean) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  const opened = Date.now();
  await begin(id, "Anna");
  await page.waitForTimeout(400);
  await hide(true);
  const hidden = Date.now();
  await page.waitForTimeout(3000);
  const seenAgain = Date.now();
  await hide(false);
  await page.waitForTimeout(400);
  const pressed = Date.now();
  await answer(["f"]);
  const decided = Date.now();
  await expect.poll(place).toContain("case 2 of 2");
  await page.waitForTimeout(600);
  await answer(["f"]);
  const ended = Date.now();
  const dialog = page.locator("dialog[open]");
  await dialog.getByRole("button", { name: "Finish", exact: true }).and(page.locator("[type=submit]:enabled")).click();
  const { outputs } = await reading.result();
  const manifest = await getManifest(desk.store, asDigest(outputs.decisions));
  const lines = (await readFile(desk.store, manifest, "answers.jsonl")).toString("utf8").trimEnd().split("\n");
  const [first, second] = lines.map((line) => decisionSchema.parse(JSON.parse(line)).tookMs);
  expect(first).toBeGreaterThanOrEqual(800);
  expect(first).toBeLessThanOrEqual(decided - opened - (seenAgain - hidden));
  expect(second).toBeGreaterThanOrEqual(600);
  expect(second).toBeLessThanOrEqual(ended - pressed);
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
  await begin(id, "Cleo", 2);
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
  await answer(["f"], 2);
  await page.locator("dialog[open]").getByText("1 of 1 cases are answered").waitFor();
});
