import type { Vec3 } from "../imaging/volume.ts";
import { PaddedLattice } from "./paddedLattice.ts";

/** What stands for a vertex's parent where it has none. */
const TERMINAL = -1;
const ORPHAN = -2;
const FREE = -3;

/**
 * Maximum flow and minimum cut on a lattice: one vertex per pixel or voxel, edges to a fixed neighbourhood, one
 * terminal edge per vertex. Minimises Σ U(a_p) + Σ C_pq [a_p ≠ a_q] exactly.
 *
 * The algorithm is that of Boykov and Kolmogorov (PAMI 2004) with the time stamps and distances of Kolmogorov's thesis
 * (2004): two search trees grow from source and sink, every augmentation cuts off orphans that are adopted again.
 * Active vertices queue first in, first out; orphans are taken last in, first out; neighbours are looked at in the
 * order of `offsets`. With double capacities the order decides how sums are rounded, and with equal cuts which one is
 * found: this is the order of OpenCV's graph, so that its masks can be met to the last pixel.
 *
 * One object serves many graphs: its buffers only grow.
 */
export class LatticeFlow extends PaddedLattice {
  /** Residual capacity of the edge from vertex v in direction d, at `v · directions + d`; set it, then `solve`. */
  capacity = new Float64Array(0);
  /** Source minus sink capacity of each vertex: positive towards the source. Set it, then `solve`. */
  terminal = new Float64Array(0);

  private side = new Uint8Array(0);
  /** The parent in the search tree, or TERMINAL, ORPHAN, FREE. */
  private parent = new Int32Array(0);
  /** The direction to the parent, where there is one. */
  private upward = new Uint8Array(0);
  private stamp = new Int32Array(0);
  private depth = new Int32Array(0);
  /** Next in the queue of active vertices; −1 = not queued, `vertices` = last. */
  private next = new Int32Array(0);
  private first = 0;
  private last = 0;
  private orphans = new Int32Array(0);
  private orphanCount = 0;
  private time = 0;
  /** The last vertex of the source tree and the direction in which it met the sink tree. */
  private bridge = 0;
  private bridgeDirection = 0;

  /** Starts a graph of `dims` vertices along x, y, z without edges. */
  reset(dims: Vec3): void {
    this.layOut(dims);
    if (this.terminal.length < this.vertices) {
      this.capacity = new Float64Array(this.vertices * this.directions);
      this.terminal = new Float64Array(this.vertices);
      this.side = new Uint8Array(this.vertices);
      this.parent = new Int32Array(this.vertices);
      this.upward = new Uint8Array(this.vertices);
      this.stamp = new Int32Array(this.vertices);
      this.depth = new Int32Array(this.vertices);
      this.next = new Int32Array(this.vertices);
      this.orphans = new Int32Array(this.vertices);
    } else {
      this.capacity.fill(0, 0, this.vertices * this.directions);
      this.terminal.fill(0, 0, this.vertices);
    }
  }

  /**
   * Pushes the maximum flow; `capacity` and `terminal` hold the residuals afterwards.
   *
   * @returns the flow between the terminals; what a vertex passes directly from source to sink is not part of it,
   *   since `terminal` holds only the difference.
   */
  solve(): number {
    this.plantTrees();
    let flow = 0;
    while (this.grow()) {
      flow += this.augment();
      this.adopt();
    }
    return flow;
  }

  /**
   * Whether a vertex is on the source's side of the minimum cut. A vertex that the flow has cut off from both
   * terminals stays on the side it was on last, and one that was never reached is on the source's.
   */
  onSourceSide(vertex: number): boolean {
    return this.side[vertex] === 0;
  }

  /** Whether the source still reaches the vertex: the smallest source side among all minimum cuts. */
  inSourceTree(vertex: number): boolean {
    return this.side[vertex] === 0 && this.parent[vertex] !== FREE;
  }

  private plantTrees(): void {
    const { terminal, side, parent, stamp, depth, next, vertices } = this;
    this.time = 0;
    this.first = vertices;
    let last = -1;
    for (let v = 0; v < vertices; v++) {
      stamp[v] = 0;
      depth[v] = 0;
      next[v] = -1;
      // A likelihood of 0 in both models gives ∞ − ∞: not a number is not 0, and binds to the source.
      if (terminal[v] === 0) {
        side[v] = 0;
        parent[v] = FREE;
        continue;
      }
      side[v] = terminal[v] < 0 ? 1 : 0;
      parent[v] = TERMINAL;
      depth[v] = 1;
      if (last < 0) this.first = v;
      else next[last] = v;
      last = v;
    }
    if (last >= 0) next[last] = vertices;
    this.last = last;
  }

  /** Grows both trees until they meet. The vertex that met the other tree stays first in the queue. */
  private grow(): boolean {
    const { capacity, directions, opposite, strides, side, parent, upward, stamp, depth, next, vertices } = this;
    let { first, last } = this;
    let met = false;
    search: while (first !== vertices) {
      const v = first;
      if (parent[v] !== FREE) {
        const own = side[v];
        const edges = v * directions;
        for (let d = 0; d < directions; d++) {
          const u = v + strides[d];
          const back = opposite[d];
          if ((own === 0 ? capacity[edges + d] : capacity[u * directions + back]) === 0) continue;
          if (parent[u] === FREE) {
            side[u] = own;
            parent[u] = v;
            upward[u] = back;
            stamp[u] = stamp[v];
            depth[u] = depth[v] + 1;
            if (next[u] < 0) {
              next[last] = u;
              next[u] = vertices;
              last = u;
            }
          } else if (side[u] !== own) {
            this.bridge = own === 0 ? v : u;
            this.bridgeDirection = own === 0 ? d : back;
            met = true;
            break search;
          } else if (depth[u] > depth[v] + 1 && stamp[u] <= stamp[v]) {
            parent[u] = v;
            upward[u] = back;
            stamp[u] = stamp[v];
            depth[u] = depth[v] + 1;
          }
        }
      }
      first = next[v];
      next[v] = -1;
    }
    this.first = first;
    this.last = last;
    return met;
  }

  /** Saturates the path through the bridge; vertices whose edge to the parent is used up become orphans. */
  private augment(): number {
    const { capacity, directions, opposite, strides, bridge, bridgeDirection } = this;
    const across = bridge + strides[bridgeDirection];
    const forward = bridge * directions + bridgeDirection;
    const amount = this.bottleneck(across, 1, this.bottleneck(bridge, 0, capacity[forward]));
    capacity[forward] -= amount;
    capacity[across * directions + opposite[bridgeDirection]] += amount;
    this.push(bridge, 0, amount);
    this.push(across, 1, amount);
    return amount;
  }

  /** The least residual between a vertex and its tree's terminal, or `least` where that is less. */
  private bottleneck(from: number, tree: 0 | 1, least: number): number {
    const { capacity, terminal, directions, opposite, parent, upward } = this;
    let v = from;
    for (let u = parent[v]; u >= 0; v = u, u = parent[v]) {
      const d = upward[v];
      const residual = tree === 0 ? capacity[u * directions + opposite[d]] : capacity[v * directions + d];
      if (residual < least) least = residual;
    }
    const residual = tree === 0 ? terminal[v] : -terminal[v];
    return residual < least ? residual : least;
  }

  private push(from: number, tree: 0 | 1, amount: number): void {
    const { capacity, terminal, directions, opposite, parent, upward, orphans } = this;
    let count = this.orphanCount;
    let v = from;
    for (let u = parent[v]; u >= 0; v = u, u = parent[v]) {
      const up = v * directions + upward[v];
      const down = u * directions + opposite[upward[v]];
      const along = tree === 0 ? down : up;
      capacity[tree === 0 ? up : down] += amount;
      capacity[along] -= amount;
      if (capacity[along] === 0) {
        parent[v] = ORPHAN;
        orphans[count++] = v;
      }
    }
    terminal[v] -= tree === 0 ? amount : -amount;
    if (terminal[v] === 0) {
      parent[v] = ORPHAN;
      orphans[count++] = v;
    }
    this.orphanCount = count;
  }

  /** Finds every orphan a new parent in its tree, the nearest to the terminal; where there is none it becomes free. */
  private adopt(): void {
    const { capacity, directions, opposite, strides, side, parent, upward, stamp, depth, next, orphans, vertices } = this;
    const time = ++this.time;
    let last = this.last;
    let count = this.orphanCount;
    while (count > 0) {
      const orphan = orphans[--count];
      const own = side[orphan];
      const edges = orphan * directions;
      let nearest = 0x7fffffff;
      let adopter = -1;
      for (let d = 0; d < directions; d++) {
        const u = orphan + strides[d];
        if (parent[u] === FREE || side[u] !== own) continue;
        if ((own === 0 ? capacity[u * directions + opposite[d]] : capacity[edges + d]) === 0) continue;
        // Climb to the terminal, or to a vertex whose depth is known since this augmentation.
        let steps = 0;
        let w = u;
        let above = parent[w];
        while (stamp[w] !== time && above >= 0) {
          steps++;
          w = above;
          above = parent[w];
        }
        if (stamp[w] !== time) {
          if (above === ORPHAN) continue;
          stamp[w] = time;
          depth[w] = 1;
        }
        steps += depth[w] + 1;
        if (steps < nearest) {
          nearest = steps;
          adopter = d;
        }
        for (w = u; stamp[w] !== time; w = parent[w]) {
          stamp[w] = time;
          depth[w] = --steps;
        }
      }
      if (adopter >= 0) {
        parent[orphan] = orphan + strides[adopter];
        upward[orphan] = adopter;
        stamp[orphan] = time;
        depth[orphan] = nearest;
        continue;
      }
      parent[orphan] = FREE;
      stamp[orphan] = 0;
      for (let d = 0; d < directions; d++) {
        const u = orphan + strides[d];
        if (parent[u] === FREE || side[u] !== own) continue;
        if (next[u] < 0 && (own === 0 ? capacity[u * directions + opposite[d]] : capacity[edges + d]) !== 0) {
          next[last] = u;
          next[u] = vertices;
          last = u;
        }
        if (parent[u] === orphan) {
          parent[u] = ORPHAN;
          orphans[count++] = u;
        }
      }
    }
    this.orphanCount = 0;
    this.last = last;
  }
}
