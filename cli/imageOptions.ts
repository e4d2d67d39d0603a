import { type OpenedImage, type OpenOptions, openImage } from "../methods/imaging/openImage.ts";
import type { HuWindow, Vec3 } from "../methods/imaging/volume.ts";
import { InputError } from "../methods/inputError.ts";
import { say } from "./output.ts";

export const SERIES_HELP = "UID or number of the DICOM series where the folder holds several";

/** The image; what one should know about it is said. */
export async function openedImage(image: string, options: OpenOptions): Promise<OpenedImage> {
  const opened = await openImage(image, options);
  for (const note of opened.notes) say(`${image}: ${note}`);
  return opened;
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
