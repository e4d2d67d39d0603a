/**
 * How often links between two time points are suggested as they were constructed: `npx tsx bench/linking.ts [PATIENTS]`. Real shapes
 * in real CT, grown and shrunk by known factors (`timepoints.construct`), marks off by up to a tenth; four lesions a patient, of which
 * one vanishes and one is new, in places drawn anew over a body of 300 × 200 × 400 mm, since the CT that they were put into is one for
 * many. The second scan lies up to 30 mm beside the first, 150 mm along z, and every lesion up to 5 mm more.
 */
import path from "node:path";
import type { LesionCase } from "../methods/datasets/lesionCase.ts";
import { openConstructedCourses } from "../methods/datasets/semiSynthetic/followUp.ts";
import { randomStream } from "../methods/random.ts";
import { type LinkCandidate, linkCandidate, suggestLinks } from "../methods/response/linking.ts";
import { hasSharedData, sharedData } from "../test/labels/sharedData.ts";

const LESIONS = 4;
const BODY_MM = [300, 200, 400] as const;
const MOVED_MM = [30, 30, 150] as const;
const OFF_MM = 5;

type Position = LinkCandidate["positionMm"];
const drawn = (value: (axis: number) => number): Position => [value(0), value(1), value(2)];

if (!hasSharedData) {
  console.log("skipped: ../shared/data is absent");
} else {
  const patients = Number(process.argv[2] ?? 30);
  const folders = { shapes: path.join(sharedData, "lesion-shapes"), backgrounds: path.join(sharedData, "ct-background") };
  const source = await openConstructedCourses(folders, { lesions: patients * LESIONS, seed: 7, markNoise: 0.1, testFraction: 1 });
  const counts = { right: 0, wrong: 0, missed: 0, clear: 0, clearlyWrong: 0 };
  for (let patient = 0; patient < patients; patient++) {
    const random = randomStream(1, "patients to link", patient);
    const moved = drawn((axis) => random.between(-1, 1) * MOVED_MM[axis]);
    const [first, second]: [LinkCandidate[], LinkCandidate[]] = [[], []];
    for (let i = 0; i < LESIONS; i++) {
      const { cases } = await source.load(patient * LESIONS + i);
      const place = drawn((axis) => random.uniform() * BODY_MM[axis]);
      const again = drawn((axis) => place[axis] + moved[axis] + random.between(-1, 1) * OFF_MM);
      const at = ({ marks, image, category, followUp }: LesionCase, positionMm: Position): LinkCandidate => ({
        ...linkCandidate({ id: followUp!.lesion, category, marks }, image),
        positionMm,
      });
      if (i !== LESIONS - 1) first.push(at(cases[0], place));
      if (i !== 0) second.push(at(cases[1], again));
    }
    const { links } = suggestLinks(first, second.reverse());
    for (const { first: a, second: b, margin } of links) {
      counts[a === b ? "right" : "wrong"]++;
      if (margin >= 1) counts[a === b ? "clear" : "clearlyWrong"]++;
    }
    counts.missed += LESIONS - 2 - links.filter(({ first: a, second: b }) => a === b).length;
  }
  const possible = patients * (LESIONS - 2);
  console.log(
    `${patients} patients, ${possible} lesions that are there twice: ${counts.right} linked rightly, ${counts.missed} not; ${counts.wrong} links of a vanished or new lesion, or to another one`,
  );
  console.log(`with a lead of 1 or more over the next best: ${counts.clear} right, ${counts.clearlyWrong} wrong`);
}
