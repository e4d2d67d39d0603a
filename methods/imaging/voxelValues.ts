import { InputError } from "../inputError.ts";

/**
 * `length` values in the narrowest type that holds them exactly: Int16Array where all are 16-bit integers, else
 * Float32Array. `valueAt` is called twice per voxel, so that no wider copy is ever made.
 *
 * @throws InputError where a value is NaN or infinite.
 */
export function narrowest(length: number, valueAt: (index: number) => number, where: string): Int16Array | Float32Array {
  let notNumbers = 0;
  let fits16Bits = true;
  for (let i = 0; i < length; i++) {
    const value = valueAt(i);
    if (!Number.isFinite(value)) notNumbers++;
    else if ((value << 16) >> 16 !== value) fits16Bits = false;
  }
  if (notNumbers > 0)
    throw new InputError(`${notNumbers} voxels are NaN or infinite`, where, "replace them by a real value, e.g. air (−1024 HU)");
  const values = fits16Bits ? new Int16Array(length) : new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = valueAt(i);
  return values;
}
