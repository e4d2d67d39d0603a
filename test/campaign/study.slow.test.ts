import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCases } from "../../activities/cases.ts";
import { openDataset } from "../../activities/datasets.ts";
import { asDigest } from "../../artifacts/digest.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import { openStore } from "../../artifacts/openStore.ts";
import type { Store } from "../../artifacts/store.ts";
import { verifyCampaign } from "../../artifacts/verify.ts";
import { readingState, tellReading } from "../../client/readings.ts";
import { sequenceOf } from "../../methods/reading/sequence.ts";
import { type RunningReview, serveReview } from "../../review/server/serve.ts";
import { type StudyKey, type StudyResult, studyKeySchema, studyResultSchema } from "../../schemas/study.ts";
import { type House, openHouse, until } from "./house.ts";

const pipeline = fileURLToPath(new URL("./study.yaml", import.meta.url));
const CAMPAIGN = "study";

let house: House;
let store: Store;
let review: RunningReview;
let keys: Record<"accepting" | "comparing", StudyKey>;
let outputs: Record<string, Record<string, string>>;

beforeAll(async () => {
  house = await openHouse();
  store = await openStore();
  const assets = new Map([["index.html", { bytes: new Uint8Array(), mediaType: "text/html" }]]);
  const parts = { client: house.engine.client, store, access: { kind: "local" }, assets } as const;
  review = await serveReview(parts, { host: "127.0.0.1", port: 0 });
  await house.start(CAMPAIGN, {}, pipeline);
  await until("both studies wait for readers", async () => {
    const { activity } = await house.snapshot(CAMPAIGN);
    return activity.acceptance?.waiting !== undefined && activity.comparison?.waiting !== undefined;
  });
  keys = { accepting: await keyOf("accepting"), comparing: await keyOf("comparing") };
}, 180_000);
afterAll(async () => {
  await review?.close();
  await house?.close();
});

const outputOf = async (step: string, output: string) =>
  asDigest((await house.snapshot(CAMPAIGN)).steps.find(({ name }) => name === step)!.outputs![output]);

/** The test breaks the seal, to know what readers' answers will mean. */
async function keyOf(step: string): Promise<StudyKey> {
  const { meta } = await openCases(store, await outputOf(step, "cases"));
  return studyKeySchema.parse(JSON.parse((await store.getBlob(asDigest(meta.sealed!))).toString("utf8")));
}

/** Reads a whole study as `reader`; `answerTo` says what is answered to a case of the key. */
async function read(
  step: "acceptance" | "comparison",
  reader: string,
  answerTo: (shown: StudyKey["cases"][number]) => string,
): Promise<void> {
  const workflow = `${CAMPAIGN}/${step}`;
  const { client } = house.engine;
  const { cases, count, protocol } = await readingState(client, workflow, reader);
  const key = keys[step === "acceptance" ? "accepting" : "comparing"];
  const entries = sequenceOf(protocol, reader, count).map(({ case: index }, position) => ({
    position,
    answer: answerTo(key.cases[index]),
    at: Date.now(),
    tookMs: 4000,
  }));
  await tellReading(client, workflow, "answer", { reader, cases, entries });
  await tellReading(client, workflow, "finish", { reader, cases });
}

/** The lesion's place among the study's eight, in the order of their names. */
const numberOf = ({ cases }: StudyKey, lesion: string): number =>
  [...new Set(cases.map((one) => one.lesion))].sort().indexOf(lesion);

describe("while a study is read", () => {
  const get = async (address: string) => {
    const response = await fetch(`${review.address}${address}`);
    return { status: response.status, text: await response.text() };
  };

  test("only the sealed blob says which mask came from where", async () => {
    for (const step of ["accepting", "comparing"] as const) {
      const digest = await outputOf(step, "cases");
      const { meta, manifest } = await openCases(store, digest);
      expect(manifest.blobs.map((blob) => blob.digest)).not.toContain(meta.sealed);
      const telling: string[] = [];
      for await (const blob of store.listBlobs()) {
        const bytes = await store.getBlob(blob);
        if (bytes.includes(keys[step].cases[0].case) && bytes.includes("Ellipse")) telling.push(blob);
      }
      expect(telling).toContain(meta.sealed);
      expect(telling.filter((blob) => blob !== meta.sealed)).toEqual(
        // The other study's key calls its cases alike.
        [(await openCases(store, await outputOf(step === "accepting" ? "comparing" : "accepting", "cases"))).meta.sealed],
      );
    }
  });

  test("the review server tells readers neither sources nor lesions, nor shows masks by their source", async () => {
    const { lesions } = await openDataset(store, await outputOf("lesions", "all"));
    const secrets = ["Ellipse", "GrabCut", "manual", ...lesions.flatMap(({ id, patient }) => [`"${id}`, `"${patient}`])];
    for (const [step, prepared] of [
      ["acceptance", "accepting"],
      ["comparison", "comparing"],
    ]) {
      const cases = await outputOf(prepared, "cases");
      const { sealed } = (await openCases(store, cases)).meta;
      for (const address of [`api/readings/${CAMPAIGN}%2F${step}?reader=Anna`, `api/cases/${cases}`]) {
        const { status, text } = await get(address);
        expect(status).toBe(200);
        for (const secret of secrets) expect(text, `${address} says ${secret}`).not.toContain(secret);
      }
      expect((await get(`api/cases/${sealed}`)).status).toBe(404);
    }
    const results = JSON.parse((await get(`api/campaigns/${CAMPAIGN}/results`)).text);
    expect(results).toMatchObject({ withheld: true, volumes: [], reports: [], decisions: [] });
    const mask = `volumes/${encodeURIComponent("classical[method=Ellipse]")}/${lesions[0].id}/mask.nii.gz`;
    expect((await get(`api/campaigns/${CAMPAIGN}/${mask}`)).status).toBe(404);
  });

  test("a reader does not see what another answered", async () => {
    await read("acceptance", "Anna", ({ masks: [source] }) => (source === "GrabCut-R" ? "reject" : "accept"));
    const seen = JSON.parse((await get(`api/readings/${CAMPAIGN}%2Facceptance?reader=Ben`)).text).state;
    expect(seen).toMatchObject({ own: [], shared: [], closed: false });
    expect(seen.readers).toEqual([{ reader: "Anna", answered: 30, finished: expect.any(Number), verdict: null }]);
  });
});

describe("when all readers have finished", () => {
  let folder: string;
  const cli = (...words: string[]) =>
    promisify(execFile)("bin/recist3d", words, { env: { ...process.env, RECIST3D_SETUP: "none" } });
  const table = (file: string): Record<string, string>[] => parse(readFileSync(path.join(folder, file)), { columns: true });

  async function studyOf(step: string): Promise<StudyResult> {
    const manifest = await getManifest(store, asDigest(outputs[step].study));
    return studyResultSchema.parse(JSON.parse((await readFile(store, manifest, "study.json")).toString("utf8")));
  }

  beforeAll(async () => {
    const { cases } = await readingState(house.engine.client, `${CAMPAIGN}/acceptance`, "Ben");
    for (const answer of ["reject", null]) {
      const entries = [{ position: 0, answer, at: Date.now(), tookMs: 100 }];
      await tellReading(house.engine.client, `${CAMPAIGN}/acceptance`, "answer", { reader: "Ben", cases, entries });
    }
    // Ben accepts the ellipses of the first four lesions, and what Anna accepts of the others.
    await read("acceptance", "Ben", ({ masks: [source], lesion }) =>
      source === "manual" || (source === "Ellipse" && numberOf(keys.accepting, lesion) < 4) ? "accept" : "reject",
    );
    // Anna prefers the ellipse of five lesions, both of two, neither of one; Ben always takes what is left.
    await read("comparison", "Anna", ({ masks: [left], lesion }) => {
      const n = numberOf(keys.comparing, lesion);
      return n < 5 ? (left === "Ellipse" ? "left" : "right") : n < 7 ? "both" : "neither";
    });
    await read("comparison", "Ben", () => "left");
    outputs = await house.result(CAMPAIGN);
    folder = path.join(house.home, "exported");
    await cli("export", `${CAMPAIGN}/accepted`, "--out", path.join(folder, "accepted"));
    await cli("export", `${CAMPAIGN}/acceptance`, "--out", path.join(folder, "acceptance"));
  }, 120_000);

  test("acceptance rates and agreement are those of the answers given", async () => {
    const { acceptance, agreement, readers } = await studyOf("accepted");
    const accepted = (source: string, reader: string | null) => {
      const row = acceptance!.rates.find((one) => one.source === source && one.reader === reader && one.category === null)!;
      return [row.accepted, row.n];
    };
    expect([accepted("Ellipse", "Anna"), accepted("Ellipse", "Ben"), accepted("Ellipse", null)]).toEqual([
      [8, 8],
      [4, 8],
      [12, 16],
    ]);
    expect([accepted("GrabCut-R", null), accepted("manual", null)]).toEqual([
      [0, 16],
      [16, 16],
    ]);
    // 20 of 24 answers are equal; Anna accepts 16, Ben 12 of 24: expected (16 · 12 + 8 · 12) / 24² = ½.
    const between = agreement.find(({ readers: { length } }) => length === 2)!;
    expect(between).toMatchObject({ n: 24, agreement: 20 / 24, kappa: expect.closeTo(2 / 3, 12) });
    // Six cases were shown twice, and answered alike.
    for (const name of ["Anna", "Ben"])
      expect(agreement.find((one) => one.readers.join() === name)).toMatchObject({ n: 6, agreement: 1 });
    expect(readers).toMatchObject([
      { reader: "Anna", answered: 24, repeated: 6, changes: 0, seconds: { median: 4 } },
      { reader: "Ben", answered: 24, repeated: 6, changes: 1, seconds: { median: 4 } },
    ]);
  });

  test("preferences are those of the answers given, whichever side a mask was on", async () => {
    const { first, second, rows, sides } = (await studyOf("compared")).comparison!;
    expect([first, second]).toEqual(["Ellipse", "GrabCut-R"]);
    expect(rows.find(({ reader }) => reader === "Anna")).toMatchObject({
      ...{ n: 8, first: 5, second: 0, both: 2, neither: 1 },
      test: { n: 5, share: 1, p: 0.0625 },
    });
    // Each source was left in four of the eight cases.
    expect(rows.find(({ reader }) => reader === "Ben")).toMatchObject({ first: 4, second: 4, both: 0, neither: 0 });
    expect(sides.find(({ reader }) => reader === "Ben")).toMatchObject({
      left: 8,
      right: 0,
      test: { p: expect.closeTo(2 ** -7, 12) },
    });
  });

  test("every decision is exported with its reader and source, and the key is opened beside it", () => {
    const decisions = table("accepted/decisions.csv");
    expect(decisions).toHaveLength(60);
    for (const { case: id, source, lesion, reader, answer } of decisions) {
      expect(keys.accepting.cases.find((one) => one.case === id)).toMatchObject({ lesion, masks: [source] });
      if (reader === "Anna") expect(answer).toBe(source === "GrabCut-R" ? "reject" : "accept");
    }
    expect(JSON.parse(readFileSync(path.join(folder, "accepted/key.json"), "utf8"))).toEqual(keys.accepting);
    expect(table("acceptance/answers.csv")).toHaveLength(60);
    // Ben answered his first case three times: the log has them all.
    const log = table("acceptance/log.csv");
    const first = log.filter(({ event, reader, position }) => event === "answer" && reader === "Ben" && position === "0");
    expect(log.filter(({ event }) => event === "answer")).toHaveLength(62);
    expect(first.map(({ answer }) => answer).slice(0, 2)).toEqual(["reject", "taken back"]);
    expect(log.slice(-2).map(({ event, reader, words }) => [event, reader, words])).toEqual([
      ["finish", "Ben", ""],
      ["close", "", "by readers"],
    ]);
  });

  test("the report tells both studies, and the campaign verifies with its keys", async () => {
    const page = await getManifest(store, asDigest((await house.snapshot(CAMPAIGN)).steps.at(-1)!.outputs!.page));
    const html = (await readFile(store, page, "report.html")).toString("utf8");
    expect(html).toContain("Read by Anna, Ben, blind to the sources and to each other");
    // 12 of 16 answers, on eight lesions of four patients.
    expect(/<th scope="row">Ellipse<\/th><td>16<.*/.exec(html)?.[0].split("</td>").slice(0, 5)).toEqual([
      '<th scope="row">Ellipse</th><td>16',
      ...["<td>8", "<td>4", "<td>12", "<td>75.0 %"],
    ]);
    const { studies } = JSON.parse((await readFile(store, page, "numbers.json")).toString("utf8"));
    expect(studies.map(({ name }: { name: string }) => name)).toEqual(["acceptance", "comparison"]);
    expect(page.blobs.map((blob) => blob.path)).toContain("studies/acceptance.csv");
    expect(await verifyCampaign(store, CAMPAIGN)).toMatchObject({ ok: true });
    const results = await fetch(`${review.address}api/campaigns/${CAMPAIGN}/results`);
    expect(await results.json()).toMatchObject({
      withheld: false,
      decisions: [{ step: "acceptance" }, { step: "comparison" }],
    });
  });
});
