import { largestComponent } from "../imaging/components.ts";
import { type Grid, type Mask, scalingAffine, type Vec3, type Volume } from "../imaging/volume.ts";
import { rangeOfMask } from "../imaging/voxelRange.ts";
import { InputError } from "../inputError.ts";
import { lengthMm, type RecistMarks } from "../labels/recist.ts";
import { type Random, randomStream } from "../random.ts";
import type { LesionCase, LesionSource } from "./lesionCase.ts";
import { lesionRange, marksInRange } from "./lesionCrop.ts";
import { type PhantomCategory, scenes } from "./phantom/anatomy.ts";
import { type Body, tightened, without } from "./phantom/body.ts";
import { type Field, randomField, sampleField } from "./phantom/field.ts";
import { lesionBody } from "./phantom/lesion.ts";
import { addNoise, type Kernel } from "./phantom/noise.ts";
import { coverage, type Layer, paint, paintLesion, type Scene } from "./phantom/scene.ts";
import { marksOfMask, withNoise } from "./simulatedMarks.ts";

export const phantomCategories = Object.keys(scenes) as readonly PhantomCategory[];

const LONG_MM = [8, 70] as const;
/** A lesion shorter than this on its RECIST slice is drawn again: nobody would have marked it. */
const SHORTEST_PX = 8;
/** Slices are averaged from layers no further apart than this. */
const LAYER_MM = 1;
/** One unit of the texture field; its grain is about two units. */
const TEXTURE_MM = 1.6;
const PATIENT_BLOCK = 6;
const SCAN_VOXELS = 2048;

export interface PhantomOptions {
  readonly seed: number;
  /** Number of the lesion, from 0. Equal (seed, index, options) give equal voxels. */
  readonly index: number;
  /** Default: any eight lesions 8n … 8n + 7 have the eight categories. */
  readonly category?: PhantomCategory;
  /** Shortest and longest of the long diameters that are aimed at, mm; log-uniform between them. Default 8 to 70. */
  readonly longMm?: readonly [number, number];
  /** Distance = thickness of the slices in mm. Default: 5 or 1, at `thickFraction`. */
  readonly sliceMm?: number;
  /** Part of the lesions that has slices of 5 mm, the others have 1 mm. Default 0.6. */
  readonly thickFraction?: number;
  /** Each diameter is lengthened or shortened by a factor uniform in 1 ± this, about the marks' intersection. Default 0. */
  readonly markNoise?: number;
}

/**
 * A CT-like lesion with its true mask and the RECIST marks that a reader would have drawn.
 *
 * Tissue surfaces are functions in mm, painted in layers of at most 1 mm with the part of each pixel that they cover;
 * layers are averaged to slices (partial volume), blurred in the slice plane by the scanner's point spread, and given
 * noise with a CT's power spectrum. Reference = more than half of the voxel is lesion. Marks are measured in the
 * reference: the longest axis within two slices of the largest section decides (READINGS 13).
 *
 * @throws InputError where an option is out of range.
 */
export function synthesizeLesion(options: PhantomOptions): LesionCase {
  const { seed, index, thickFraction = 0.6, markNoise = 0, longMm = LONG_MM } = options;
  if (!Number.isInteger(index) || index < 0) throw new InputError(`phantom number ${index} is not a whole number from 0`);
  if (!(thickFraction >= 0 && thickFraction <= 1))
    throw new InputError(`thickFraction is ${thickFraction}`, undefined, "give a part between 0 and 1");
  if (!(markNoise >= 0 && markNoise < 1))
    throw new InputError(`markNoise is ${markNoise}`, undefined, "give a part from 0 to below 1, e.g. 0.2");
  if (options.sliceMm !== undefined && !(options.sliceMm > 0 && options.sliceMm <= 20))
    throw new InputError(`sliceMm is ${options.sliceMm}`, undefined, "give a slice thickness of up to 20 mm");
  if (!(longMm[0] >= 8 && longMm[0] <= longMm[1] && longMm[1] <= 200))
    throw new InputError(`longMm is ${longMm.join(" to ")}`, undefined, "give a range within 8 to 200 mm");
  const category = options.category ?? categoryOf(seed, index);
  if (!Object.hasOwn(scenes, category))
    throw new InputError(`no phantom of category "${category}"`, undefined, `one of ${phantomCategories.join(", ")}`);

  const patient = patientOf(seed, index);
  const scanner = scannerOf(seed, patient, category);
  const sliceMm = options.sliceMm ?? (isThick(seed, index, thickFraction) ? 5 : 1);
  const spacingMm: Vec3 = [scanner.pixelMm, scanner.pixelMm, sliceMm];
  for (let attempt = 0; ; attempt++) {
    const random = randomStream(seed, "phantom", index, attempt);
    const drawn = draw(random, category, spacingMm, longMm);
    if (drawn === undefined) continue;
    const { marks, mask, lattice, scene } = drawn;
    const grid: Grid = { dims: lattice.dims, spacingMm, affine: scalingAffine(spacingMm) };
    const image: Volume = { ...grid, data: render(random, drawn, scanner) };
    const reference: Mask = { ...grid, data: mask };
    const id = nameOf(index);
    return {
      id,
      patient: patientName(patient),
      category,
      marks: withNoise(marks, markNoise, seed, id),
      window: scene.window,
      image,
      reference,
      source: { series: id, origin: [0, 0, 0] },
      notes: [],
    };
  }
}

export interface PhantomSourceOptions extends Omit<PhantomOptions, "index"> {
  /** How many. */
  readonly lesions: number;
}

/** A data set of phantoms `phantom-00000` …, one to three lesions per patient. It needs no files. */
export function phantomSource({ lesions, ...options }: PhantomSourceOptions): LesionSource {
  if (!Number.isInteger(lesions) || lesions < 1)
    throw new InputError(`${lesions} phantom lesions are asked for`, undefined, "give a whole number from 1");
  return {
    entries: Array.from({ length: lesions }, (_, index) => ({
      id: nameOf(index),
      patient: patientName(patientOf(options.seed, index)),
      files: [],
    })),
    skipped: {},
    load: async (index) => synthesizeLesion({ ...options, index }),
  };
}

function nameOf(index: number): string {
  return `phantom-${String(index).padStart(5, "0")}`;
}

function patientName(patient: number): string {
  return `phantom-patient-${String(patient).padStart(5, "0")}`;
}

function categoryOf(seed: number, index: number): PhantomCategory {
  const n = phantomCategories.length;
  return phantomCategories[randomStream(seed, "phantom categories", Math.floor(index / n)).permutation(n)[index % n]];
}

/** Steps of the golden ratio spread thick slices evenly over the lesions, whatever their part. */
function isThick(seed: number, index: number, thickFraction: number): boolean {
  const start = randomStream(seed, "phantom slices").uniform();
  return (start + index * 0.6180339887498949) % 1 < thickFraction;
}

/** Blocks of six lesions are shared out among patients with one to three lesions each. */
function patientOf(seed: number, index: number): number {
  const block = Math.floor(index / PATIENT_BLOCK);
  const random = randomStream(seed, "phantom patients", block);
  let patient = block * PATIENT_BLOCK;
  for (let first = block * PATIENT_BLOCK; ; patient++) {
    first += 1 + random.integer(3);
    if (index < first) return patient;
  }
}

interface Scanner {
  readonly pixelMm: number;
  readonly blurMm: number;
  readonly kernel: Kernel;
  /** Noise in a slice of 5 mm; thinner slices have more. */
  readonly noiseHu: number;
}

function scannerOf(seed: number, patient: number, category: PhantomCategory): Scanner {
  const random = randomStream(seed, "phantom scanner", patient);
  const pixelMm = random.between(0.6, 0.9);
  const blurMm = random.between(0.5, 0.75);
  const noiseHu = random.between(8, 15);
  const sharp = category === "lung" || category === "bone" ? random.uniform() < 0.7 : random.uniform() < 0.1;
  return {
    pixelMm,
    kernel: sharp ? "sharp" : "soft",
    blurMm: sharp ? blurMm * 0.8 : blurMm,
    noiseHu: sharp ? noiseHu * 1.3 : noiseHu,
  };
}

/** Where voxels lie: voxel (i, j, k) of a grid of `dims` is at `origin` + (i, j, k) × spacing mm. */
interface Lattice {
  readonly dims: Vec3;
  readonly origin: Vec3;
  readonly spacingMm: Vec3;
}

/** The layers that a slice is averaged from: their number and z. */
function layersOf({ origin, spacingMm }: Lattice, k: number): number[] {
  const n = Math.ceil(spacingMm[2] / LAYER_MM);
  return Array.from({ length: n }, (_, i) => origin[2] + spacingMm[2] * (k + (i + 0.5) / n - 0.5));
}

interface Drawn {
  readonly field: Field;
  readonly scene: Scene;
  /** The lesion without what the scene cuts off it. */
  readonly body: Body;
  readonly longMm: number;
  readonly mask: Uint8Array;
  readonly marks: RecistMarks;
  readonly lattice: Lattice;
}

/** Draws a lesion and its scene, measures it, and finds its crop; undefined where nobody would have marked it. */
function draw(
  random: Random,
  category: PhantomCategory,
  spacingMm: Vec3,
  [shortest, longest]: readonly [number, number],
): Drawn | undefined {
  const field = randomField(random);
  const longMm = shortest * (longest / shortest) ** random.uniform();
  const lesion = lesionBody(random, field, longMm);
  const scene = scenes[category]({
    random,
    field,
    lesion,
    longMm,
    halfMm: 1.3 * longMm,
    halfDepthMm: Math.max(0.8 * longMm, 4 * spacingMm[2]),
  });
  const body = tightened(scene.edge ? without(lesion, scene.edge) : lesion);

  if (body === undefined) return undefined;
  const tight = latticeAround(body, spacingMm, [random.uniform(), random.uniform(), random.uniform()]);
  const solid = Uint8Array.from(fractions(body, tight), (part) => (part > 0.5 ? 1 : 0));
  const mask = largestComponent(solid, tight.dims, 26);
  const marks = marksOfMask({ ...tight, affine: scalingAffine(spacingMm), data: mask });
  if (marks === undefined) return undefined;
  const measuredMm = lengthMm(marks.long, spacingMm);
  const tooShort = lengthMm(marks.long, [1, 1, 1]) < SHORTEST_PX || measuredMm < 0.6 * longMm;
  const tooThin = lengthMm(marks.short, spacingMm) < 0.3 * measuredMm;
  if (tooShort || tooThin || measuredMm > 1.1 * longest) return undefined;
  return { field, body, scene, longMm: measuredMm, ...cropAround(tight, mask, marks) };
}

/** Voxel lattice around the body's box with a voxel to spare, shifted by `phase` (parts of a voxel). */
function latticeAround({ low, high }: Body, spacingMm: Vec3, phase: Vec3): Lattice {
  const first = low.map((l, a) => Math.floor(l / spacingMm[a]) - 1);
  const dims = first.map((f, a) => Math.ceil(high[a] / spacingMm[a]) + 2 - f) as unknown as Vec3;
  return { dims, origin: first.map((f, a) => (f + phase[a] - 0.5) * spacingMm[a]) as unknown as Vec3, spacingMm };
}

/** Part of every voxel that lies within the body. */
function fractions(body: Body, lattice: Lattice): Float32Array {
  const { dims, origin, spacingMm } = lattice;
  const [nx, ny, nz] = dims;
  const part = new Float32Array(nx * ny * nz);
  const mm = new Float64Array(nx);
  for (let k = 0; k < nz; k++) {
    const layers = layersOf(lattice, k);
    for (const z of layers) {
      for (let j = 0; j < ny; j++) {
        body.row(origin[0], origin[1] + j * spacingMm[1], z, spacingMm[0], nx, mm);
        const row = (k * ny + j) * nx;
        for (let i = 0; i < nx; i++) part[row + i] += coverage(mm[i], spacingMm[0]) / layers.length;
      }
    }
  }
  return part;
}

/** The tight lattice, its mask and the marks in it, brought to the grid that a case is delivered on. */
function cropAround(
  tight: Lattice,
  mask: Uint8Array,
  marks: RecistMarks,
): { lattice: Lattice; mask: Uint8Array; marks: RecistMarks } {
  // The lesion lies in the middle of an imaginary scan that is large enough for no crop to be clipped.
  const middle: Vec3 = [SCAN_VOXELS / 2, SCAN_VOXELS / 2, SCAN_VOXELS / 2];
  const inScan = marksInRange(marks, { start: [-middle[0], -middle[1], -middle[2]] });
  const lesion = rangeOfMask(mask, tight.dims);
  const reference = lesion && { start: plus(lesion.start, middle), end: plus(lesion.end, middle) };
  const range = lesionRange(inScan, tight.spacingMm, [SCAN_VOXELS, SCAN_VOXELS, SCAN_VOXELS], reference);
  const first = range.start.map((start, a) => start - middle[a]);
  const [nx, ny, nz] = range.end.map((end, a) => end - range.start[a]);
  const whole = new Uint8Array(nx * ny * nz);
  const [width, height] = tight.dims;
  for (let v = 0; v < mask.length; v++) {
    if (mask[v] === 0) continue;
    const x = v % width;
    const y = ((v - x) / width) % height;
    const z = Math.floor(v / (width * height));
    whole[((z - first[2]) * ny + y - first[1]) * nx + x - first[0]] = 1;
  }
  return {
    lattice: {
      dims: [nx, ny, nz],
      origin: tight.origin.map((o, a) => o + first[a] * tight.spacingMm[a]) as unknown as Vec3,
      spacingMm: tight.spacingMm,
    },
    mask: whole,
    marks: marksInRange(inScan, range),
  };
}

function plus([ax, ay, az]: Vec3, [bx, by, bz]: Vec3): Vec3 {
  return [ax + bx, ay + by, az + bz];
}

/** The CT of a scene, HU, `[z, y, x]`. */
function render(random: Random, { field, scene, body, longMm, lattice }: Drawn, scanner: Scanner): Int16Array {
  const { dims, origin, spacingMm } = lattice;
  const [nx, ny, nz] = dims;
  const n = nx * ny;
  const image = new Int16Array(n * nz);
  const slice = { hu: new Float32Array(n), textureHu: new Float32Array(n), lesion: new Float32Array(n) };
  const layer: Layer = {
    hu: new Float32Array(n),
    textureHu: new Float32Array(n),
    lesion: new Float32Array(n),
    width: nx,
    height: ny,
    x0: origin[0],
    y0: origin[1],
    z: 0,
    pixelMm: spacingMm[0],
  };
  const noiseHu = Math.min(scanner.noiseHu * Math.min(Math.sqrt(5 / spacingMm[2]), 1.7), 25);
  const streak = random.uniform() < 0.12 ? streaks(random) : undefined;
  const [ox, oy, oz] = [random.between(0, 32), random.between(0, 32), random.between(0, 32)];
  const patchMm = Math.max(longMm / 9, 1.5);
  for (let k = 0; k < nz; k++) {
    for (const sum of Object.values(slice)) sum.fill(0);
    const zs = layersOf(lattice, k);
    for (const z of zs) {
      const at: Layer = { ...layer, z };
      at.hu.fill(scene.base.hu);
      at.textureHu.fill(scene.base.textureHu);
      for (const tissue of scene.under) paint(at, tissue);
      paintLesion(at, body, scene.lesion);
      for (const tissue of scene.over) paint(at, tissue);
      add(slice.hu, at.hu, 1 / zs.length);
      add(slice.textureHu, at.textureHu, 1 / zs.length);
      add(slice.lesion, at.lesion, 1 / zs.length);
    }
    const z = origin[2] + k * spacingMm[2];
    addTexture(slice.hu, slice.textureHu, field, 1 / TEXTURE_MM, lattice, [ox, oy, z / TEXTURE_MM + oz]);
    addTexture(slice.hu, slice.lesion, field, 1 / patchMm, lattice, [-ox, -oy, z / patchMm - oz], scene.lesion.patchesHu);
    blur(slice.hu, nx, ny, scanner.blurMm / spacingMm[0]);
    addNoise(slice.hu, nx, scanner.kernel, noiseHu, random);
    if (streak) streak(slice.hu, nx, 1 + 0.5 * random.normal());
    for (let i = 0; i < n; i++) image[k * n + i] = Math.min(Math.max(Math.round(slice.hu[i]), -1024), 3071);
  }
  return image;
}

function add(sum: Float32Array, term: Float32Array, weight: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] += weight * term[i];
}

/** Adds `gain` × `amplitude` × field to a slice; `perMm` field units per mm, the third of `offset` is the slice's. */
function addTexture(
  hu: Float32Array,
  amplitude: Float32Array,
  field: Field,
  perMm: number,
  { dims, origin, spacingMm }: Lattice,
  offset: Vec3,
  gain = 1,
): void {
  for (let j = 0, i = 0; j < dims[1]; j++) {
    const y = (origin[1] + j * spacingMm[1]) * perMm + offset[1];
    for (let c = 0; c < dims[0]; c++, i++) {
      if (amplitude[i] > 0)
        hu[i] += gain * amplitude[i] * sampleField(field, (origin[0] + c * spacingMm[0]) * perMm + offset[0], y, offset[2]);
    }
  }
}

/** In-plane Gaussian, edges repeated. */
function blur(slice: Float32Array, width: number, height: number, sigmaPx: number): void {
  const radius = Math.ceil(3 * sigmaPx);
  const weights = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp(-0.5 * (i / sigmaPx) ** 2));
  const total = weights.reduce((sum, w) => sum + 2 * w, -weights[0]);
  const along = (lines: number, length: number, lineStep: number, step: number): void => {
    const line = new Float32Array(length + 2 * radius);
    for (let l = 0; l < lines; l++) {
      for (let i = 0; i < line.length; i++) line[i] = slice[l * lineStep + Math.min(Math.max(i - radius, 0), length - 1) * step];
      for (let i = 0; i < length; i++) {
        let sum = weights[0] * line[i + radius];
        for (let r = 1; r <= radius; r++) sum += weights[r] * (line[i + radius - r] + line[i + radius + r]);
        slice[l * lineStep + i * step] = sum / total;
      }
    }
  };
  along(height, width, width, 1);
  along(width, height, 1, width);
}

/** Dark and bright rays from something dense off the picture. */
function streaks(random: Random): (slice: Float32Array, width: number, strength: number) => void {
  const rays = Array.from({ length: 6 + random.integer(6) }, () => ({
    angle: random.between(0, Math.PI / 2),
    width: random.between(0.004, 0.012),
    hu: 14 * random.normal(),
  }));
  return (slice, width, strength) => {
    for (const { angle, width: half, hu } of rays) {
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      for (let i = 0; i < slice.length; i++) {
        // The rays fan out from a point beyond the corner at pixel (−40, −40).
        const [x, y] = [(i % width) + 40, Math.floor(i / width) + 40];
        const off = (x * s - y * c) / (x * c + y * s);
        if (Math.abs(off) < 3 * half) slice[i] += strength * hu * Math.exp(-0.5 * (off / half) ** 2);
      }
    }
  };
}
