import type { Vec3 } from "../../methods/imaging/volume.ts";
import type { LatticeFlow } from "../../methods/labels/maxflow.ts";
import { randomStream } from "../../methods/random.ts";

type Graph = Pick<LatticeFlow, "reset" | "vertex" | "capacity" | "terminal" | "directions">;

export const neighbourhoods: Record<string, Vec3[]> = {
  "4 neighbours": [
    [1, 0, 0],
    [-1, 0, 0],
    [0, 1, 0],
    [0, -1, 0],
  ],
  "8 neighbours": [
    [1, 1, 0],
    [0, 1, 0],
    [-1, 1, 0],
    [1, 0, 0],
    [1, -1, 0],
    [0, -1, 0],
    [-1, -1, 0],
    [-1, 0, 0],
  ],
  "6 neighbours": [
    [1, 0, 0],
    [-1, 0, 0],
    [0, 1, 0],
    [0, -1, 0],
    [0, 0, 1],
    [0, 0, -1],
  ],
};

export interface Arc {
  readonly from: number;
  readonly to: number;
  readonly capacity: number;
}

export interface Lattice {
  readonly vertices: number;
  readonly terminal: number[];
  readonly arcs: Arc[];
}

/** Random capacities, a third of them 0; directed both ways independently. */
export function fill(graph: Graph, offsets: readonly Vec3[], dims: Vec3, seed: number, integers: boolean): Lattice {
  const random = randomStream(seed, "lattice");
  const draw = (high: number): number =>
    random.uniform() < 1 / 3 ? 0 : integers ? random.integer(high) : high * random.uniform();
  graph.reset(dims);
  const [nx, ny, nz] = dims;
  const terminal: number[] = [];
  const arcs: Arc[] = [];
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++) {
        const pull = draw(20) - draw(20);
        graph.terminal[graph.vertex(x, y, z)] = pull;
        terminal.push(pull);
        offsets.forEach(([dx, dy, dz], d) => {
          const [ux, uy, uz] = [x + dx, y + dy, z + dz];
          if (ux < 0 || uy < 0 || uz < 0 || ux >= nx || uy >= ny || uz >= nz) return;
          const capacity = draw(8);
          graph.capacity[graph.vertex(x, y, z) * graph.directions + d] = capacity;
          arcs.push({ from: (z * ny + y) * nx + x, to: (uz * ny + uy) * nx + ux, capacity });
        });
      }
    }
  }
  return { vertices: nx * ny * nz, terminal, arcs };
}

/** Edmonds–Karp on a capacity matrix; the terminals are the last two vertices. */
export function edmondsKarp({ vertices, terminal, arcs }: Lattice): number {
  const [source, sink, n] = [vertices, vertices + 1, vertices + 2];
  const residual = new Float64Array(n * n);
  terminal.forEach((pull, v) => {
    if (pull > 0) residual[source * n + v] = pull;
    else residual[v * n + sink] = -pull;
  });
  for (const { from, to, capacity } of arcs) residual[from * n + to] += capacity;
  for (let flow = 0; ; ) {
    const previous = new Int32Array(n).fill(-1);
    const queue = [source];
    for (let head = 0; head < queue.length && previous[sink] < 0; head++) {
      for (let u = 0; u < n; u++) {
        if (previous[u] < 0 && u !== source && residual[queue[head] * n + u] > 1e-12) {
          previous[u] = queue[head];
          queue.push(u);
        }
      }
    }
    if (previous[sink] < 0) return flow;
    let amount = Number.POSITIVE_INFINITY;
    for (let v = sink; v !== source; v = previous[v]) amount = Math.min(amount, residual[previous[v] * n + v]);
    for (let v = sink; v !== source; v = previous[v]) {
      residual[previous[v] * n + v] -= amount;
      residual[v * n + previous[v]] += amount;
    }
    flow += amount;
  }
}

/** What the cut with `source` on the source's side costs. */
export function cutCapacity({ terminal, arcs }: Lattice, source: readonly boolean[]): number {
  let sum = 0;
  terminal.forEach((pull, v) => {
    if (pull > 0 !== source[v] && pull !== 0) sum += Math.abs(pull);
  });
  for (const { from, to, capacity } of arcs) if (source[from] && !source[to]) sum += capacity;
  return sum;
}

export function sideOf(graph: Graph, [nx, ny, nz]: Vec3, side: (vertex: number) => boolean): boolean[] {
  const source: boolean[] = [];
  for (let z = 0; z < nz; z++) for (let y = 0; y < ny; y++) for (let x = 0; x < nx; x++) source.push(side(graph.vertex(x, y, z)));
  return source;
}
