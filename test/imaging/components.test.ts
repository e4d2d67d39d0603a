import { describe, expect, it } from "vitest";
import { type Connectivity, componentAt, components, largestComponent } from "../../methods/imaging/components.ts";
import type { Vec3 } from "../../methods/imaging/volume.ts";

/** One voxel and the neighbours that differ from it in one, two and three coordinates: the classes of contact. */
const contact = (step: Vec3): number => {
  const mask = new Uint8Array(27);
  mask[13] = 1;
  mask[13 + step[0] + 3 * step[1] + 9 * step[2]] = 1;
  return [4, 8, 6, 18, 26].reduce(
    (bits, n, i) => bits | ((components(mask, [3, 3, 3], n as Connectivity).sizes.length === 1 ? 1 : 0) << i),
    0,
  );
};

describe("components", () => {
  it("joins faces, edges and corners as the connectivity says", () => {
    // bits: 4, 8, 6, 18, 26
    expect(contact([1, 0, 0])).toBe(0b11111);
    expect(contact([-1, 1, 0])).toBe(0b11010);
    expect(contact([0, 0, 1])).toBe(0b11100);
    expect(contact([0, -1, -1])).toBe(0b11000);
    expect(contact([1, 1, 1])).toBe(0b10000);
  });

  it("numbers components by their first voxel, counts them and does not wrap around rows", () => {
    const mask = Uint8Array.from([1, 0, 2, 0, 0, 1, 1, 0, 0]);
    const { labels, sizes } = components(mask, [3, 3, 1], 8);
    expect([...labels]).toEqual([1, 0, 2, 0, 0, 2, 3, 0, 0]);
    expect(sizes).toEqual([1, 2, 1]);
  });

  it("finds the largest and the one at a voxel", () => {
    const mask = Uint8Array.from([1, 0, 2, 0, 0, 1, 1, 0, 0]);
    expect([...largestComponent(mask, [3, 3, 1], 4)]).toEqual([0, 0, 1, 0, 0, 1, 0, 0, 0]);
    expect([...componentAt(mask, [3, 3, 1], 4, [0, 2, 0])]).toEqual([0, 0, 0, 0, 0, 0, 1, 0, 0]);
    expect([...componentAt(mask, [3, 3, 1], 4, [1, 1, 0])]).toEqual(Array(9).fill(0));
    expect([...largestComponent(new Uint8Array(4), [2, 2, 1], 4)]).toEqual([0, 0, 0, 0]);
    expect(() => componentAt(mask, [3, 3, 1], 4, [3, 0, 0])).toThrow(RangeError);
  });

  it("fills a large component without recursion", () => {
    const dims: Vec3 = [200, 200, 20];
    const { sizes } = components(new Uint8Array(200 * 200 * 20).fill(1), dims, 26);
    expect(sizes).toEqual([200 * 200 * 20]);
  });
});
