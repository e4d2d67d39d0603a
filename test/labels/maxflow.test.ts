import { describe, expect, it } from "vitest";
import type { Vec3 } from "../../methods/imaging/volume.ts";
import { LatticeFlow } from "../../methods/labels/maxflow.ts";
import { cutCapacity, edmondsKarp, fill, neighbourhoods, sideOf } from "./lattice.ts";

describe.each(Object.entries(neighbourhoods))("maximum flow, %s", (name, offsets) => {
  const graph = new LatticeFlow(offsets);
  const dimsOf = (seed: number): Vec3 => [2 + (seed % 5), 2 + (seed % 4), name === "6 neighbours" ? 1 + (seed % 3) : 1];

  it.each([
    ["real", false],
    ["integer", true],
  ])("equals Edmonds–Karp, and the cut costs as much: %s capacities", (_, integers) => {
    for (let seed = 0; seed < 60; seed++) {
      const dims = dimsOf(seed);
      const lattice = fill(graph, offsets, dims, seed, integers as boolean);
      const expected = edmondsKarp(lattice);
      expect(graph.solve()).toBeCloseTo(expected, 9);
      const smallest = sideOf(graph, dims, (v) => graph.inSourceTree(v));
      expect(cutCapacity(lattice, smallest)).toBeCloseTo(expected, 9);
      if (!integers)
        expect(
          cutCapacity(
            lattice,
            sideOf(graph, dims, (v) => graph.onSourceSide(v)),
          ),
        ).toBeCloseTo(expected, 9);
    }
  });

  it("has no cheaper cut: all of them tried on tiny lattices", () => {
    for (let seed = 0; seed < 20; seed++) {
      const dims: Vec3 = name === "6 neighbours" ? [2, 2, 2] : [3, 3, 1];
      const lattice = fill(graph, offsets, dims, 1000 + seed, false);
      let cheapest = Number.POSITIVE_INFINITY;
      for (let labels = 0; labels < 1 << lattice.vertices; labels++) {
        cheapest = Math.min(
          cheapest,
          cutCapacity(
            lattice,
            lattice.terminal.map((_, v) => ((labels >> v) & 1) === 1),
          ),
        );
      }
      expect(graph.solve()).toBeCloseTo(cheapest, 9);
    }
  });
});

describe("a lattice", () => {
  it("needs the way back of every step", () => {
    expect(() => new LatticeFlow([[1, 0, 0]])).toThrow("lacks the opposite of (1, 0, 0)");
  });

  it("carries the bottleneck of a line: 5 → 3 → 4 gives 3", () => {
    const graph = new LatticeFlow([
      [1, 0, 0],
      [-1, 0, 0],
    ]);
    graph.reset([2, 1, 1]);
    graph.terminal[graph.vertex(0, 0)] = 5;
    graph.terminal[graph.vertex(1, 0)] = -4;
    graph.capacity[graph.vertex(0, 0) * 2] = 3;
    expect(graph.solve()).toBe(3);
    expect([graph.onSourceSide(graph.vertex(0, 0)), graph.onSourceSide(graph.vertex(1, 0))]).toEqual([true, false]);
  });
});
