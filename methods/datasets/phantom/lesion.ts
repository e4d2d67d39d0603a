import type { Random } from "../../random.ts";
import { type Body, bent, blob, bumps, merged, reachMm, rotation, scaled } from "./body.ts";
import type { Field } from "./field.ts";

/**
 * A lesion of varied form: one to three star-shaped lobes, their surfaces bumpy, the whole sheared and bowed along z so that
 * the cross-sections' centres drift. Ratios follow 743 + 932 manual masks of DeepLesion lesions and lymph nodes: short/long
 * axis median .74 (5–95 %: .50–.93), z extent/long axis .89 (.38–2.1), centre drift .20 of the long axis.
 *
 * @param longMm long diameter of the section through the origin or a little above or below, whichever is longest
 */
export function lesionBody(random: Random, field: Field, longMm: number): Body {
  const shape = draw(random, field);
  return scaled(shape, longMm / feret(shape));
}

/** A lesion whose long diameter is about 2 mm. */
function draw(random: Random, field: Field): Body {
  const clip = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
  const short = clip(0.76 + 0.14 * random.normal(), 0.45, 1);
  const depth = clip(0.9 * Math.exp(0.5 * random.normal()), 0.4, 2);
  const roughness = random.between(0.09, 0.27);
  const turn = random.between(0, 2 * Math.PI);
  const lobes = random.uniform() < 0.4 ? 1 : random.uniform() < 0.6 ? 2 : 3;
  const bodies: Body[] = [];
  for (let lobe = 0; lobe < lobes; lobe++) {
    const size = lobe === 0 ? 1 : random.between(0.4, 0.7);
    const from = random.between(0, 2 * Math.PI);
    const rise = 0.7 * depth * random.between(-1, 1);
    const away = lobe === 0 ? 0 : random.between(0.55, 0.95);
    bodies.push(
      blob(
        [away * Math.cos(from), away * Math.sin(from) * short, lobe === 0 ? 0 : away * rise],
        [size, size * short, size * depth],
        rotation(lobe === 0 ? turn : random.between(0, 2 * Math.PI), 0.3 * random.normal(), random.between(0, 2 * Math.PI)),
        bumps(field, random, roughness, random.between(1.2, 2.8)),
      ),
    );
  }
  const slant = (0.36 * random.normal()) / Math.max(depth, 0.6);
  const slantTo = random.between(0, 2 * Math.PI);
  const bow = (0.28 * random.normal()) / depth ** 2;
  const bowTo = random.between(0, 2 * Math.PI);
  const [first, ...others] = bodies;
  const whole = others.reduce((union, other) => merged(union, other, 0.25), first);
  return bent(whole, [slant * Math.cos(slantTo), slant * Math.sin(slantTo)], [bow * Math.cos(bowTo), bow * Math.sin(bowTo)]);
}

/** Longest diameter of five sections around the origin, seen along 48 directions. */
function feret(body: Body): number {
  let longest = 0;
  for (const z of [-0.3, -0.15, 0, 0.15, 0.3]) {
    const points = Array.from({ length: 48 }, (_, i): [number, number] => {
      const [dx, dy] = [Math.cos((i * Math.PI) / 24), Math.sin((i * Math.PI) / 24)];
      const r = reachMm(body, [dx, dy, 0], z);
      return [dx * r, dy * r];
    });
    for (const [ax, ay] of points) for (const [bx, by] of points) longest = Math.max(longest, Math.hypot(ax - bx, ay - by));
  }
  return longest;
}
