import { describe, expect, it } from "vitest";
import { planeOf, sliceEnds } from "../../methods/imaging/plane.ts";

const dims = [4, 4, 11] as const;
const axial = [-0.5, 0, 0, 12, 0, -0.5, 0, -30, 0, 0, 2.5, -410, 0, 0, 0, 1];
const coronal = [-0.5, 0, 0, 12, 0, 0, 3, -30, 0, 0.5, 0, -410, 0, 0, 0, 1];
const sagittal = [0, 0, 3, 12, 0.5, 0, 0, -30, 0, 0.5, 0, -410, 0, 0, 0, 1];

describe("the plane of slices", () => {
  it("is the nearest one", () => {
    expect([axial, coronal, sagittal].map((affine) => planeOf({ affine }))).toEqual(["axial", "coronal", "sagittal"]);
    const oblique = [-0.5, 0, 0, 12, 0, -0.4, 1, -30, 0, 0.3, 2.3, -410, 0, 0, 0, 1];
    expect(planeOf({ affine: oblique })).toBe("axial");
  });

  it("has its ends where DICOM's positions are: x to the left, y to the back", () => {
    expect(sliceEnds({ affine: axial, dims })).toEqual({ axis: "z", endsMm: [-410, -385] });
    expect(sliceEnds({ affine: coronal, dims })).toEqual({ axis: "y", endsMm: [30, 0] });
    expect(sliceEnds({ affine: sagittal, dims })).toEqual({ axis: "x", endsMm: [-12, -42] });
  });
});
