import { type OpenedImage, type OpenOptions, openImage } from "../methods/imaging/openImage.ts";
import { planeOf, sliceEnds } from "../methods/imaging/plane.ts";
import type { HuWindow, Vec3, Volume } from "../methods/imaging/volume.ts";
import { InputError } from "../methods/inputError.ts";
import { say } from "./output.ts";

export const SERIES_HELP = "UID or number of the DICOM series where the folder holds several";

/** The image; what one should know about it is said. */
export async function openedImage(image: string, options: OpenOptions): Promise<OpenedImage> {
  const opened = await openImage(image, options);
  const { volume, kind, notes } = opened;
  for (const note of notes) say(`${image}: ${note}`);
  const plane = planeOf(volume);
  if (plane !== "axial") say(`${image}: its slices are ${plane}; RECIST's diameters are measured in axial ones`);
  if (kind === "dicom") say(`${image}: ${slicesText(volume)}`);
  return opened;
}

/** DICOM viewers count slices in other ways. */
function slicesText(volume: Volume): string {
  const { axis, endsMm } = sliceEnds(volume);
  const [first, last] = endsMm.map((mm) => `${axis} = ${Number(mm.toFixed(2))} mm`);
  return volume.dims[2] === 1 ? `slice 0 lies at ${first}` : `slice 0 lies at ${first}, slice ${volume.dims[2] - 1} at ${last}`;
}

/** `--window LOW,HIGH`, in HU. */
export function windowOption(text: string): HuWindow {
  const [low, high, ...rest] = text.split(",").map(numberIn);
  if (!(low < high) || rest.length > 0)
    throw new InputError(`"${text}" is not LOW,HIGH in HU`, "--window", "e.g. --window -160,240");
  return { low, high };
}

/** `--spacing X,Y,Z`, in mm. */
export function spacingOption(text: string): Vec3 {
  const [x, y, z, ...rest] = text.split(",").map(numberIn);
  if (!(x > 0 && y > 0 && z > 0) || rest.length > 0)
    throw new InputError(`"${text}" is not X,Y,Z in mm`, "--spacing", "e.g. --spacing 0.8,0.8,5");
  return [x, y, z];
}

function numberIn(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : Number.NaN;
}
