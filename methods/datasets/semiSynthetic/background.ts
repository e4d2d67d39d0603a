import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { largestComponent } from "../../imaging/components.ts";
import { readNifti, readNiftiMask } from "../../imaging/nifti.ts";
import { checkSameGrid } from "../../imaging/sameGrid.ts";
import type { Grid, Vec3, Volume } from "../../imaging/volume.ts";
import { InputError } from "../../inputError.ts";

/** What surrounds a place: soft tissue, fat, or aerated lung. */
export const tissues = ["soft", "fat", "lung"] as const;
export type Tissue = (typeof tissues)[number];

/** The mean HU of 5 × 5 pixels that makes a place one of a tissue. */
const TISSUE_HU: Readonly<Record<Tissue, readonly [number, number]>> = {
  soft: [0, 120],
  fat: [-130, -50],
  lung: [-950, -650],
};
const NEIGHBOURHOOD_PX = 2;
/** Places are looked for at every so many pixels. */
const LATTICE_PX = 4;
/** A background has a tissue if there are this many places of it. */
const MINIMAL_PLACES = 200;
/** Between air and tissue. */
const BODY_HU = -300;
/** Forbidden masks are grown by so many pixels within their slices, and by a slice. */
const FORBIDDEN_MARGIN_PX = 3;

export const OUTSIDE = 0;
export const BODY = 1;
export const FORBIDDEN = 2;

/** A CT in which lesions may be put. */
export interface Background extends Grid {
  readonly name: string;
  /** HU, `[z, y, x]`. */
  readonly hu: Int16Array;
  /** OUTSIDE the body, BODY, or FORBIDDEN, `[z, y, x]`. */
  readonly zone: Uint8Array;
  /** Voxel numbers on a coarse lattice, by tissue; empty where the CT has hardly any of it. */
  readonly places: Readonly<Record<Tissue, Int32Array>>;
}

/** A background before it is read; paths relative to the root. */
export interface BackgroundFiles {
  readonly name: string;
  readonly image: string;
  readonly forbidden: readonly string[];
}

const NIFTI = /\.nii(\.gz)?$/i;
const MASK_NAME = /mask|gtv|tumou?r|lesion|forbidden|label|seg/i;
const FORBIDDEN_NAME = /gtv|tumou?r|lesion|forbidden/i;

/**
 * Lists the backgrounds of a folder: every folder in it holds one CT in NIfTI (`.nii`, `.nii.gz`) and any number of masks.
 * Masks called after a tumour, a GTV or a lesion, or `forbidden`, say where nothing may be put; others (organs) are not
 * read.
 *
 * @throws InputError where there is none, or a folder has several CTs.
 */
export async function listBackgrounds(root: string): Promise<BackgroundFiles[]> {
  const children = await readdir(root, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be listed (${error.code})`, root, "give a folder with one folder per CT", { cause: error });
  });
  const listed: BackgroundFiles[] = [];
  for (const child of children.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!child.isDirectory() && !child.isSymbolicLink()) continue;
    const inside = await readdir(path.join(root, child.name), { recursive: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOTDIR") return []; // a link to a file
      throw new InputError(`cannot be listed (${error.code})`, path.join(root, child.name), undefined, { cause: error });
    });
    const files = inside.map((file) => file.split(path.sep).join("/")).filter((file) => NIFTI.test(file));
    const images = files.filter((file) => !MASK_NAME.test(path.posix.basename(file)));
    if (images.length > 1)
      throw new InputError(
        `holds ${images.length} CTs: ${images.join(", ")}`,
        path.join(root, child.name),
        "keep one per folder",
      );
    if (images.length === 0) continue;
    const within = (file: string): string => `${child.name}/${file}`;
    const forbidden = files.filter((file) => file !== images[0] && FORBIDDEN_NAME.test(path.posix.basename(file)));
    listed.push({ name: child.name, image: within(images[0]), forbidden: forbidden.sort().map(within) });
  }
  if (listed.length === 0)
    throw new InputError("no folder in it holds a CT", root, "expected e.g. <case>/CT_image.nii.gz, with <case>/mask_GTV.nii.gz");
  return listed;
}

/** @throws InputError where a file cannot be read, a mask lies on another grid, or no body is seen. */
export async function readBackground(root: string, { name, image, forbidden }: BackgroundFiles): Promise<Background> {
  const imagePath = path.join(root, image);
  const volume = readNifti(await readFile(imagePath), imagePath);
  const masks = [];
  for (const file of forbidden) {
    const maskPath = path.join(root, file);
    const mask = readNiftiMask(await readFile(maskPath), maskPath);
    checkSameGrid(volume, mask, imagePath, maskPath);
    masks.push(mask.data);
  }
  return backgroundOf(name, volume, masks, imagePath);
}

/**
 * A CT with its body found and its places listed by tissue.
 * @param forbidden masks on the CT's grid, non-zero = nothing may be put here.
 */
export function backgroundOf(name: string, volume: Volume, forbidden: readonly Uint8Array[], where = name): Background {
  const { dims, spacingMm, affine, data } = volume;
  const hu = data instanceof Int16Array ? data : Int16Array.from(data, (value) => Math.round(value));
  const zone = bodyOf(hu, dims);
  for (const mask of forbidden) forbid(zone, mask, dims);
  const places = placesOf(hu, zone, dims);
  if (tissues.every((tissue) => places[tissue].length === 0))
    throw new InputError("shows no tissue of a body", where, "give a CT in Hounsfield units");
  return { name, dims, spacingMm, affine, hu, zone, places };
}

/** In every slice the largest part that is not air, with all that it encloses. */
function bodyOf(hu: Int16Array, [nx, ny, nz]: Vec3): Uint8Array {
  const body = new Uint8Array(hu.length);
  const n = nx * ny;
  const outside = new Uint8Array(n);
  const stack = new Int32Array(n);
  for (let z = 0; z < nz; z++) {
    const slice = hu.subarray(z * n, (z + 1) * n);
    outside.fill(0);
    let top = 0;
    const visit = (p: number): void => {
      if (outside[p] !== 0 || slice[p] > BODY_HU) return;
      outside[p] = 1;
      stack[top++] = p;
    };
    for (let x = 0; x < nx; x++) {
      visit(x);
      visit(n - nx + x);
    }
    for (let y = 0; y < ny; y++) {
      visit(y * nx);
      visit(y * nx + nx - 1);
    }
    while (top > 0) {
      const p = stack[--top];
      const x = p % nx;
      if (x > 0) visit(p - 1);
      if (x < nx - 1) visit(p + 1);
      if (p >= nx) visit(p - nx);
      if (p < n - nx) visit(p + nx);
    }
    const inside = outside.map((out) => 1 - out);
    body.set(largestComponent(inside, [nx, ny, 1], 4), z * n);
  }
  return body;
}

/** Marks a grown mask in the zones. */
function forbid(zone: Uint8Array, mask: Uint8Array, [nx, ny, nz]: Vec3): void {
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    const x = i % nx;
    const y = Math.floor(i / nx) % ny;
    const z = Math.floor(i / (nx * ny));
    for (let c = Math.max(0, z - 1); c <= Math.min(nz - 1, z + 1); c++) {
      for (let b = Math.max(0, y - FORBIDDEN_MARGIN_PX); b <= Math.min(ny - 1, y + FORBIDDEN_MARGIN_PX); b++) {
        const row = (c * ny + b) * nx;
        zone.fill(FORBIDDEN, row + Math.max(0, x - FORBIDDEN_MARGIN_PX), row + Math.min(nx, x + FORBIDDEN_MARGIN_PX + 1));
      }
    }
  }
}

function placesOf(hu: Int16Array, zone: Uint8Array, [nx, ny, nz]: Vec3): Record<Tissue, Int32Array> {
  const found: Record<Tissue, number[]> = { soft: [], fat: [], lung: [] };
  const r = NEIGHBOURHOOD_PX;
  for (let z = 0; z < nz; z++) {
    for (let y = r; y < ny - r; y += LATTICE_PX) {
      for (let x = r; x < nx - r; x += LATTICE_PX) {
        const at = (z * ny + y) * nx + x;
        if (zone[at] !== BODY) continue;
        let sum = 0;
        for (let dy = -r; dy <= r; dy++) for (let dx = -r; dx <= r; dx++) sum += hu[at + dy * nx + dx];
        const mean = sum / (2 * r + 1) ** 2;
        const tissue = tissues.find((name) => mean >= TISSUE_HU[name][0] && mean <= TISSUE_HU[name][1]);
        if (tissue !== undefined) found[tissue].push(at);
      }
    }
  }
  const listed = (tissue: Tissue): Int32Array => Int32Array.from(found[tissue].length >= MINIMAL_PLACES ? found[tissue] : []);
  return { soft: listed("soft"), fat: listed("fat"), lung: listed("lung") };
}
