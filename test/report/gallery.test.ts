import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import type { Slice } from "../../methods/imaging/volume.ts";
import { Region } from "../../methods/labels/trimap.ts";
import { chooseGallery, chooseUnmeasured, galleryPanels } from "../../report/gallery.ts";
import { galleryColours } from "../../report/palette.ts";
import { greyRaster, line, outline, rasterPng } from "../../report/raster.ts";

const slice = (width: number, ...values: number[]): Slice<Uint8Array> => ({
  data: Uint8Array.from(values),
  width,
  height: values.length / width,
});

describe("raster", () => {
  it("shows HU through the window, every pixel as a square", () => {
    const image = { data: Float32Array.of(-160, 240, 40, 900), width: 2, height: 2 };
    const raster = greyRaster(image, { low: -160, high: 240 }, 2);
    const grey = Array.from({ length: 16 }, (_, i) => raster.data[3 * i]);
    expect(grey).toEqual([0, 0, 255, 255, 0, 0, 255, 255, 128, 128, 255, 255, 128, 128, 255, 255]);
  });

  it("outlines a mask along its own edge pixels", () => {
    const raster = greyRaster(slice(3, ...new Array<number>(9).fill(0)), { low: 0, high: 1 }, 5);
    outline(raster, slice(3, 0, 0, 0, 0, 1, 0, 0, 0, 0), [255, 0, 0]);
    const red = Array.from({ length: 225 }, (_, i) => raster.data[3 * i]).flatMap((v, i) =>
      v > 0 ? [[i % 15, Math.floor(i / 15)]] : [],
    );
    expect(red).toHaveLength(24); // the 5 × 5 square but its middle: the rim is two wide
    expect(red.every(([x, y]) => x >= 5 && x < 10 && y >= 5 && y < 10)).toBe(true);
  });

  it("draws a line through the pixels' centres", () => {
    const raster = greyRaster(slice(4, ...new Array<number>(16).fill(0)), { low: 0, high: 1 }, 9);
    line(raster, [0, 1], [3, 1], [255, 255, 0], 1);
    const lit = Array.from({ length: 36 * 36 }, (_, i) => raster.data[3 * i] === 255 && Math.floor(i / 36)).filter(
      (row) => row !== false,
    );
    expect(new Set(lit)).toEqual(new Set([13])); // 1.5 × 9 = 13.5, the centre of row 13
    expect(lit.length).toBeGreaterThanOrEqual(27);
  });

  it("survives PNG", () => {
    const raster = greyRaster(slice(2, 1, 2, 3, 4), { low: 0, high: 5 }, 3);
    const { width, height, channels, data } = decode(rasterPng(raster));
    expect({ width, height, channels, data: [...data] }).toEqual({ width: 6, height: 6, channels: 3, data: [...raster.data] });
  });
});

describe("what is shown where nothing could be measured", () => {
  const lesions = ["a", "b", "c", "d", "e"].map((lesion) => ({ lesion, category: "liver" as const }));
  const shown = (perMethod: number): string[] =>
    chooseUnmeasured({ name: "WSSS", dimension: "3D", lesions }, perMethod).map(({ lesion }) => lesion);

  it("is spread over all lesions, each once", () => {
    expect(shown(2)).toEqual(["a", "c"]);
    expect(shown(3)).toEqual(["a", "b", "d"]);
    expect(shown(9)).toEqual(["a", "b", "c", "d", "e"]);
    expect(chooseUnmeasured({ name: "WSSS", dimension: "3D", lesions: [] }, 3)).toEqual([]);
  });

  it("has no score and no rank", () => {
    expect(chooseUnmeasured({ name: "WSSS", dimension: "3D", lesions }, 1)).toEqual([
      { method: "WSSS", dimension: "3D", lesion: "a", category: "liver", dice: null, rank: null, title: "WSSS 3D" },
    ]);
  });
});

describe("gallery panels", () => {
  const side = 20;
  const blank = slice(side, ...new Array<number>(side * side).fill(0));
  const mask = slice(
    side,
    ...Array.from({ length: side * side }, (_, i) =>
      Math.abs((i % side) - 10) <= 3 && Math.abs(Math.floor(i / side) - 10) <= 3 ? 1 : 0,
    ),
  );
  const trimap = slice(
    side,
    ...Array.from(
      { length: side * side },
      (_, i) =>
        [Region.foreground, Region.probableForeground, Region.probableBackground, Region.background][
          Math.min(3, Math.floor(Math.abs((i % side) - 10) / 2))
        ],
    ),
  );
  const black = { image: blank, window: { low: 0, high: 1 } };

  it("show what there is", () => {
    const labels = (panels: readonly { label: string }[]): string[] => panels.map((p) => p.label);
    expect(labels(galleryPanels({ ...black, prediction: mask }))).toEqual(["image", "mask"]);
    expect(
      labels(
        galleryPanels({
          ...black,
          prediction: blank,
          reference: mask,
          trimap,
          marks: {
            long: [
              [7, 10],
              [13, 10],
            ],
            short: [
              [10, 7],
              [10, 13],
            ],
          },
        }),
      ),
    ).toEqual(["image", "marks", "trimap", "mask: empty on this slice", "truth (dashed) and mask"]);
  });

  it("colour the trimap as Fig. 3: FG red, PFG orange, PBG green, BG blue", () => {
    const panel = galleryPanels({ ...black, prediction: mask, trimap }).find((p) => p.label === "trimap");
    const picture = decode(panel?.png as Uint8Array);
    const tints = new Set(
      Array.from({ length: picture.width }, (_, x) =>
        [...picture.data.slice(3 * (picture.width * 9 + x), 3 * (picture.width * 9 + x) + 3)].join(),
      ),
    );
    const { foreground, probableForeground, probableBackground, background } = galleryColours;
    expect(tints).toEqual(
      new Set(
        [background, probableBackground, probableForeground, foreground].map((c) => c.map((v) => Math.round(v * 0.55)).join()),
      ),
    );
  });

  it("hold the whole mask in view, however far from the marks it runs", () => {
    const far = slice(side, ...Array.from({ length: side * side }, (_, i) => (i === 0 || i === side * side - 1 ? 1 : 0)));
    const [image] = galleryPanels({
      ...black,
      prediction: far,
      marks: {
        long: [
          [9, 10],
          [11, 10],
        ],
        short: [
          [10, 9],
          [10, 11],
        ],
      },
    });
    const { width, height } = decode(image.png);
    expect([width % side, height % side]).toEqual([0, 0]);
  });

  it("do not depend on anything but their input", () => {
    expect(galleryPanels({ ...black, prediction: mask })).toEqual(galleryPanels({ ...black, prediction: mask }));
  });
});

describe("chooseGallery", () => {
  const scored = (name: string, ...dice: number[]): Parameters<typeof chooseGallery>[0][number] => ({
    name,
    dimension: "3D",
    scores: dice.map((d, i) => ({
      lesion: `l${i}`,
      category: "lung",
      columns: { dice: d },
    })),
  });

  it("takes the worst, the median and the best of every method", () => {
    const chosen = chooseGallery([scored("a", 0.9, 0.1, 0.5, 0.7, 0.6), scored("b", 0.2, 0.4, 0.3)], {
      worst: 1,
      median: 1,
      best: 1,
    });
    expect(chosen.map((c) => [c.title, c.lesion, c.dice])).toEqual([
      ["a 3D, worst", "l1", 0.1],
      ["a 3D, median", "l4", 0.6],
      ["a 3D, best", "l0", 0.9],
      ["b 3D, worst", "l0", 0.2],
      ["b 3D, median", "l2", 0.3],
      ["b 3D, best", "l1", 0.4],
    ]);
  });

  it("shows a lesion once per method, the worst ones in any case", () => {
    expect(chooseGallery([scored("a", 0.9, 0.1)], { worst: 2, median: 1, best: 1 }).map((c) => [c.lesion, c.rank])).toEqual([
      ["l1", "worst"],
      ["l0", "worst"],
    ]);
    expect(chooseGallery([scored("a")])).toEqual([]);
  });

  it("goes by id where scores are equal, whatever their order", () => {
    const a = scored("a", 0.5, 0.5, 0.5);
    expect(chooseGallery([{ ...a, scores: [...a.scores].reverse() }])).toEqual(chooseGallery([a]));
  });
});
