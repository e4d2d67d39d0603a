import { describe, expect, it } from "vitest";
import type { Vec3 } from "../../methods/imaging/volume.ts";
import { LayeredFlow } from "../../methods/labels/layeredFlow.ts";
import { LatticeFlow } from "../../methods/labels/maxflow.ts";
import { randomStream } from "../../methods/random.ts";
import { cutCapacity, edmondsKarp, fill, type Lattice, neighbourhoods, sideOf } from "./lattice.ts";

const twentySix: Vec3[] = [-1, 0, 1]
  .flatMap((z) => [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((x): Vec3 => [x, y, z])))
  .filter((step) => step.some((d) => d !== 0));

const cases = Object.entries({ ...neighbourhoods, "26 neighbours": twentySix });

/** Costs of all cuts of a tiny lattice, the cheapest first. */
function allCuts(lattice: Lattice): number[] {
  return Array.from({ length: 2 ** lattice.vertices }, (_, labels) =>
    cutCapacity(
      lattice,
      lattice.terminal.map((_, v) => ((labels >> v) & 1) === 1),
    ),
  ).sort((a, b) => a - b);
}

describe.each(cases)("flow in layers, %s", (_, offsets) => {
  const graph = new LayeredFlow(offsets);
  const deep = offsets.some(([, , z]) => z !== 0);
  const dimsOf = (seed: number): Vec3 => [2 + (seed % 5), 2 + (seed % 4), deep ? 1 + (seed % 3) : 1];
  const verticesOf = (dims: Vec3): number[] => {
    const vertices: number[] = [];
    sideOf(graph, dims, (v) => vertices.push(v) > 0);
    return vertices;
  };
  const sourceSide = (dims: Vec3): boolean[] => sideOf(graph, dims, (v) => graph.onSourceSide(v));

  it.each([
    ["real", false],
    ["integer", true],
  ])("the cut costs as much as the flow of Edmonds and Karp carries: %s capacities", (_, integers) => {
    for (let seed = 0; seed < 60; seed++) {
      const dims = dimsOf(seed);
      const lattice = fill(graph, offsets, dims, seed, integers as boolean);
      graph.solve();
      expect(cutCapacity(lattice, sourceSide(dims)), `seed ${seed}`).toBeCloseTo(edmondsKarp(lattice), 9);
    }
  });

  it("finds, of equal cuts, the one with the smallest source side", () => {
    const inOrder = new LatticeFlow(offsets);
    for (let seed = 0; seed < 60; seed++) {
      const dims = dimsOf(seed);
      fill(graph, offsets, dims, seed, true);
      fill(inOrder, offsets, dims, seed, true);
      graph.solve();
      inOrder.solve();
      expect(sourceSide(dims), `seed ${seed}`).toEqual(sideOf(inOrder, dims, (v) => inOrder.inSourceTree(v)));
    }
  });

  it("goes on from its flow when terminal edges change, and finds what a new graph finds", () => {
    for (let seed = 0; seed < 15; seed++) {
      const dims = dimsOf(seed);
      const random = randomStream(seed, "changes");
      const lattice = fill(graph, offsets, dims, seed, true);
      for (let change = 0; change < 8; change++) {
        graph.solve();
        expect(cutCapacity(lattice, sourceSide(dims)), `seed ${seed}, change ${change}`).toBe(edmondsKarp(lattice));
        verticesOf(dims).forEach((v, i) => {
          if (random.uniform() < 0.3) return;
          const added = random.integer(41) - 20;
          lattice.terminal[i] += added;
          graph.terminal[v] += added;
        });
      }
    }
  });

  it("leaves no vertex undecided exactly where one cut alone is the cheapest", () => {
    const dims: Vec3 = deep ? [2, 2, 2] : [3, 3, 1];
    const unique = { yes: 0, no: 0 };
    for (let seed = 0; seed < 40; seed++) {
      const lattice = fill(graph, offsets, dims, 2000 + seed, true);
      const [cheapest, second] = allCuts(lattice);
      graph.solve();
      expect(graph.undecided(0) === 0, `seed ${seed}`).toBe(second > cheapest);
      unique[second > cheapest ? "yes" : "no"]++;
    }
    expect(unique.yes).toBeGreaterThan(5);
    expect(unique.no).toBeGreaterThan(0);
  });

  it("where it leaves none undecided, every other cut costs more by more than the slack", () => {
    const dims: Vec3 = deep ? [2, 2, 2] : [3, 3, 1];
    let decided = 0;
    for (let seed = 0; seed < 40; seed++) {
      const lattice = fill(graph, offsets, dims, 3000 + seed, false);
      const [cheapest, second] = allCuts(lattice);
      graph.solve();
      for (const slack of [0.01, 0.1, 0.5, 1]) {
        if (graph.undecided(slack) > 0) continue;
        expect(second - cheapest, `seed ${seed}, slack ${slack}`).toBeGreaterThan(slack);
        decided++;
      }
    }
    expect(decided).toBeGreaterThan(20);
  });
});

describe("a lattice for flow in layers", () => {
  it("needs the way back of every step", () => {
    expect(() => new LayeredFlow([[1, 0, 0]])).toThrow("lacks the opposite of (1, 0, 0)");
  });

  it("carries 3 along 5 → 3 → 4, and 2 stay behind with the source", () => {
    const graph = new LayeredFlow([
      [1, 0, 0],
      [-1, 0, 0],
    ]);
    for (const dims of [
      [2, 1, 1],
      [5, 1, 1],
      [2, 1, 1],
    ] as Vec3[]) {
      graph.reset(dims);
      const [from, to] = [graph.vertex(0, 0), graph.vertex(1, 0)];
      graph.terminal[from] = 5;
      graph.terminal[to] = -4;
      graph.capacity[from * 2] = 3;
      graph.solve();
      expect([graph.terminal[from], graph.terminal[to]]).toEqual([2, -1]);
      expect([graph.onSourceSide(from), graph.onSourceSide(to)]).toEqual([true, false]);
      expect(graph.capacity[to * 2 + 1]).toBe(3);
    }
  });

  it("has no side for a vertex that nothing pulls: it is undecided, and not the source's", () => {
    const graph = new LayeredFlow(neighbourhoods["4 neighbours"]);
    graph.reset([3, 1, 1]);
    graph.terminal[graph.vertex(0, 0)] = 1;
    graph.solve();
    expect(graph.undecided(0)).toBe(2);
    expect(graph.onSourceSide(graph.vertex(1, 0))).toBe(false);
  });
});
