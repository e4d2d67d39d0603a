import type { Slice, Vec3 } from "../../methods/imaging/volume.ts";
import { countsByComponent, fitMixture } from "../../methods/labels/gmm.ts";
import { clusterLevels } from "../../methods/labels/kmeans.ts";
import { LatticeFlow } from "../../methods/labels/maxflow.ts";
import { MultiplyWithCarry } from "../../methods/labels/multiplyWithCarry.ts";
import { BINDING, smoothnessOf } from "../../methods/labels/smoothness.ts";
import { Region, type Trimap } from "../../methods/labels/trimap.ts";

/** In OpenCV's order. */
const neighbours: Vec3[] = [
  [1, 1, 0],
  [0, 1, 0],
  [-1, 1, 0],
  [1, 0, 0],
  [1, -1, 0],
  [0, -1, 0],
  [-1, -1, 0],
  [-1, 0, 0],
];

/** GrabCut as it is written: every round is made, and cuts a new graph of all pixels in OpenCV's order. Both classes need samples. */
export function plainGrabCut(image: Slice<Uint8Array>, trimap: Trimap, iterations: number, seed: number): Uint8Array {
  const { data, width, height } = image;
  const regions = trimap.data.slice();
  const random = new MultiplyWithCarry(seed);
  let mixtures = [0, 1].map((label) => {
    const samples = data.filter((_, p) => (regions[p] & 1) === label);
    return fitMixture(clusterLevels(samples, Math.min(5, samples.length), random));
  });
  const { straight, diagonal } = smoothnessOf(image);
  const graph = new LatticeFlow(neighbours);
  for (let i = 0; i < iterations; i++) {
    mixtures = mixtures.map((mixture, label) => {
      const histogram = new Float64Array(256);
      for (let p = 0; p < data.length; p++) if ((regions[p] & 1) === label) histogram[data[p]]++;
      return fitMixture(countsByComponent(histogram, mixture.component));
    });
    graph.reset([width, height, 1]);
    for (let p = 0; p < data.length; p++) {
      const [x, y] = [p % width, Math.floor(p / width)];
      const v = graph.vertex(x, y);
      if (regions[p] === Region.background) graph.terminal[v] = -BINDING;
      else if (regions[p] === Region.foreground) graph.terminal[v] = BINDING;
      else graph.terminal[v] = mixtures[0].cost[data[p]] - mixtures[1].cost[data[p]];
      neighbours.forEach(([dx, dy], d) => {
        if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) return;
        const step = Math.abs(data[p] - data[p + dy * width + dx]);
        graph.capacity[v * 8 + d] = (dx * dy === 0 ? straight : diagonal)[step];
      });
    }
    graph.solve();
    for (let p = 0; p < data.length; p++) {
      if (regions[p] < Region.probableBackground) continue;
      const side = graph.onSourceSide(graph.vertex(p % width, Math.floor(p / width)));
      regions[p] = side ? Region.probableForeground : Region.probableBackground;
    }
  }
  return regions;
}
