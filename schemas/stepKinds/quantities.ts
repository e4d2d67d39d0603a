import { z } from "zod";

/** A share, 0 to 1. */
export const fractionSchema = z.number().min(0).max(1);

/** Seed of random numbers (`randomStream`). */
export const seedSchema = z.int().min(0).max(0xffffffff);
