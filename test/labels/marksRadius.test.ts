import { fc, it } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { marksRadius } from "../../methods/labels/marksRadius.ts";
import { type Diameters, endPoints, intersection } from "../../methods/labels/recist.ts";

const part = fc.double({ min: 3, max: 40, noNaN: true });
/** Axes that cross inside both, at 50 to 130 degrees. */
const crossing = fc
  .record({
    x: fc.double({ min: -100, max: 100, noNaN: true }),
    y: fc.double({ min: -100, max: 100, noNaN: true }),
    angle: fc.double({ min: 0, max: 6.3, noNaN: true }),
    between: fc.double({ min: 0.9, max: 2.25, noNaN: true }),
    parts: fc.tuple(part, part, part, part),
  })
  .map(({ x, y, angle, between, parts: [a, b, c, d] }): Diameters => {
    const at = (length: number, direction: number): [number, number] => [
      x + length * Math.cos(direction),
      y + length * Math.sin(direction),
    ];
    return {
      long: [at(-a, angle), at(b, angle)],
      short: [at(-c, angle + between), at(d, angle + between)],
    };
  });

describe("the marks' radius", () => {
  it.prop([crossing])("is 0 in the intersection and 1 in the four end points", (marks) => {
    const radius = marksRadius(marks);
    const [ox, oy] = intersection(marks);
    expect(radius(ox, oy)).toBeCloseTo(0, 9);
    for (const [x, y] of endPoints(marks)) expect(radius(x, y)).toBeCloseTo(1, 6);
  });

  it.prop([crossing, fc.double({ min: -50, max: 50, noNaN: true }), fc.double({ min: -50, max: 50, noNaN: true })])(
    "grows linearly along every ray, and does not depend on the direction in which an axis was drawn",
    (marks, dx, dy) => {
      const radius = marksRadius(marks);
      const [ox, oy] = intersection(marks);
      expect(radius(ox + 2 * dx, oy + 2 * dy)).toBeCloseTo(2 * radius(ox + dx, oy + dy), 6);
      const turned = marksRadius({ long: [marks.long[1], marks.long[0]], short: [marks.short[1], marks.short[0]] });
      expect(turned(ox + dx, oy + dy)).toBeCloseTo(radius(ox + dx, oy + dy), 6);
    },
  );

  it("is the distance in half axes where the axes halve each other at a right angle", () => {
    const radius = marksRadius({
      long: [
        [10, 20],
        [30, 20],
      ],
      short: [
        [20, 15],
        [20, 25],
      ],
    });
    expect(radius(25, 22.5)).toBeCloseTo(Math.hypot(0.5, 0.5), 12);
    expect(radius(20, 30)).toBeCloseTo(2, 12);
  });

  it.each([
    [
      "without a short axis",
      {
        long: [
          [0, 0],
          [8, 0],
        ],
        short: [
          [4, 0],
          [4, 0],
        ],
      },
    ],
    [
      "with parallel axes",
      {
        long: [
          [0, 0],
          [8, 0],
        ],
        short: [
          [2, 1],
          [6, 1],
        ],
      },
    ],
    [
      "in one point",
      {
        long: [
          [4, 4],
          [4, 4],
        ],
        short: [
          [4, 4],
          [4, 4],
        ],
      },
    ],
  ] as [string, Diameters][])("stays finite for marks %s", (_, marks) => {
    const radius = marksRadius(marks);
    for (const [x, y] of [
      [0, 0],
      [4, 3],
      [9, 9],
    ])
      expect(Number.isFinite(radius(x, y))).toBe(true);
  });
});
