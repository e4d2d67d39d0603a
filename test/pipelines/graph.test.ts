import { describe, expect, test } from "vitest";
import { graphSvg, graphText } from "../../pipelines/graph.ts";
import { layOut, NODE_HEIGHT } from "../../pipelines/layout.ts";
import { loadPipeline } from "../../pipelines/load.ts";
import type { Plan } from "../../pipelines/plan.ts";
import { compile } from "./compiled.ts";

const demo = await loadPipeline("pipelines/demo.yaml");
const small = compile(
  'name: small\nsteps:\n  a: { uses: dataset.synthesize }\n  b: { uses: labels.initial, matrix: { method: [ellipse, recist] }, in: { lesions: a.train }, with: { method: "${matrix.method}" } }\n  c: { uses: segmentation.classical, in: { lesions: a.test }, with: { method: ellipse } }\n',
);

describe("layout", () => {
  const nodes = demo.steps.map((step) => ({
    name: step.name,
    width: 120,
    after: [
      ...new Set(
        Object.values(step.inputs)
          .flat()
          .map((wire) => wire.step),
      ),
    ],
  }));
  const layout = layOut(nodes);
  const place = new Map(layout.nodes.map((node) => [node.name, node]));

  test("every edge runs from left to right, from the side of one box to the side of the other", () => {
    expect(layout.edges).toHaveLength(nodes.reduce((n, { after }) => n + after.length, 0));
    for (const { from, to, points } of layout.edges) {
      const [a, b] = [place.get(from)!, place.get(to)!];
      expect(points[0]).toEqual([a.x + a.width, a.y + NODE_HEIGHT / 2]);
      expect(points.at(-1)).toEqual([b.x, b.y + NODE_HEIGHT / 2]);
      for (let i = 1; i < points.length; i++) expect(points[i][0]).toBeGreaterThanOrEqual(points[i - 1][0]);
    }
  });

  test("boxes lie in the picture and apart from each other", () => {
    for (const a of layout.nodes) {
      expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= layout.width && a.y + NODE_HEIGHT <= layout.height).toBe(true);
      for (const b of layout.nodes) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + NODE_HEIGHT <= b.y || b.y + NODE_HEIGHT <= a.y;
        expect(a === b || apart, `${a.name} and ${b.name}`).toBe(true);
      }
    }
  });

  test("no edge passes through a box that it does not join", () => {
    for (const { from, to, points } of layout.edges) {
      for (let i = 1; i < points.length; i++) {
        if (points[i][1] !== points[i - 1][1]) continue; // level pieces are those that pass a column
        for (const box of layout.nodes.filter(({ name }) => name !== from && name !== to)) {
          const beside =
            points[i][0] <= box.x ||
            points[i - 1][0] >= box.x + box.width ||
            points[i][1] <= box.y ||
            points[i][1] >= box.y + NODE_HEIGHT;
          expect(beside, `${from} → ${to} through ${box.name}`).toBe(true);
        }
      }
    }
  });

  test("an empty graph has a picture, too", () => {
    expect(layOut([])).toMatchObject({ nodes: [], edges: [] });
  });
});

describe("SVG", () => {
  test("is the same for the same pipeline, and holds every step", () => {
    const svg = graphSvg(demo);
    expect(graphSvg(structuredClone(demo))).toBe(svg);
    for (const { name } of demo.steps) expect(svg).toContain(`>${name}</text>`);
  });

  test("is well-formed whatever steps are called", () => {
    const named = compile(
      'name: n\nsteps:\n  a: { uses: dataset.synthesize, matrix: { x: ["<b>", "&", "\\"q\\""] }, with: {} }\n',
    );
    const svg = graphSvg(named);
    expect(svg).not.toContain("<b>");
    expect(svg).toContain("a[x=&#60;b&#62;]");
    expect(svg.match(/&(?!#\d+;)/)).toBeNull();
  });
});

test("the text has a line for each step: state, name, kind, what it reads, and why", () => {
  expect(graphText(small)).toBe(
    [
      "a                  dataset.synthesize",
      "b[method=ellipse]  labels.initial          ← a.train",
      "b[method=recist]   labels.initial          ← a.train",
      "c                  segmentation.classical  ← a.test",
      "",
    ].join("\n"),
  );
  const plan: Plan = {
    pipeline: "small",
    steps: small.steps.map(({ name }, i) => ({ name, state: i === 0 ? "cached" : "to-run", why: "parameter n 1 → 2" })),
  };
  expect(graphText(small, plan).split("\n").slice(0, 2)).toEqual([
    "✓ cached  a                  dataset.synthesize",
    "▶ to-run  b[method=ellipse]  labels.initial          ← a.train (parameter n 1 → 2)",
  ]);
});
