import { describe, expect, it } from "vitest";
import { openBackend } from "../../methods/networks/backend.ts";
import { createLoss, lossTargets } from "../../methods/networks/loss.ts";

const backend = await openBackend({ prefer: "node" });
const { tf } = backend;

/** Loss of two images of 1 × 4 pixels. */
function loss(logits: number[][], labels: number[][], { classBalanced = false, dice = 0 } = {}): number {
  const { targets, weights } = lossTargets(
    labels.map((map) => Uint8Array.from(map)),
    classBalanced,
  );
  const shape: [number, number, number, number] = [labels.length, 1, 4, 1];
  return tf.tidy(
    () =>
      createLoss(backend, { dice })(
        logits.map((output) => tf.tensor4d(output, shape)),
        tf.tensor4d(targets, shape),
        tf.tensor4d(weights, shape),
      ).dataSync()[0],
  );
}

/** −log σ(x) */
const entropy = (x: number): number => Math.log1p(Math.exp(-x));

describe("Eq. 1", () => {
  const labels = [
    [1, 0, 255, 255],
    [0, 0, 0, 1],
  ];
  const output = [2, -1, 50, -50, 0, 0, 1, 3];

  it("averages cross entropy over the pixels of each image that are not ignored, then over images", () => {
    const first = (entropy(2) + entropy(1)) / 2;
    const second = (2 * Math.LN2 + entropy(-1) + entropy(3)) / 4;
    expect(loss([output], labels)).toBeCloseTo((first + second) / 2, 5);
  });

  it("is summed over the outputs", () => {
    expect(loss([output, output], labels)).toBeCloseTo(2 * loss([output], labels), 5);
  });

  it("leaves out images without a labelled pixel", () => {
    expect(loss([output], [[255, 255, 255, 255], labels[1]])).toBeCloseTo((2 * Math.LN2 + entropy(-1) + entropy(3)) / 4, 5);
    expect(
      loss(
        [output],
        [
          [255, 255, 255, 255],
          [255, 255, 255, 255],
        ],
      ),
    ).toBe(0);
  });

  it("class balanced: lesion pixels weigh the share of background, and the other way round", () => {
    const first = (0.5 * entropy(2) + 0.5 * entropy(1)) / 2;
    const second = (0.25 * (2 * Math.LN2 + entropy(-1)) + 0.75 * entropy(3)) / 4;
    expect(loss([output], labels, { classBalanced: true })).toBeCloseTo((first + second) / 2, 5);
  });

  it("adds soft Dice over the pixels not ignored", () => {
    // p = ½ on two pixels, one of them lesion: Σ p·y = ½, Σ p = 1, Σ y = 1, smoothing 20.
    const dice = 1 - (2 * 0.5 + 20) / (1 + 1 + 20);
    const image: [number[][], number[][]] = [[[0, 0, 9, 9]], [[1, 0, 255, 255]]];
    expect(loss(...image, { dice: 0.5 }) - loss(...image)).toBeCloseTo(0.5 * dice, 5);
  });
});
