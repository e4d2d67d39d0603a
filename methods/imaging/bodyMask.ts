import { components } from "./components.ts";
import type { Vec3, Volume } from "./volume.ts";

/** Side of the cells that body and air are told apart by: small beside a limb, large enough to average noise away. */
const CELL_MM = 4;
/** Air outside is near −1000 HU; lung, even emphysema, lies above this on the average over a cell. */
const AIR_BELOW_HU = -920;

/** Where the patient is, coarsely: cells of about 4 mm in each slice. */
export interface BodyMask {
  /** Whether the voxel at x, y, z lies in the body; places outside the volume do not. */
  has(x: number, y: number, z: number): boolean;
  /** Cells of the body as a share of all cells. */
  readonly share: number;
}

/**
 * The body without the air around it: what air (below −920 HU) that is connected to the slice's edge leaves over, and of
 * that the largest connected part in 3D, so that a table beside the patient is left out where air lies between. Lungs and
 * bowel gas within belong to it.
 */
export function bodyMask({ dims, spacingMm, data }: Volume): BodyMask {
  const [nx, ny, nz] = dims;
  const cell = [spacingMm[0], spacingMm[1]].map((mm) => Math.max(1, Math.round(CELL_MM / mm)));
  const [columns, rows] = [Math.ceil(nx / cell[0]), Math.ceil(ny / cell[1])];
  const coarse: Vec3 = [columns, rows, nz];
  const air = new Uint8Array(columns * rows * nz);
  for (let z = 0; z < nz; z++) {
    const sum = new Float64Array(columns * rows);
    const count = new Uint32Array(columns * rows);
    for (let y = 0; y < ny; y++) {
      const row = Math.floor(y / cell[1]) * columns;
      for (let x = 0; x < nx; x++) {
        const at = row + Math.floor(x / cell[0]);
        sum[at] += data[(z * ny + y) * nx + x];
        count[at]++;
      }
    }
    for (let at = 0; at < sum.length; at++) air[z * sum.length + at] = sum[at] / count[at] < AIR_BELOW_HU ? 1 : 0;
  }
  const { labels, sizes } = components(insideAir(air, coarse), coarse, 6);
  const largest = sizes.reduce((best, size, i) => (best === 0 || size > sizes[best - 1] ? i + 1 : best), 0);
  return {
    has(x, y, z) {
      if (largest === 0 || x < 0 || y < 0 || z < 0 || x >= nx || y >= ny || z >= nz) return false;
      return labels[(z * rows + Math.floor(y / cell[1])) * columns + Math.floor(x / cell[0])] === largest;
    },
    share: largest === 0 ? 0 : sizes[largest - 1] / labels.length,
  };
}

/** 1 but where air is connected to the edge of its slice. */
function insideAir(air: Uint8Array, dims: Vec3): Uint8Array {
  const [columns, rows, slices] = dims;
  const { labels } = components(air, dims, 4);
  const outside = new Set<number>();
  for (let z = 0; z < slices; z++) {
    const start = z * rows * columns;
    for (let x = 0; x < columns; x++) outside.add(labels[start + x]).add(labels[start + (rows - 1) * columns + x]);
    for (let y = 0; y < rows; y++) outside.add(labels[start + y * columns]).add(labels[start + (y + 1) * columns - 1]);
  }
  outside.delete(0);
  return Uint8Array.from(labels, (label) => (outside.has(label) ? 0 : 1));
}
