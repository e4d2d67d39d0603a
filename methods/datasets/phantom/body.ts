import type { Vec3 } from "../../imaging/volume.ts";
import type { Random } from "../../random.ts";
import { type Field, sampleField } from "./field.ts";

/** A solid in the phantom's space (mm, origin at the lesion's centre, axes x, y, z as in the volume). */
export interface Body {
  /**
   * Writes the signed distances to the surface in mm (negative inside; exact near the surface only) of `count` points
   * from (x, y, z) on, `stepMm` apart along x. Whole rows, because a call per point costs more than the point.
   */
  row(x: number, y: number, z: number, stepMm: number, count: number, mm: Float64Array): void;
  /** Corners of a box outside which all distances are positive; half-spaces have none (±Infinity). */
  readonly low: Vec3;
  readonly high: Vec3;
}

const EVERYWHERE: Pick<Body, "low" | "high"> = {
  low: [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  high: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
};

/** Signed distance of one point, mm. */
export function distanceMm(body: Body, [x, y, z]: Vec3): number {
  const one = new Float64Array(1);
  body.row(x, y, z, 0, 1, one);
  return one[0];
}

export type Rotation = readonly [Vec3, Vec3, Vec3];

/** Rotation by `turn` in the slice plane after a tilt out of it by `tilt` about the direction `tiltAxis` (radians); rows. */
export function rotation(turn: number, tilt: number, tiltAxis: number): Rotation {
  const [kx, ky] = [Math.cos(tiltAxis), Math.sin(tiltAxis)];
  const [c, s, v] = [Math.cos(tilt), Math.sin(tilt), 1 - Math.cos(tilt)];
  const [p, q] = [Math.cos(turn), Math.sin(turn)];
  const tilted: Rotation = [
    [c + kx * kx * v, kx * ky * v, ky * s],
    [kx * ky * v, c + ky * ky * v, -kx * s],
    [-ky * s, kx * s, c],
  ];
  const mix = (a: number, b: number): Vec3 => [
    a * tilted[0][0] + b * tilted[1][0],
    a * tilted[0][1] + b * tilted[1][1],
    a * tilted[0][2] + b * tilted[1][2],
  ];
  return [mix(p, q), mix(-q, p), tilted[2]];
}

/** How an ellipsoid's surface is bent: relative amplitude, and radius of the sphere of directions in field units. */
export interface Bumps {
  readonly field: Field;
  readonly amplitude: number;
  readonly frequency: number;
  readonly offset: Vec3;
}

/** Bumps at a random place of the field. */
export function bumps(field: Field, random: Random, amplitude: number, frequency: number): Bumps {
  return { field, amplitude, frequency, offset: [random.between(0, 32), random.between(0, 32), random.between(0, 32)] };
}

/** Star-shaped body: an ellipsoid whose radius along every direction is scaled by 1 + amplitude × field(direction). */
export function blob(centre: Vec3, axesMm: Vec3, turned: Rotation, { field, amplitude, frequency, offset }: Bumps): Body {
  const [a, b, c] = axesMm;
  const [[r0, r1, r2], [r3, r4, r5], [r6, r7, r8]] = turned;
  const [ox, oy, oz] = offset;
  // The field rarely leaves ±3; clamping keeps the bounding box honest.
  const outermost = 1 + 3 * amplitude;
  const innermost = Math.max(1 - 3 * amplitude, 0.25);
  const half = [0, 1, 2].map((i) => outermost * Math.hypot(turned[0][i] * a, turned[1][i] * b, turned[2][i] * c));
  return {
    low: [centre[0] - half[0], centre[1] - half[1], centre[2] - half[2]],
    high: [centre[0] + half[0], centre[1] + half[1], centre[2] + half[2]],
    row(x, y, z, stepMm, count, mm) {
      const py = y - centre[1];
      const pz = z - centre[2];
      for (let i = 0; i < count; i++) {
        const px = x + i * stepMm - centre[0];
        const ux = (r0 * px + r1 * py + r2 * pz) / a;
        const uy = (r3 * px + r4 * py + r5 * pz) / b;
        const uz = (r6 * px + r7 * py + r8 * pz) / c;
        const level = Math.sqrt(ux * ux + uy * uy + uz * uz) + 1e-6;
        const gx = ux / a;
        const gy = uy / b;
        const gz = uz / c;
        const mmPerLevel = level / (Math.sqrt(gx * gx + gy * gy + gz * gz) + 1e-9);
        const outside = (level - outermost) * mmPerLevel;
        // Far from the surface a bound will do; near it the bumps count.
        if (outside > 2) {
          mm[i] = outside;
          continue;
        }
        const k = frequency / level;
        const star = 1 + amplitude * sampleField(field, ux * k + ox, uy * k + oy, uz * k + oz);
        mm[i] = (level - Math.min(Math.max(star, innermost), outermost)) * mmPerLevel;
      }
    },
  };
}

/** Half-space beyond `offsetMm` along the unit vector `normal`, its boundary waving by ± `waveMm` over `lengthMm`. */
export function wall(normal: Vec3, offsetMm: number, field: Field, waveMm: number, lengthMm: number): Body {
  const [nx, ny, nz] = normal;
  return {
    ...EVERYWHERE,
    row(x, y, z, stepMm, count, mm) {
      for (let i = 0; i < count; i++) {
        const px = x + i * stepMm;
        const flat = offsetMm - (nx * px + ny * y + nz * z);
        mm[i] =
          Math.abs(flat) > 4 * waveMm + 2
            ? flat
            : flat + waveMm * sampleField(field, px / lengthMm, y / lengthMm + 9.3, z / lengthMm + 4.7);
      }
    },
  };
}

/** Cone with round ends between two points: a piece of a vessel. */
export function capsule(from: Vec3, to: Vec3, fromRadiusMm: number, toRadiusMm: number): Body {
  const [ax, ay, az] = from;
  const [bx, by, bz] = [to[0] - ax, to[1] - ay, to[2] - az];
  const squared = bx * bx + by * by + bz * bz || 1e-9;
  const radius = Math.max(fromRadiusMm, toRadiusMm);
  return {
    low: [Math.min(ax, to[0]) - radius, Math.min(ay, to[1]) - radius, Math.min(az, to[2]) - radius],
    high: [Math.max(ax, to[0]) + radius, Math.max(ay, to[1]) + radius, Math.max(az, to[2]) + radius],
    row(x, y, z, stepMm, count, mm) {
      const py = y - ay;
      const pz = z - az;
      for (let i = 0; i < count; i++) {
        const px = x + i * stepMm - ax;
        const t = Math.min(Math.max((px * bx + py * by + pz * bz) / squared, 0), 1);
        const dx = px - t * bx;
        const dy = py - t * by;
        const dz = pz - t * bz;
        mm[i] = Math.sqrt(dx * dx + dy * dy + dz * dz) - (fromRadiusMm + t * (toRadiusMm - fromRadiusMm));
      }
    },
  };
}

/** The body with `byMm` taken off all round: what lies within a wall or a cortex. */
export function shrunk(body: Body, byMm: number): Body {
  return {
    low: [body.low[0] + byMm, body.low[1] + byMm, body.low[2] + byMm],
    high: [body.high[0] - byMm, body.high[1] - byMm, body.high[2] - byMm],
    row(x, y, z, stepMm, count, mm) {
      body.row(x, y, z, stepMm, count, mm);
      for (let i = 0; i < count; i++) mm[i] += byMm;
    },
  };
}

/** What is left of a body where another one cuts it. */
export function without(body: Body, cut: Body): Body {
  return combined(body, cut, (d, e) => Math.max(d, -e), { low: body.low, high: body.high });
}

/** Union whose joint is rounded over `jointMm` (polynomial smooth minimum). */
export function merged(body: Body, other: Body, jointMm: number): Body {
  const smooth = (d: number, e: number): number => {
    const near = Math.max(jointMm - Math.abs(d - e), 0) / jointMm;
    return Math.min(d, e) - (near * near * jointMm) / 4;
  };
  const low = body.low.map((l, a) => Math.min(l, other.low[a]) - jointMm / 4) as unknown as Vec3;
  const high = body.high.map((h, a) => Math.max(h, other.high[a]) + jointMm / 4) as unknown as Vec3;
  return combined(body, other, smooth, { low, high });
}

function combined(body: Body, other: Body, of: (d: number, e: number) => number, box: Pick<Body, "low" | "high">): Body {
  let second = new Float64Array(0);
  return {
    ...box,
    row(x, y, z, stepMm, count, mm) {
      if (second.length < count) second = new Float64Array(count);
      body.row(x, y, z, stepMm, count, mm);
      other.row(x, y, z, stepMm, count, second);
      for (let i = 0; i < count; i++) mm[i] = of(mm[i], second[i]);
    },
  };
}

/** The section at z moved by `slant` × z + `bow` × z² in the plane. */
export function bent(body: Body, slant: readonly [number, number], bow: readonly [number, number]): Body {
  const shift = (axis: 0 | 1, z: number): number => (slant[axis] + bow[axis] * z) * z;
  const far = Math.max(Math.abs(body.low[2]), Math.abs(body.high[2]));
  const most = [0, 1].map((a) => Math.abs(slant[a]) * far + Math.abs(bow[a]) * far * far);
  return {
    low: [body.low[0] - most[0], body.low[1] - most[1], body.low[2]],
    high: [body.high[0] + most[0], body.high[1] + most[1], body.high[2]],
    row: (x, y, z, stepMm, count, mm) => body.row(x - shift(0, z), y - shift(1, z), z, stepMm, count, mm),
  };
}

/** The body enlarged by `factor` about the origin. */
export function scaled(body: Body, factor: number): Body {
  return {
    low: [body.low[0] * factor, body.low[1] * factor, body.low[2] * factor],
    high: [body.high[0] * factor, body.high[1] * factor, body.high[2] * factor],
    row(x, y, z, stepMm, count, mm) {
      body.row(x / factor, y / factor, z / factor, stepMm / factor, count, mm);
      for (let i = 0; i < count; i++) mm[i] *= factor;
    },
  };
}

/** The same body in the smallest box that holds it, up to a coarse scan; undefined where it is empty. */
export function tightened(body: Body): Body | undefined {
  const steps = 26;
  const step = body.low.map((l, a) => (body.high[a] - l) / steps);
  const near = 0.6 * Math.hypot(...step);
  const row = new Float64Array(steps + 1);
  const first = [steps + 1, steps + 1, steps + 1];
  const last = [-1, -1, -1];
  for (let k = 0; k <= steps; k++) {
    for (let j = 0; j <= steps; j++) {
      body.row(body.low[0], body.low[1] + j * step[1], body.low[2] + k * step[2], step[0], steps + 1, row);
      for (let i = 0; i <= steps; i++) {
        if (row[i] > near) continue;
        const at = [i, j, k];
        for (let a = 0; a < 3; a++) {
          first[a] = Math.min(first[a], at[a]);
          last[a] = Math.max(last[a], at[a]);
        }
      }
    }
  }
  if (last[0] < 0) return undefined;
  const bound = (a: number, n: number): number => body.low[a] + Math.min(Math.max(n, 0), steps) * step[a];
  return {
    ...body,
    low: [bound(0, first[0] - 1), bound(1, first[1] - 1), bound(2, first[2] - 1)],
    high: [bound(0, last[0] + 1), bound(1, last[1] + 1), bound(2, last[2] + 1)],
  };
}

/** Distance in mm from the point (0, 0, `z0`) to the outermost surface along the unit vector; 0 if the ray meets none. */
export function reachMm(body: Body, [dx, dy, dz]: Vec3, z0 = 0): number {
  const farthest = Math.hypot(...body.low.map((l, a) => Math.max(Math.abs(l), Math.abs(body.high[a]))));
  const step = farthest / 48;
  for (let i = 47; i >= 0; i--) {
    const r = i * step;
    const d = distanceMm(body, [dx * r, dy * r, z0 + dz * r]);
    if (d <= 0) return r + Math.min(-d, step);
  }
  return 0;
}
