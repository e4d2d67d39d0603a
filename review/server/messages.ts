import type { z } from "zod";
import { InputError } from "../../methods/inputError.ts";

/** @throws InputError that says in words what is wrong with a message. */
export function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0];
  throw new InputError(`${path.length === 0 ? "this message" : path.join(".")} is not as it must be: ${message}`);
}
