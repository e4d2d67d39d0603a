import { describe, expect, test } from "vitest";
import { edgeGain } from "../../methods/metrics/edgeGain.ts";
import { psnr } from "../../methods/metrics/imageQuality.ts";
import { rankCorrelation } from "../../methods/metrics/rankCorrelation.ts";
import { hasSharedData } from "../labels/sharedData.ts";
import { candidates, ctSlices, degradedPair, type KnownPicture, matched, photographs } from "./knownPairs.ts";

/** Some of the pictures of `bench/edgeGain.ts` on which no cost was chosen. */
const pictures = (all: readonly KnownPicture[]): KnownPicture[] => all.filter((_, i) => i % 4 === 1).slice(0, 8);

describe.skipIf(!hasSharedData)("the score of real pictures whose truth is known (needs ../shared/data)", async () => {
  const kinds = hasSharedData
    ? ([
        ["CT slices", pictures(ctSlices()), 0.6],
        ["photographs", pictures(await photographs("test")), 0.5],
      ] as const)
    : [];

  test.each(kinds)("ranks what was made of %s as PSNR at equal contrast does, and knows better from worse", (_, known, least) => {
    const correlations: number[] = [];
    let [better, found, worse, refused] = [0, 0, 0, 0];
    for (const [i, picture] of known.entries()) {
      const pair = degradedPair(picture, i % 2, i % 2 === 0 ? 0 : 12);
      const quality = (made: typeof pair.truth): number => psnr(matched(made, pair.truth), pair.truth) ?? 60;
      const before = quality(pair.original);
      const rows = Object.values(candidates(pair)).map((made) => ({
        gain: quality(made) - before,
        score: edgeGain(pair.original, made, pair.zoom).score!,
      }));
      correlations.push(
        rankCorrelation(
          rows.map(({ score }) => score),
          rows.map(({ gain }) => gain),
        )!,
      );
      for (const { gain, score } of rows) {
        if (gain > 1) [better, found] = [better + 1, found + Number(score > 0)];
        if (gain < -1) [worse, refused] = [worse + 1, refused + Number(score <= 0)];
      }
    }
    expect(correlations.reduce((sum, value) => sum + value, 0) / correlations.length).toBeGreaterThan(least);
    expect(found / better).toBeGreaterThan(0.6);
    expect(refused / worse).toBeGreaterThan(0.75);
  });
});
