import type { Random } from "../../random.ts";
import type { Surroundings } from "./surroundings.ts";

/** Surroundings below this are lung, … */
const LUNG_BELOW_HU = -400;
/** … below this fat. */
const FAT_BELOW_HU = -30;
const SOLID_IN_LUNG = 0.85;
const BRIGHTER = 0.38;
/** Fluid is not darker; a lesion of soft tissue that would be is drawn between this and its surroundings. */
const DARKEST_HU = -10;

/** Whether the surroundings are aerated lung. */
export function inLung({ medianHu }: Surroundings): boolean {
  return medianHu < LUNG_BELOW_HU;
}

/**
 * Mean HU of a lesion in its surroundings. In lung: solid N(20, 40), or, one in seven, ground glass U(−600, −200). In fat:
 * N(40, 25). In soft tissue it differs from its surroundings by up to 20 HU (40 %), 20 to 70 HU (45 %) or 70 to 150 HU
 * (15 %), is the brighter one in 38 %, and not darker than fluid.
 */
export function drawHu(random: Random, surroundings: Surroundings): number {
  const { medianHu, softTissueHu } = surroundings;
  if (inLung(surroundings)) return random.uniform() < SOLID_IN_LUNG ? 20 + 40 * random.normal() : random.between(-600, -200);
  if (medianHu < FAT_BELOW_HU || softTissueHu === undefined) return 40 + 25 * random.normal();
  const sign = random.uniform() < BRIGHTER ? 1 : -1;
  const kind = random.uniform();
  const contrast = kind < 0.4 ? random.between(0, 20) : kind < 0.85 ? random.between(20, 70) : random.between(70, 150);
  const hu = softTissueHu + sign * contrast;
  return hu >= DARKEST_HU ? hu : random.between(DARKEST_HU, Math.max(softTissueHu, 0));
}
