import { z } from "zod";

const pointSchema = z.tuple([z.number(), z.number()]);
const axisSchema = z.tuple([pointSchema, pointSchema]);

/** A marked lesion: points are (column, row), 0-based, on the image's own grid. */
export const markedLesionSchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "must be letters, digits, '.', '_' or '-' (it names files)"),
  slice: z.int().nonnegative(),
  long: axisSchema,
  short: axisSchema,
});
