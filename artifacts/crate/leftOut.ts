import type { ArtifactType, Manifest } from "../../schemas/artifacts.ts";

/**
 * Whether a crate holds an artifact's files by default, by what they are:
 *
 * - dataset, labels, predictions, enhanced, cases, mask: pictures and masks of patients; a report shows some in its gallery;
 * - images: other people's photographs;
 * - source: names of files as archives call them, often after patients;
 * - part: pieces of any of these;
 * - study: its key, which was sealed from readers;
 * - decisions: answers and who gave them; where readers drew masks, these too.
 *
 * What stays is numbers and weights. Scores and volumes call lesions and patients as the data set does.
 */
const numbersOnly: Readonly<Record<ArtifactType, boolean>> = {
  dataset: false,
  labels: false,
  model: true,
  predictions: false,
  evaluation: true,
  report: false,
  images: false,
  enhancer: true,
  enhanced: false,
  quality: true,
  cases: false,
  decisions: true,
  mask: false,
  study: false,
  volumes: true,
  source: false,
  part: false,
};

/** Whether an artifact stays outside a crate unless all are asked for. */
export function isLeftOut({ type, blobs }: Manifest): boolean {
  return !numbersOnly[type] || (type === "decisions" && blobs.some(({ path }) => path.startsWith("masks/")));
}
