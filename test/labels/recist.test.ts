import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { InputError } from "../../methods/inputError.ts";
import {
  boundingBox,
  centreOf,
  type Diameters,
  endPoints,
  intersection,
  lengthMm,
  oddityOf,
  type Point,
  projectDiameters,
  type RecistMarks,
  validateMarks,
} from "../../methods/labels/recist.ts";

const cross: Diameters = {
  long: [
    [0, 10],
    [40, 10],
  ],
  short: [
    [30, 0],
    [30, 20],
  ],
};

describe("the intersection", () => {
  it("is where the lines cross, also beyond the end points", () => {
    expect(intersection(cross)).toEqual([30, 10]);
    expect(
      intersection({
        long: [
          [0, 0],
          [10, 10],
        ],
        short: [
          [20, 0],
          [18, 2],
        ],
      }),
    ).toEqual([10, 10]);
  });

  it("is the mean of the end points where the axes are parallel or have no direction", () => {
    expect(
      intersection({
        long: [
          [0, 0],
          [8, 0],
        ],
        short: [
          [2, 4],
          [6, 4],
        ],
      }),
    ).toEqual([4, 2]);
    expect(
      intersection({
        long: [
          [0, 0],
          [8, 0],
        ],
        short: [
          [4, 4],
          [4, 4],
        ],
      }),
    ).toEqual([4, 2]);
  });
});

it("the tight box and its centre", () => {
  expect(boundingBox(cross)).toEqual({ low: [0, 0], high: [40, 20] });
  expect(centreOf(cross)).toEqual([20, 10]);
});

describe("3D RECIST estimation", () => {
  it("shrinks a long axis of 40 mm by 0.8 twelve mm away (3-4-5), towards the fixed intersection", () => {
    const projected = projectDiameters(cross, 12, [1, 1, 5])!;
    const expected = [
      [6, 10],
      [38, 10],
      [30, 2],
      [30, 18],
    ];
    endPoints(projected).forEach((point, i) => point.forEach((value, axis) => expect(value).toBeCloseTo(expected[i][axis], 12)));
  });

  it("takes lengths in mm: half the spacing, half the reach", () => {
    expect(projectDiameters(cross, 10, [0.5, 0.5, 5])).toBeNull();
    expect(projectDiameters(cross, 9.99, [0.5, 0.5, 5])).not.toBeNull();
  });

  it("ends where |dz| = L/2, on either side, whatever the variant", () => {
    for (const variant of ["long-axis", "each-axis", "each-end-point"] as const) {
      expect(projectDiameters(cross, 20, [1, 1, 1], variant)).toBeNull();
      expect(projectDiameters(cross, -20, [1, 1, 1], variant)).toBeNull();
      expect(projectDiameters(cross, -19, [1, 1, 1], variant)).toEqual(projectDiameters(cross, 19, [1, 1, 1], variant));
    }
  });

  it("each-axis shrinks the short axis by its own half length; it vanishes in the intersection", () => {
    const near = projectDiameters(cross, 6, [1, 1, 1], "each-axis")!;
    expect(lengthMm(near.short, [1, 1, 1])).toBeCloseTo(2 * 8, 12);
    expect(lengthMm(near.long, [1, 1, 1])).toBeCloseTo(2 * Math.sqrt(400 - 36), 12);
    expect(projectDiameters(cross, 12, [1, 1, 1], "each-axis")!.short).toEqual([
      [30, 10],
      [30, 10],
    ]);
  });

  it("each-end-point moves every end point on a sphere of its own around the intersection", () => {
    const projected = projectDiameters(cross, 6, [1, 1, 1], "each-end-point")!;
    expect(projected.long[0][0]).toBeCloseTo(30 - Math.sqrt(900 - 36), 12);
    expect(projected.long[1][0]).toBeCloseTo(30 + 8, 12);
  });

  const coordinate = fc.double({ min: -50, max: 50, noNaN: true });
  const point = fc.tuple(coordinate, coordinate) as fc.Arbitrary<Point>;
  test.prop([point, point, point, point, fc.double({ min: 0, max: 0.99, noNaN: true })])(
    "keeps the ratio of the axes",
    (a, b, c, d, part) => {
      const marks: Diameters = { long: [a, b], short: [c, d] };
      const long = lengthMm(marks.long, [1, 1, 1]);
      fc.pre(long > 1);
      const projected = projectDiameters(marks, (part * long) / 2, [1, 1, 1])!;
      const scale = Math.sqrt(1 - part * part);
      expect(lengthMm(projected.long, [1, 1, 1])).toBeCloseTo(scale * long, 4);
      expect(lengthMm(projected.short, [1, 1, 1])).toBeCloseTo(scale * lengthMm(marks.short, [1, 1, 1]), 4);
    },
  );

  it("is the marks themselves on the RECIST slice", () => {
    expect(projectDiameters(cross, 0, [1, 1, 1])).toEqual(cross);
  });
});

describe("marks that cannot be", () => {
  const grid = { dims: [50, 40, 9], spacingMm: [1, 1, 5] } as const;
  const marks: RecistMarks = { slice: 3, ...cross };

  it.each<[string, Partial<RecistMarks>, string]>([
    ["a slice beyond the last", { slice: 9 }, "slice 9 is not in the image, which has slices 0 to 8"],
    ["a slice that is no integer", { slice: 2.5 }, "slice 2.5"],
    ["a negative slice", { slice: -1 }, "slice -1"],
    [
      "an end point off the image",
      {
        long: [
          [0, 10],
          [50, 10],
        ],
      },
      "the long axis ends at (50, 10), outside the image of 50 × 40 pixels",
    ],
    [
      "an end point above the image",
      {
        short: [
          [30, -0.6],
          [30, 20],
        ],
      },
      "the short axis ends at (30, -0.6)",
    ],
    [
      "a coordinate that is no number",
      {
        short: [
          [30, Number.NaN],
          [30, 20],
        ],
      },
      "the short axis has an end point (30, NaN)",
    ],
    [
      "an axis without length",
      {
        long: [
          [4, 4],
          [4, 4],
        ],
      },
      "the long axis has no length",
    ],
  ])("%s", (_, wrong, message) => {
    const check = (): RecistMarks => validateMarks({ ...marks, ...wrong }, grid, "marks.json: lesion a");
    expect(check).toThrow(InputError);
    expect(check).toThrow(`marks.json: lesion a: `);
    expect(check).toThrow(message);
  });

  it("are not those on the image's outermost pixel edges", () => {
    const edge: RecistMarks = {
      slice: 8,
      long: [
        [-0.5, 39.5],
        [49.5, 39.5],
      ],
      short: [
        [20, 20],
        [20, 39.5],
      ],
    };
    expect(validateMarks(edge, grid)).toBe(edge);
  });

  it("are not those with the axes the other way round: the longer in mm becomes the long one", () => {
    expect(validateMarks({ slice: 3, long: cross.short, short: cross.long }, grid)).toEqual(marks);
    const tall: RecistMarks = {
      slice: 0,
      long: [
        [0, 0],
        [20, 0],
      ],
      short: [
        [10, 0],
        [10, 15],
      ],
    };
    expect(validateMarks(tall, { ...grid, spacingMm: [1, 2, 5] }).long).toEqual(tall.short);
  });
});

describe("the oddity of marks", () => {
  const odd = (short: Diameters["short"], spacingMm: readonly [number, number, number] = [1, 1, 3]) =>
    oddityOf({ long: cross.long, short }, spacingMm);

  it("is none where the diameters cross, or miss each other by a little", () => {
    expect(odd(cross.short)).toBeUndefined();
    expect(
      odd([
        [42, 2],
        [42, 18],
      ]),
    ).toBeUndefined();
  });

  it("tells of diameters beside each other, and of an acute angle, in millimetres", () => {
    expect(
      odd([
        [60, 0],
        [60, 20],
      ]),
    ).toMatch(/do not cross/);
    expect(
      odd([
        [20, 30],
        [20, 50],
      ]),
    ).toMatch(/do not cross/);
    expect(
      odd([
        [0, 0],
        [40, 20],
      ]),
    ).toMatch(/meet at 27°/);
    expect(
      odd(
        [
          [0, 0],
          [40, 20],
        ],
        [1, 3, 3],
      ),
    ).toBeUndefined();
    expect(
      odd([
        [0, 12],
        [40, 12],
      ]),
    ).toMatch(/meet at 0°/);
  });
});
