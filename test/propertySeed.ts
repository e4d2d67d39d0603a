import { fc } from "@fast-check/vitest";

/**
 * Properties draw the same cases in every run, so that a run says something about the change and not about the dice.
 * FAST_CHECK_SEED=$RANDOM npm test looks elsewhere; a failure names its seed.
 */
fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 20181123) });
