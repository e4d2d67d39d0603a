import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  batchesBySize,
  epochBatches,
  type TrainingSample,
  trainingSet,
  validationSplit,
} from "../../methods/networks/trainingSet.ts";

const samples = (sizes: number[], patients = sizes.length): TrainingSample[] =>
  sizes.map((size, i) => ({
    id: `lesion-${i}`,
    patient: `p${i % patients}`,
    size,
    pixels: new Float32Array(0),
    labels: new Uint8Array(0),
  }));

describe("validationSplit", () => {
  property.prop([
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 10 }),
    fc.double({ min: 0, max: 0.9, noNaN: true }),
    fc.nat(),
  ])("covers all samples once and never shares a patient", (n, patients, fraction, seed) => {
    const all = samples(Array(n).fill(16), patients);
    const { training, validation } = validationSplit(trainingSet(all), fraction, seed);
    expect([...training, ...validation].sort((a, b) => a - b)).toEqual([...all.keys()]);
    const patientsOf = (indices: number[]): Set<string> => new Set(indices.map((i) => all[i].patient!));
    expect([...patientsOf(training)].filter((p) => patientsOf(validation).has(p))).toEqual([]);
    expect(training.length).toBeGreaterThan(0);
    expect(validation.length > 0).toBe(fraction > 0 && Math.min(n, patients) > 1);
  });

  it("takes the fraction of patients, by seed", () => {
    const set = trainingSet(samples(Array(100).fill(16)));
    expect(validationSplit(set, 0.2, 1).validation).toHaveLength(20);
    expect(validationSplit(set, 0.2, 1)).toEqual(validationSplit(set, 0.2, 1));
    expect(validationSplit(set, 0.2, 1)).not.toEqual(validationSplit(set, 0.2, 2));
  });
});

describe("batches", () => {
  property.prop([
    fc.array(fc.constantFrom(16, 32, 48), { minLength: 1, maxLength: 60 }),
    fc.integer({ min: 1, max: 9 }),
    fc.nat(),
    fc.nat(9),
  ])("of an epoch hold every sample once, each batch of one size and no longer than asked", (sizes, batch, seed, epoch) => {
    const set = trainingSet(samples(sizes));
    const batches = epochBatches(set, [...sizes.keys()], batch, seed, epoch);
    expect(batches.flat().sort((a, b) => a - b)).toEqual([...sizes.keys()]);
    for (const members of batches) {
      expect(members.length).toBeLessThanOrEqual(batch);
      expect(new Set(members.map((i) => sizes[i])).size).toBe(1);
    }
    expect(epochBatches(set, [...sizes.keys()], batch, seed, epoch)).toEqual(batches);
  });

  it("have another order in every epoch", () => {
    const set = trainingSet(samples(Array(20).fill(16)));
    expect(epochBatches(set, [...Array(20).keys()], 4, 1, 0)).not.toEqual(epochBatches(set, [...Array(20).keys()], 4, 1, 1));
  });

  it("stand where their last member does, incomplete ones at the end", () => {
    expect(batchesBySize([0, 1, 2, 3, 4], 2, (i) => [16, 32, 32, 16, 32][i])).toEqual([[1, 2], [0, 3], [4]]);
  });
});
