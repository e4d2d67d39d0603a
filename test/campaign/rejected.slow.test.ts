import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openCases } from "../../activities/cases.ts";
import { openDataset } from "../../activities/datasets.ts";
import { putDrawnMask } from "../../activities/drawnMasks.ts";
import { openLabels, readLabelShard } from "../../activities/labels.ts";
import { readRevisions } from "../../activities/revisions.ts";
import { asDigest } from "../../artifacts/digest.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import { openStore } from "../../artifacts/openStore.ts";
import { getRecord } from "../../artifacts/records.ts";
import { verifyCampaign } from "../../artifacts/verify.ts";
import { readingState, tellReading } from "../../client/readings.ts";
import { sequenceOf } from "../../methods/reading/sequence.ts";
import { studyKeySchema } from "../../schemas/study.ts";
import { type House, openHouse, until } from "./house.ts";

const pipeline = fileURLToPath(new URL("../../pipelines/rejected.yaml", import.meta.url));
const campaign = "rejected";

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());

const state = (step: string) =>
  until(`${step} waits`, () => readingState(house.engine.client, `${campaign}/${step}`, "Ada"), 150_000);
/** @param answers by position: the word, and the mask that was drawn */
async function read(step: string, cases: string, answers: readonly { answer: string; mask?: string }[]): Promise<void> {
  const entries = answers.map((given, position) => ({ position, at: Date.now(), tookMs: 100, ...given }));
  const { client } = house.engine;
  await tellReading(client, `${campaign}/${step}`, "answer", { reader: "Ada", cases, entries });
  await tellReading(client, `${campaign}/${step}`, "finish", { reader: "Ada", cases });
}

test("the loop is closed: predicted, rejected, corrected, learnt from again; the record names who drew what", async () => {
  await house.start(campaign, { lesions: "8", epochs: "2" }, pipeline);
  const store = await openStore();

  const judged = await state("judged");
  const { cases: study } = judged;
  const { meta, cases } = await openCases(store, asDigest(study));
  const key = studyKeySchema.parse(JSON.parse((await store.getBlob(asDigest(meta.sealed!))).toString("utf8")));
  const rejected = new Set(key.cases.slice(0, 3).map(({ lesion }) => lesion));
  await read(
    "judged",
    study,
    sequenceOf(judged.protocol, "Ada", cases.length).map((shown) => ({ answer: shown.case < 3 ? "reject" : "accept" })),
  );

  const { cases: digest } = await state("corrected");
  const tocorrect = await openCases(store, asDigest(digest));
  expect(new Set(tocorrect.cases.map(({ id }) => id))).toEqual(rejected);
  const [first, second, third] = tocorrect.cases.map(({ id }) => id);
  const snapshot = await house.snapshot(campaign);
  const lesions = await openDataset(store, asDigest(snapshot.steps.find(({ name }) => name === "lesions")!.outputs!.train));
  const lesion = lesions.lesions.find(({ id }) => id === first)!;
  const [nx, ny, nz] = lesion.dims;
  const data = Uint8Array.from({ length: nx * ny * nz }, (_, i) => (i % nx > 3 && i % nx < 9 ? 1 : 0));
  const about = { cases: digest, case: first, author: "Ada", at: 1_700_000_000_000, from: digest };
  const mask = await putDrawnMask(store, { meta: about, shape: [nz, ny, nx], data });
  await read("corrected", digest, [{ answer: "edited", mask }, { answer: "exclude" }, { answer: "unchanged" }]);

  const outputs = await house.result(campaign);
  const labels = await openLabels(store, asDigest(outputs.revised.labels));
  const revisions = new Map(
    (await readRevisions(store, asDigest(outputs.revised.labels))).map((revision) => [revision.lesion, revision]),
  );
  expect(revisions.get(first)).toMatchObject({ became: "edited", edit: { artifact: mask, author: "Ada", at: about.at } });
  expect(revisions.get(second)).toMatchObject({ became: "left out", answers: [{ reader: "Ada", answer: "reject" }] });
  expect(revisions.get(third)).toMatchObject({ verdict: "rejected", became: "kept" });
  const { shard, z } = labels.lines.find(({ id }) => id === first)!;
  expect((await readLabelShard(store, labels, shard)).get(`${first}/${z}`)!.data).toEqual(data.slice(0, nx * ny));
  const learnt = new Set(labels.lines.map(({ id }) => id));
  expect(learnt).toEqual(new Set(lesions.lesions.map(({ id }) => id).filter((id) => id !== second)));

  // Everything that was asked, answered and drawn can be followed back.
  expect((await verifyCampaign(store, campaign)).problems).toEqual([]);

  // The second network went on from the first and learnt from these labels; the report says what became of the masks.
  const { steps } = await house.snapshot(campaign);
  const theta1 = await getRecord(store, asDigest(steps.find(({ name }) => name === "theta1")!.record!));
  expect(theta1.inputs).toMatchObject({
    labels: { artifact: outputs.revised.labels },
    init: { artifact: outputs.theta0.model },
  });
  const report = await getManifest(store, asDigest(outputs.report.report));
  const { content } = JSON.parse((await readFile(store, report, "content.json")).toString("utf8"));
  expect(content.remarks.join()).toMatch(
    /Labels revised: 1 lesion edited by Ada; .*1 lesion left out \(rejected, and left out by who corrects\)/,
  );
});
