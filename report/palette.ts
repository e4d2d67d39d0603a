type Rgb = readonly [number, number, number];

/** Colours of the gallery: trimap as in the paper's Fig. 3 (FG red, PFG orange, PBG green, BG blue). */
export const galleryColours = {
  foreground: [214, 48, 49],
  probableForeground: [240, 147, 43],
  probableBackground: [46, 174, 96],
  background: [52, 101, 205],
  marks: [255, 221, 51],
  mask: [255, 64, 64],
  truth: [64, 224, 96],
} as const satisfies Record<string, Rgb>;
