/**
 * Gaussian filtering of N values that lie anywhere in d-dimensional space, in time linear in N (Adams, Baek and Davis,
 * "Fast high-dimensional filtering using the permutohedral lattice", 2010). Each value is spread over the d + 1 vertices of
 * the simplex around it by barycentric weights, the vertices are blurred by [½ 1 ½] along the lattice's d + 1
 * directions, and the result is read where the values lie. This approximates
 *
 *   out_i = Σ_j exp(−½ ‖f_i − f_j‖²) in_j
 *
 * up to a constant factor: the kernel is piecewise linear, and blurring only passes through vertices that some value
 * touches. As in the code that goes with Krähenbühl and Koltun (2011), so that its numbers can be compared.
 */
export class PermutohedralLattice {
  /** N: number of values. */
  readonly count: number;
  /** Number of vertices that the values touch. */
  readonly vertices: number;
  private readonly corners: number;
  /** Vertices of the simplex around each value, `[N, d + 1]`. */
  private readonly vertex: Int32Array;
  /** Their barycentric weights, `[N, d + 1]`. */
  private readonly weight: Float64Array;
  /** Next vertex in either direction, `[d + 1, vertices]`; `vertices` where there is none. */
  private readonly forward: Int32Array;
  private readonly backward: Int32Array;
  private readonly values: Float64Array;
  private readonly blurred: Float64Array;

  /**
   * @param features positions in units of the kernel's standard deviation, `[N, d]`.
   * @throws RangeError where `features` is not N × d finite numbers.
   */
  constructor(features: Float64Array, dimensions: number) {
    const count = features.length / dimensions;
    if (!Number.isInteger(count))
      throw new RangeError(`${features.length} coordinates are no points of ${dimensions} dimensions`);
    this.count = count;
    this.corners = dimensions + 1;
    this.vertex = new Int32Array(count * this.corners);
    this.weight = new Float64Array(count * this.corners);
    const table = new VertexTable(dimensions, count);
    this.embed(features, dimensions, table);
    this.vertices = table.size;
    [this.forward, this.backward] = neighbours(table, dimensions);
    // The last one stands for every vertex that is not there, and stays 0.
    this.values = new Float64Array(table.size + 1);
    this.blurred = new Float64Array(table.size + 1);
  }

  /** Σ_j k(f_i, f_j) in_j for every i. `out` may be `input`. */
  filter(input: Float64Array, out: Float64Array = new Float64Array(this.count)): Float64Array {
    const { count, corners, vertices, vertex, weight, forward, backward } = this;
    let { values, blurred } = this;
    values.fill(0);
    for (let i = 0, c = 0; i < count; i++) {
      const value = input[i];
      for (let k = 0; k < corners; k++, c++) values[vertex[c]] += weight[c] * value;
    }
    for (let direction = 0; direction < corners; direction++) {
      const start = direction * vertices;
      for (let v = 0; v < vertices; v++) {
        blurred[v] = values[v] + 0.5 * (values[forward[start + v]] + values[backward[start + v]]);
      }
      [values, blurred] = [blurred, values];
    }
    const scale = 1 / (1 + 2 ** (1 - corners));
    for (let i = 0, c = 0; i < count; i++) {
      let sum = 0;
      for (let k = 0; k < corners; k++, c++) sum += weight[c] * values[vertex[c]];
      out[i] = scale * sum;
    }
    return out;
  }

  /** Finds every value's simplex and its place in it (Adams et al., section 3.1). */
  private embed(features: Float64Array, d: number, table: VertexTable): void {
    const { corners, vertex, weight } = this;
    // Axes of the hyperplane Σ x = 0 in d + 1 dimensions; the blur's standard deviation becomes 1.
    const scale = Float64Array.from({ length: d }, (_, i) => (Math.sqrt(2 / 3) * corners) / Math.sqrt((i + 1) * (i + 2)));
    const lifted = new Float64Array(corners);
    const nearest = new Int32Array(corners);
    const rank = new Int32Array(corners);
    const barycentric = new Float64Array(corners + 1);
    const key = new Int32Array(d);
    for (let i = 0; i < this.count; i++) {
      let sum = 0;
      for (let axis = d; axis > 0; axis--) {
        const along = features[i * d + axis - 1] * scale[axis - 1];
        if (!Number.isFinite(along)) throw new RangeError(`coordinate ${axis - 1} of point ${i} is not a number`);
        lifted[axis] = sum - axis * along;
        sum += along;
      }
      lifted[0] = sum;

      // The nearest point whose coordinates are multiples of d + 1; it lies off the hyperplane by `excess` steps.
      let excess = 0;
      for (let axis = 0; axis < corners; axis++) {
        const steps = Math.ceil(lifted[axis] / corners - 0.5);
        nearest[axis] = steps * corners;
        excess += steps;
      }
      rank.fill(excess);
      for (let a = 0; a < d; a++) {
        for (let b = a + 1; b < corners; b++) {
          if (lifted[a] - nearest[a] < lifted[b] - nearest[b]) rank[a]++;
          else rank[b]++;
        }
      }
      for (let axis = 0; axis < corners; axis++) {
        const back = rank[axis] < 0 ? corners : rank[axis] > d ? -corners : 0;
        rank[axis] += back;
        nearest[axis] += back;
      }

      barycentric.fill(0);
      for (let axis = 0; axis < corners; axis++) {
        const offset = (lifted[axis] - nearest[axis]) / corners;
        barycentric[d - rank[axis]] += offset;
        barycentric[corners - rank[axis]] -= offset;
      }
      barycentric[0] += 1 + barycentric[corners];
      for (let colour = 0; colour < corners; colour++) {
        for (let axis = 0; axis < d; axis++) key[axis] = nearest[axis] + (rank[axis] <= d - colour ? colour : colour - corners);
        vertex[i * corners + colour] = table.add(key);
        weight[i * corners + colour] = barycentric[colour];
      }
    }
  }
}

/** The neighbours of every vertex along each direction, `[d + 1, vertices]`; `table.size` where there is none. */
function neighbours(table: VertexTable, d: number): [Int32Array, Int32Array] {
  const { size, keys } = table;
  const forward = new Int32Array((d + 1) * size).fill(size);
  const backward = new Int32Array((d + 1) * size).fill(size);
  const key = new Int32Array(d);
  for (let direction = 0; direction <= d; direction++) {
    const start = direction * size;
    for (let v = 0; v < size; v++) {
      // One step along every axis but d steps back along `direction`; the last coordinate follows from the others.
      for (let axis = 0; axis < d; axis++) key[axis] = keys[v * d + axis] + (axis === direction ? -d : 1);
      const next = table.find(key);
      if (next < 0) continue;
      forward[start + v] = next;
      backward[start + next] = v;
    }
  }
  return [forward, backward];
}

/** Lattice points by their first d coordinates, numbered as they come: a hash table with linear probing. */
class VertexTable {
  size = 0;
  /** Coordinates of the vertices, `[size, d]`. */
  keys: Int32Array;
  private readonly d: number;
  /** Vertex by slot, −1 where it is free; a power of two of slots, at most half of them taken. */
  private slots: Int32Array;

  constructor(d: number, expected: number) {
    this.d = d;
    const capacity = 2 ** Math.ceil(Math.log2(2 * Math.max(expected, 8)));
    this.slots = new Int32Array(capacity).fill(-1);
    this.keys = new Int32Array((capacity / 2) * d);
  }

  /** The vertex's number, or −1. */
  find(key: Int32Array): number {
    return this.slots[this.slotOf(key, 0)];
  }

  /** The vertex's number; a new one where it was not there. */
  add(key: Int32Array): number {
    const slot = this.slotOf(key, 0);
    if (this.slots[slot] >= 0) return this.slots[slot];
    const vertex = this.size++;
    this.keys.set(key, vertex * this.d);
    this.slots[slot] = vertex;
    if (2 * this.size >= this.slots.length) this.grow();
    return vertex;
  }

  /** Where the key starting at `from` stands, or the free slot where it belongs. */
  private slotOf(key: Int32Array, from: number): number {
    const { d, slots, keys } = this;
    const last = slots.length - 1;
    let hash = 0;
    for (let axis = 0; axis < d; axis++) hash = Math.imul(hash + key[from + axis], 0x9e3779b1);
    for (let slot = (hash ^ (hash >>> 15)) & last; ; slot = (slot + 1) & last) {
      const vertex = slots[slot];
      if (vertex < 0) return slot;
      let axis = 0;
      while (axis < d && keys[vertex * d + axis] === key[from + axis]) axis++;
      if (axis === d) return slot;
    }
  }

  private grow(): void {
    const keys = new Int32Array(this.slots.length * this.d);
    keys.set(this.keys);
    this.slots = new Int32Array(2 * this.slots.length).fill(-1);
    this.keys = keys;
    for (let vertex = 0; vertex < this.size; vertex++) this.slots[this.slotOf(keys, vertex * this.d)] = vertex;
  }
}
