import type { Vec3 } from "../imaging/volume.ts";

/** Corners of the cube between eight voxels; the bit of corner (x, y, z) is x + 2y + 4z. */
const CORNERS = 8;

/**
 * Area of the surface between the eight voxels around a corner point, by which of them are inside (bit x + 2y + 4z):
 * the marching-cubes surface through the midpoints of the cube's edges (Lorensen and Cline 1987), in the unit of
 * `spacing` squared. Whichever side has fewer voxels gives the pieces, one for each group of voxels that are face
 * neighbours: a corner cut off, a bevelled edge, a bent step, a half, a tripod or a zigzag. Nikolov et al. 2018
 * (arXiv:1809.04430) weigh surface elements with the same areas.
 */
export function surfelAreas([sx, sy, sz]: Vec3): Float64Array {
  // the area that a unit normal along x, y, z stands for
  const sides: Vec3 = [sy * sz, sx * sz, sx * sy];
  return Float64Array.from({ length: 2 ** CORNERS }, (_, code) => {
    const inside = cornersOf(code);
    const fewer = 2 * inside.length <= CORNERS ? inside : cornersOf(code ^ 0xff);
    return faceConnected(fewer).reduce((area, group) => area + pieceArea(group, sides), 0);
  });
}

/**
 * Length of the outline between the four pixels around a corner point, by which of them are inside (bit x + 2y): the
 * two-dimensional case of `surfelAreas`, in the unit of `spacing`.
 */
export function outlineLengths([sx, sy]: Vec3): Float64Array {
  const diagonal = Math.hypot(sx, sy) / 2;
  return Float64Array.from({ length: 16 }, (_, code) => {
    if (code === 0 || code === 15) return 0;
    if (code === 0b0011 || code === 0b1100) return sx;
    if (code === 0b0101 || code === 0b1010) return sy;
    return code === 0b0110 || code === 0b1001 ? 2 * diagonal : diagonal;
  });
}

function cornersOf(code: number): number[] {
  return Array.from({ length: CORNERS }, (_, corner) => corner).filter((corner) => (code >> corner) & 1);
}

/** The axis along which two corners are neighbours (0 = x), or −1. */
function edgeAxis(a: number, b: number): number {
  return [1, 2, 4].indexOf(a ^ b);
}

function faceConnected(corners: readonly number[]): number[][] {
  const groups: number[][] = [];
  for (const corner of corners) {
    const touching = groups.filter((group) => group.some((other) => edgeAxis(corner, other) >= 0));
    for (const group of touching) groups.splice(groups.indexOf(group), 1);
    groups.push([corner, ...touching.flat()]);
  }
  return groups;
}

/** Triangles' areas, added up; at most four corners that are connected by edges. */
function pieceArea(group: readonly number[], [ax, ay, az]: Vec3): number {
  const cornerCut = Math.hypot(ax, ay, az) / 8;
  const bevel = (axis: number): number => {
    const [a, b] = [ax, ay, az].filter((_, other) => other !== axis);
    return Math.hypot(a, b) / 4;
  };
  const edges = group.flatMap((a, i) => group.slice(i + 1).map((b) => edgeAxis(a, b))).filter((axis) => axis >= 0);
  switch (group.length) {
    case 1:
      return cornerCut;
    case 2:
      return 2 * bevel(edges[0]);
    case 3:
      return [ax, ay, az][3 - edges[0] - edges[1]] / 2 + 3 * cornerCut;
  }
  if (edges.length === 4) return [ax, ay, az][3 - edges[0] - edges.find((axis) => axis !== edges[0])!];
  const distinct = new Set(edges).size === 3;
  const tripod = distinct && group.some((corner) => group.filter((other) => edgeAxis(corner, other) >= 0).length === 3);
  if (tripod) return 6 * cornerCut;
  const ends = group.filter((corner) => group.filter((other) => edgeAxis(corner, other) >= 0).length === 1);
  return 4 * cornerCut + ends.reduce((area, end) => area + bevel(edgeAxis(end, group.find((o) => edgeAxis(end, o) >= 0)!)), 0);
}
