import { z } from "zod";
import { InputError } from "../inputError.ts";
import type { RecistMarks } from "../labels/recist.ts";
import { type Category, categories } from "./lesionCase.ts";

/** What may call a patient. */
export const PSEUDONYM = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,127}$/;

const pointSchema = z.tuple([z.number(), z.number()]);
const axisSchema = z.tuple([pointSchema, pointSchema]);
const positive = z.number().positive().max(1000);

/** One lesion of a marks file: points are (column, row), 0-based, on the image's own grid; so is the slice. */
export const filedLesionSchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "must be letters, digits, '.', '_' or '-' (it names files)"),
  slice: z.int().nonnegative(),
  long: axisSchema,
  short: axisSchema,
  /** The image that the marks lie on, below the folder of the marks file; where a file is about several images. */
  image: z.string().min(1).max(1000).optional(),
  /** UID or number of the DICOM series where the image's folder holds several. */
  series: z.string().min(1).max(128).optional(),
  /** x, y, z of PNG slices in mm, which do not say it themselves. */
  spacing: z.tuple([positive, positive, positive]).optional(),
  /** A pseudonym. */
  patient: z.string().regex(PSEUDONYM, "must be a pseudonym of letters, digits, ' ', '.', '_' or '-'").optional(),
  category: z.enum(categories).optional(),
  /** Display window in HU. */
  window: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, "must ascend")
    .optional(),
  /** NIfTI file with a reference mask on the image's grid, below the folder of the marks file. */
  mask: z.string().min(1).max(1000).optional(),
  split: z.enum(["train", "validation", "test"]).optional(),
});
const marksFileSchema = z.array(filedLesionSchema).min(1, "names no lesion");

/** A lesion as a marks file tells of it, not yet checked against its image. */
export interface FiledLesion extends Omit<z.infer<typeof filedLesionSchema>, "category" | "slice" | "long" | "short"> {
  readonly marks: RecistMarks;
  readonly category?: Category;
  /** Names the lesion in errors: the file and its id. */
  readonly where: string;
}

/** A lesion as its file states it, with its place there. */
export type StatedLesion = z.infer<typeof filedLesionSchema> & { readonly where: string };

const FORM = '[{"id": "a", "slice": 12, "long": [[x, y], [x, y]], "short": [[x, y], [x, y]]}]';

/**
 * The lesions of a marks file in its order.
 *
 * @param file names the file in errors.
 * @throws InputError where it is not JSON, not of this form (naming the lesion and the place in it), or names a lesion twice.
 */
export function parseMarksFile(text: string, file: string): FiledLesion[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`is not JSON: ${(error as Error).message}`, file, `expected ${FORM}`, { cause: error });
  }
  const parsed = marksFileSchema.safeParse(json);
  if (!parsed.success) throw misformed(parsed.error.issues[0], json, file);
  return lesionsFiled(
    parsed.data.map((lesion) => ({ ...lesion, where: `${file}: lesion ${lesion.id}` })),
    file,
  );
}

/** Lesions as they were stated. @throws InputError where one is named twice */
export function lesionsFiled(stated: readonly StatedLesion[], file: string): FiledLesion[] {
  const seen = new Set<string>();
  for (const { id } of stated) {
    if (seen.has(id))
      throw new InputError(
        "this id is given to two lesions",
        `${file}: lesion ${id}`,
        "ids name the files that are written: give every lesion its own",
      );
    seen.add(id);
  }
  return stated.map(({ slice, long, short, ...about }) => ({ ...about, marks: { slice, long, short } }));
}

/** The first thing that is wrong, with the lesion and the place in it. */
function misformed({ path: steps, message }: z.core.$ZodIssue, json: unknown, file: string): InputError {
  const [index, ...rest] = steps;
  const id = typeof index === "number" ? (json as { id?: unknown }[])[index]?.id : undefined;
  const lesion =
    typeof index !== "number"
      ? ""
      : typeof id === "string" && rest[0] !== "id"
        ? `: lesion ${id}`
        : `: lesion number ${index + 1}`;
  const place = rest.map((step) => (typeof step === "number" ? `[${step}]` : String(step))).join("");
  return new InputError(`${place === "" ? "" : `${place}: `}${message}`, `${file}${lesion}`, `expected ${FORM}`);
}
