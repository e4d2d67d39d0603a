import type { Vec3 } from "../imaging/volume.ts";

/**
 * Vertices of a lattice in flat buffers, one for each pixel or voxel, with edges to a fixed neighbourhood. A margin of
 * vertices without edges lies around them, so that nobody has to ask for the edge of the image.
 */
export abstract class PaddedLattice {
  readonly directions: number;
  /** `opposite[d]` is the direction back. */
  readonly opposite: Uint8Array;
  /** Distance in the buffers from a vertex to its neighbour in direction d. */
  readonly strides: Int32Array;

  protected readonly margin: Vec3;
  protected vertices = 0;
  private readonly offsets: readonly Vec3[];
  /** Buffer size along x, y, z. */
  private padded: Vec3 = [0, 0, 0];

  /** @param offsets the neighbourhood as steps of −1, 0, 1 along x, y, z; with every step its opposite. */
  constructor(offsets: readonly Vec3[]) {
    this.offsets = offsets;
    this.directions = offsets.length;
    this.strides = new Int32Array(offsets.length);
    const margin = (axis: number): number => (offsets.some((offset) => offset[axis] !== 0) ? 1 : 0);
    this.margin = [margin(0), margin(1), margin(2)];
    this.opposite = Uint8Array.from(offsets, ([dx, dy, dz]) => {
      const back = offsets.findIndex(([ex, ey, ez]) => ex === -dx && ey === -dy && ez === -dz);
      if (back < 0) throw new RangeError(`the neighbourhood lacks the opposite of (${dx}, ${dy}, ${dz})`);
      return back;
    });
  }

  /** Number of vertices with the margin: buffers are used up to here (× directions where they are of edges). */
  get size(): number {
    return this.vertices;
  }

  /** The vertex at (x, y, z); successive x are successive vertices. */
  vertex(x: number, y: number, z = 0): number {
    const [nx, ny] = this.padded;
    const [mx, my, mz] = this.margin;
    return ((z + mz) * ny + y + my) * nx + x + mx;
  }

  /** Lays out `dims` vertices along x, y, z. */
  protected layOut(dims: Vec3): void {
    const [nx, ny, nz] = [dims[0] + 2 * this.margin[0], dims[1] + 2 * this.margin[1], dims[2] + 2 * this.margin[2]];
    this.padded = [nx, ny, nz];
    this.vertices = nx * ny * nz;
    this.offsets.forEach(([dx, dy, dz], d) => {
      this.strides[d] = (dz * ny + dy) * nx + dx;
    });
  }
}
