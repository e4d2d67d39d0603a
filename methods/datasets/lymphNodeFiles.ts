import { open, readdir } from "node:fs/promises";
import path from "node:path";
import { BEGINNING_BYTES, isCtSlice } from "../imaging/dicomFile.ts";
import { InputError } from "../inputError.ts";

/** The files of one patient; paths relative to the root, with `/`. */
export interface LymphNodePatient {
  /** The archive's own pseudonym, e.g. `ABD_LYMPH_001`. */
  readonly patient: string;
  readonly mask: string;
  /** A NIfTI file, or the slices of a DICOM series in one folder. */
  readonly ct: { readonly nifti: string } | { readonly series: string; readonly slices: readonly string[] };
}

export interface LymphNodeFiles {
  readonly patients: readonly LymphNodePatient[];
  /** Patients that cannot be used, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** A folder or the beginning of a file's name. */
const PATIENT = /(?:^|\/)((?:ABD|MED)_LYMPH_\d{3})(?=[/_.]|$)/;
const MASK = /(?:^|\/)(?:ABD|MED)_LYMPH_\d{3}_mask\.nii(?:\.gz)?$/i;
const NIFTI = /\.nii(?:\.gz)?$/i;
const DICOM = /\.dcm$/i;
const EXPECTED =
  "expected e.g. CT Lymph Nodes/ABD_LYMPH_001/<study>/<series>/*.dcm and MED_ABD_LYMPH_MASKS/ABD_LYMPH_001/ABD_LYMPH_001_mask.nii.gz";

interface Found {
  readonly masks: string[];
  readonly volumes: string[];
  /** Slices by folder. */
  readonly series: Map<string, string[]>;
}

/**
 * Finds the files of TCIA's "CT Lymph Nodes", however deep they lie: the archive's client and its own releases name the
 * folders above the patients differently. Where a patient has several DICOM series (the 2023 release adds one with
 * segmentations), the CT is told by its objects' class in the beginning of each folder's first file.
 *
 * @throws InputError where there is no patient, or a patient has two masks or two CTs.
 */
export async function findLymphNodes(root: string): Promise<LymphNodeFiles> {
  const found = new Map<string, Found>();
  for (const file of await filesBelow(root)) {
    const patient = PATIENT.exec(file)?.[1];
    if (patient === undefined || !(NIFTI.test(file) || DICOM.test(file))) continue;
    const of = found.get(patient) ?? { masks: [], volumes: [], series: new Map<string, string[]>() };
    found.set(patient, of);
    if (MASK.test(file)) of.masks.push(file);
    else if (NIFTI.test(file)) of.volumes.push(file);
    else {
      const folder = path.posix.dirname(file);
      of.series.set(folder, [...(of.series.get(folder) ?? []), file]);
    }
  }
  if (found.size === 0) throw new InputError("holds no patient of the lymph-node set", root, EXPECTED);

  const patients: LymphNodePatient[] = [];
  const skipped: Record<string, number> = {};
  const skip = (reason: string): void => {
    skipped[reason] = (skipped[reason] ?? 0) + 1;
  };
  for (const [patient, { masks, volumes, series }] of [...found].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const ctSeries = [];
    for (const [folder, slices] of series)
      if (isCtSlice(await readBeginning(path.join(root, slices[0])))) ctSeries.push({ series: folder, slices });
    const cts = [...volumes.map((nifti) => ({ nifti })), ...ctSeries];
    onlyOne(patient, "masks", masks, root);
    onlyOne(patient, "CTs", [...volumes, ...ctSeries.map((ct) => ct.series)], root);
    if (masks.length === 0) skip("patient has no mask");
    else if (cts.length === 0) skip("patient has no CT");
    else patients.push({ patient, mask: masks[0], ct: cts[0] });
  }
  return { patients, skipped };
}

function onlyOne(patient: string, what: string, files: readonly string[], root: string): void {
  if (files.length > 1)
    throw new InputError(`${patient} has ${files.length} ${what}: ${files.join(", ")}`, root, "keep one per patient");
}

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be listed (${error.code})`, root, EXPECTED, { cause: error });
  });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
    .sort();
}

async function readBeginning(file: string): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
