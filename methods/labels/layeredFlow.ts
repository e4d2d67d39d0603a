import type { Vec3 } from "../imaging/volume.ts";
import { PaddedLattice } from "./paddedLattice.ts";

/** Not yet in a layer. */
const UNSEEN = -1;
/** Share of the largest capacity: what deficits must exceed to be served first. */
const LARGE = 0.2;
/** A search from the excess stops at the layer that has as many deficits as this share of the vertices it came from. */
const ENOUGH = 0.2;

/**
 * Maximum flow and minimum cut on a lattice, kept from one set of terminal edges to the next: what `LatticeFlow` does,
 * several times as fast, where it does not matter which of several equal cuts is found.
 *
 * The state is a pseudoflow (Hochbaum 2008): every terminal edge is saturated at once, so that a vertex has an excess or
 * a deficit, and flow moves excess to deficits. It is found in waves, as Dinic's algorithm finds it: a breadth-first
 * search puts the vertices into layers, and one sweep over the layers, the farthest first, moves as much as will go
 * into the layer below. Waves come in two forms.
 * - Towards the large deficits, over all vertices: flow that has far to go passes the small deficits on its way.
 * - From the excess that is left, as far as the next deficits: it is short of them only here and there by then.
 * A changed terminal edge only changes an excess, so that whatever flow there is stays valid (Kohli and Torr 2007), and
 * no wave starts from nothing.
 *
 * The cut is minimum when no excess (`terminal` > 0) reaches a deficit (`terminal` < 0).
 */
export class LayeredFlow extends PaddedLattice {
  /** Residual capacity of the edge from vertex v in direction d, at `v · directions + d`. Set it after `reset` only. */
  capacity = new Float64Array(0);
  /**
   * What the source gives less what the sink takes. Set it after `reset`; to change a terminal edge between two calls of
   * `solve`, add the difference. Finite; a value beyond the sum of the vertex's edges binds it.
   */
  terminal = new Float64Array(0);

  private readonly oppositeBit: Int32Array;
  private dims: Vec3 = [0, 0, 0];
  private pristine = true;
  private large = 0;
  /** Bit d of `outward[v]`: the edge from v in direction d has residual capacity; of `inward[v]`: the one back has. */
  private outward = new Int32Array(0);
  private inward = new Int32Array(0);
  private layer = new Int32Array(0);
  /** The vertices of the search, layer after layer. */
  private order = new Int32Array(0);
  private living = new Int32Array(0);
  private source = new Uint8Array(0);

  /** @param offsets the neighbourhood as steps of −1, 0, 1 along x, y, z; with every step its opposite. */
  constructor(offsets: readonly Vec3[]) {
    super(offsets);
    this.oppositeBit = Int32Array.from(this.opposite, (d) => 1 << d);
  }

  /** Starts a graph of `dims` vertices along x, y, z without edges. */
  reset(dims: Vec3): void {
    this.layOut(dims);
    this.dims = dims;
    this.pristine = true;
    if (this.terminal.length < this.vertices) {
      this.capacity = new Float64Array(this.vertices * this.directions);
      this.terminal = new Float64Array(this.vertices);
      this.outward = new Int32Array(this.vertices);
      this.inward = new Int32Array(this.vertices);
      this.layer = new Int32Array(this.vertices);
      this.order = new Int32Array(this.vertices);
      this.living = new Int32Array(this.vertices);
      this.source = new Uint8Array(this.vertices);
    } else {
      this.capacity.fill(0, 0, this.vertices * this.directions);
      this.terminal.fill(0, 0, this.vertices);
    }
  }

  /** Finds the maximum flow; `capacity` and `terminal` hold the residuals afterwards. */
  solve(): void {
    const { terminal, layer, order, living, source, vertices } = this;
    if (this.pristine) this.readEdges();
    this.pristine = false;

    for (;;) {
      let count = 0;
      for (let v = 0; v < vertices; v++) if (terminal[v] < -this.large) order[count++] = v;
      const { end, opposed } = this.search(-1, count, Number.POSITIVE_INFINITY);
      if (opposed > 0) this.sweep(-1, count, end);
      for (let i = 0; i < end; i++) layer[order[i]] = UNSEEN;
      if (opposed === 0) break;
    }

    let count = 0;
    for (let v = 0; v < vertices; v++) if (terminal[v] > 0) living[count++] = v;
    source.fill(0, 0, vertices);
    while (count > 0) {
      for (let i = 0; i < count; i++) order[i] = living[i];
      const { end, opposed } = this.search(1, count, ENOUGH * count);
      if (opposed > 0) this.sweep(1, count, end);
      else for (let i = 0; i < end; i++) source[order[i]] = 1;
      count = 0;
      for (let i = 0; i < end; i++) {
        const v = order[i];
        layer[v] = UNSEEN;
        if (opposed > 0 && terminal[v] > 0) living[count++] = v;
      }
    }
  }

  /** Whether the source still reaches the vertex: the smallest source side among all minimum cuts. */
  onSourceSide(vertex: number): boolean {
    return this.source[vertex] === 1;
  }

  /**
   * How many vertices some other cut could have on the other side without costing more than `slack` above the minimum,
   * at most: those that no path with a residual of more than `slack` joins to a terminal. With 0, no minimum cut
   * differs from this one; any cut that rounding has made worse than the minimum, but by no more than `slack`, is
   * this one too.
   */
  undecided(slack: number): number {
    const { capacity, terminal, strides, directions, opposite, order, layer, source, vertices, dims } = this;
    let end = 0;
    for (let v = 0; v < vertices; v++) {
      if (source[v] === 1 ? terminal[v] > slack : terminal[v] < -slack) {
        layer[v] = 0;
        order[end++] = v;
      }
    }
    for (let i = 0; i < end; i++) {
      const v = order[i];
      for (let edges = source[v] === 1 ? this.outward[v] : this.inward[v]; edges !== 0; edges &= edges - 1) {
        const d = 31 - Math.clz32(edges & -edges);
        const u = v + strides[d];
        if (layer[u] !== UNSEEN || source[u] !== source[v]) continue;
        if (capacity[source[v] === 1 ? v * directions + d : u * directions + opposite[d]] <= slack) continue;
        layer[u] = 0;
        order[end++] = u;
      }
    }
    for (let i = 0; i < end; i++) layer[order[i]] = UNSEEN;
    return dims[0] * dims[1] * dims[2] - end;
  }

  private readEdges(): void {
    const { capacity, directions, strides, oppositeBit, outward, inward, vertices } = this;
    inward.fill(0, 0, vertices);
    this.layer.fill(UNSEEN, 0, vertices);
    let largest = 0;
    for (let v = 0; v < vertices; v++) {
      let edges = 0;
      for (let d = 0; d < directions; d++) {
        const residual = capacity[v * directions + d];
        if (residual === 0) continue;
        if (residual > largest) largest = residual;
        edges |= 1 << d;
        inward[v + strides[d]] |= oppositeBit[d];
      }
      outward[v] = edges;
    }
    this.large = LARGE * largest;
  }

  /**
   * Layers around the first `count` vertices of `order`: along the edges from them (`sign` 1, they have excess), or
   * against those towards them (−1, they have deficits), until a layer is complete with which at least `enough`
   * vertices of the other kind are found.
   *
   * @returns where the vertices of the search end in `order`, and how many of them are of the other kind.
   */
  private search(sign: 1 | -1, count: number, enough: number): { end: number; opposed: number } {
    const { terminal, layer, order, strides } = this;
    const edgesOf = sign === 1 ? this.outward : this.inward;
    for (let i = 0; i < count; i++) layer[order[i]] = 0;
    let end = count;
    let opposed = 0;
    for (let i = 0, complete = count; i < end; i++) {
      if (i === complete) {
        if (opposed > 0 && opposed >= enough) break;
        complete = end;
      }
      const v = order[i];
      const next = layer[v] + 1;
      for (let edges = edgesOf[v]; edges !== 0; edges &= edges - 1) {
        const u = v + strides[31 - Math.clz32(edges & -edges)];
        if (layer[u] !== UNSEEN) continue;
        layer[u] = next;
        order[end++] = u;
        if (sign * terminal[u] < 0) opposed++;
      }
    }
    return { end, opposed };
  }

  /** Moves what the vertices from `first` to `end` of `order` have of the other kind layer by layer to where the search began. */
  private sweep(sign: 1 | -1, first: number, end: number): void {
    const { capacity, terminal, layer, order, strides, directions, opposite, oppositeBit } = this;
    // Edges along which v can be relieved, and those that open when it is.
    const along = sign === 1 ? this.inward : this.outward;
    const against = sign === 1 ? this.outward : this.inward;
    for (let i = end - 1; i >= first; i--) {
      const v = order[i];
      let rest = -sign * terminal[v];
      if (!(rest > 0)) continue;
      const below = layer[v] - 1;
      for (let edges = along[v]; edges !== 0; edges &= edges - 1) {
        const bit = edges & -edges;
        const d = 31 - Math.clz32(bit);
        const u = v + strides[d];
        if (layer[u] !== below) continue;
        const own = v * directions + d;
        const back = u * directions + opposite[d];
        const from = sign === 1 ? back : own;
        const residual = capacity[from];
        const amount = rest < residual ? rest : residual;
        capacity[sign === 1 ? own : back] += amount;
        against[v] |= bit;
        along[u] |= oppositeBit[d];
        terminal[u] -= sign * amount;
        rest -= amount;
        if (amount === residual) {
          capacity[from] = 0;
          along[v] ^= bit;
          against[u] ^= oppositeBit[d];
        } else capacity[from] = residual - amount;
        if (rest === 0) break;
      }
      terminal[v] = -sign * rest;
    }
  }
}
