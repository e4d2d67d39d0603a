import type { HuWindow, Vec3 } from "../../imaging/volume.ts";
import type { Random } from "../../random.ts";
import type { Category } from "../lesionCase.ts";
import { type Body, blob, bumps, capsule, reachMm, rotation, shrunk, wall } from "./body.ts";
import type { Field } from "./field.ts";
import type { LesionLook, Material, Scene, Tissue } from "./scene.ts";

/** The categories that can be synthesised: DeepLesion's eight. */
export type PhantomCategory = Exclude<Category, "unknown">;

/** What a scene is built around. */
export interface Site {
  readonly random: Random;
  readonly field: Field;
  readonly lesion: Body;
  readonly longMm: number;
  /** Half the size in mm of the block that will be seen, in the slice plane and along z. */
  readonly halfMm: number;
  readonly halfDepthMm: number;
}

const SOFT_TISSUE: HuWindow = { low: -175, high: 275 };
const LUNG: HuWindow = { low: -1350, high: 150 };
const BONE: HuWindow = { low: -400, high: 1000 };

// Portal-venous phase; textures are what remains after the noise.
const FAT: Material = { hu: -102, textureHu: 9 };
const MUSCLE: Material = { hu: 60, textureHu: 8 };
const BLOOD: Material = { hu: 155, textureHu: 3 };
const LIVER: Material = { hu: 108, textureHu: 6 };
const CORTEX: Material = { hu: 900, textureHu: 60 };
const AERATED: Material = { hu: -860, textureHu: 22 };
const AIR: Material = { hu: -990, textureHu: 2 };
const WATER: Material = { hu: 8, textureHu: 2 };
const BOWEL_WALL: Material = { hu: 75, textureHu: 6 };

/** The scene of one lesion: its look, the organ it lies in, neighbours, vessels, and boundaries that cut or crowd it. */
export const scenes: Readonly<Record<PhantomCategory, (site: Site) => Scene>> = {
  lung(site) {
    const { random, longMm } = site;
    const solid = random.uniform() < 0.85;
    const look = solid
      ? lesionLook(site, random.between(15, 65), { edgeMm: random.between(0.2, 1.2) })
      : lesionLook(site, random.between(-560, -250), { edgeMm: random.between(1.5, 3), textureHu: 45, patchesHu: 60 });
    const lung = around(AERATED, random.between(-40, 60));
    const under = [...vessels(site, { hu: 35, textureHu: 8 }, 0.5, [0.4, 2])];
    if (random.uniform() < 0.4) under.push(...feedingVessel(site, { hu: 35, textureHu: 8 }, random.between(0.8, 2)));
    if (solid && random.uniform() < 0.35) under.push(...spicules(site, look.hu));
    const over: Tissue[] = [];
    if (random.uniform() < 0.45) over.push(...chestWall(site, random.between(0.6, 2.4)));
    else if (random.uniform() < 0.3)
      under.push(...beside(site, { hu: look.hu + 5 * random.normal(), textureHu: 10 }, [0.3, 0.7], [-0.1, 0.4], longMm));
    return { window: LUNG, base: lung, under, lesion: look, edge: over[0]?.body, over };
  },

  liver(site) {
    const { random, longMm } = site;
    const liver = around(LIVER, random.between(-18, 18));
    const delta = random.uniform() < 0.85 ? -random.between(28, 80) : random.between(35, 65);
    const look = lesionLook(site, liver.hu + delta, { edgeMm: random.between(0.5, 2.5) });
    const under = vessels(site, { hu: liver.hu + random.between(25, 60), textureHu: 3 }, 0.06, [1, 4.5]);
    if (random.uniform() < 0.25) under.push(...beside(site, { hu: look.hu, textureHu: 6 }, [0.25, 0.7], [0.05, 0.6], longMm));
    const over: Tissue[] = [];
    if (random.uniform() < 0.55) {
      const edge = boundary(site, random.between(0.75, 1.9));
      over.push({ body: edge.body, ...around(FAT, random.between(-5, 25)) });
      over.push(
        ...behind(
          site,
          edge,
          random.uniform() < 0.4 ? around(MUSCLE, random.between(-5, 10)) : around(WATER, random.between(0, 60)),
          random.between(4, 14),
        ),
      );
    }
    return { window: SOFT_TISSUE, base: liver, under, lesion: look, edge: over[0]?.body, over };
  },

  mediastinum(site) {
    const { random, longMm } = site;
    const fat = around(FAT, random.between(-10, 15));
    const look = lesionLook(site, random.between(30, 95), { edgeMm: random.between(0.3, 1.5) });
    const under: Tissue[] = [];
    const blood = around(BLOOD, random.between(-45, 60));
    const great = 1 + random.integer(2);
    for (let i = 0; i < great; i++) under.push(...trunk(site, blood, random.between(5, 13), random.between(-0.12, 0.5)));
    if (random.uniform() < 0.4) {
      const airway = trunk(site, { hu: 40, textureHu: 5 }, random.between(6, 9), random.between(0.05, 0.6));
      under.push(...airway, ...airway.map((t) => ({ ...AIR, body: shrunk(t.body, 1.6) })));
    }
    under.push(...vessels(site, blood, 0.05, [0.7, 2]), ...nodes(site, look.hu, longMm));
    if (random.uniform() < 0.4) under.push(...touching(site, look.hu, longMm));
    const over: Tissue[] = [];
    if (random.uniform() < 0.55) over.push({ body: boundary(site, random.between(0.85, 2)).body, ...AERATED });
    return { window: SOFT_TISSUE, base: fat, under, lesion: look, edge: over[0]?.body, over };
  },

  abdomen(site) {
    const { random, longMm } = site;
    const fat = around(FAT, random.between(-8, 20));
    const look = lesionLook(site, random.between(25, 95), { edgeMm: random.between(0.4, 2) });
    const under = vessels(site, around(BLOOD, random.between(-30, 30)), 0.09, [0.7, 3]);
    const loops = 2 + random.integer(4);
    for (let i = 0; i < loops; i++) under.push(...bowelLoop(site, random.between(8, 15), random.between(0, 0.9)));
    under.push(...nodes(site, look.hu, longMm));
    if (random.uniform() < 0.45) under.push(...touching(site, look.hu, longMm));
    const over: Tissue[] = [];
    if (random.uniform() < 0.4)
      over.push({
        body: boundary(site, random.between(0.9, 1.8)).body,
        ...around(random.uniform() < 0.5 ? LIVER : MUSCLE, random.between(-10, 10)),
      });
    return { window: SOFT_TISSUE, base: fat, under, lesion: look, edge: over[0]?.body, over };
  },

  kidney(site) {
    const { random, field, longMm } = site;
    const fat = around(FAT, random.between(-8, 15));
    const cyst = random.uniform() < 0.45;
    const look = cyst
      ? lesionLook(site, random.between(0, 22), { edgeMm: random.between(0.2, 0.8), textureHu: 3, patchesHu: 2 })
      : lesionLook(site, random.between(45, 105), { edgeMm: random.between(0.5, 2), patchesHu: random.between(8, 22) });
    const direction = aside(random);
    const size = Math.max(random.between(26, 34), 0.6 * longMm);
    // From deep in the parenchyma to half outside of the kidney.
    const away = size + reachMm(site.lesion, direction) * random.between(-0.8, 0.15);
    const kidney = blob(
      scale(direction, away),
      [size, size * 0.8, size * 1.6],
      rotation(Math.atan2(direction[1], direction[0]), 0.15 * random.normal(), 0),
      bumps(field, random, 0.05, 1.4),
    );
    const cortexHu = random.between(150, 205);
    const under: Tissue[] = [
      { body: kidney, hu: cortexHu, textureHu: 6 },
      { body: shrunk(kidney, random.between(6, 9)), hu: cortexHu - random.between(5, 45), textureHu: 12 },
      { body: shrunk(kidney, size * random.between(0.45, 0.6)), ...fat },
    ];
    under.push(...vessels(site, around(BLOOD, 10), 0.03, [0.7, 2.5]));
    if (random.uniform() < 0.5) under.push({ body: boundary(site, random.between(1.5, 2.6)).body, ...MUSCLE });
    return { window: SOFT_TISSUE, base: fat, under, lesion: look, over: [] };
  },

  bone(site) {
    const { random, field, longMm } = site;
    const lytic = random.uniform() < 0.75;
    const marrow: Material = { hu: random.between(140, 280), textureHu: random.between(28, 55) };
    const look = lytic
      ? lesionLook(site, random.between(30, 90), { edgeMm: random.between(0.5, 2), patchesHu: random.between(4, 18) })
      : lesionLook(site, random.between(480, 720), { edgeMm: random.between(0.8, 2.5), textureHu: 40, patchesHu: 60 });
    const muscle = around(MUSCLE, random.between(-10, 10));
    const direction = aside(random);
    const size = Math.max(random.between(20, 34), 0.75 * longMm);
    const away = reachMm(site.lesion, direction) * random.between(-0.3, 0.6) + size * random.between(0.1, 0.45);
    const bone = blob(
      scale(direction, away),
      [size, size * random.between(0.6, 0.85), size * random.between(0.7, 1.6)],
      rotation(random.between(0, 6.28), 0.2 * random.normal(), 0),
      bumps(field, random, 0.08, 1.3),
    );
    const shell = random.between(1.2, 3);
    const under: Tissue[] = [
      { body: boundary(site, random.between(1.4, 2.6)).body, ...FAT },
      ...vessels(site, around(BLOOD, -20), 0.03, [0.7, 2]),
      { body: bone, ...CORTEX },
      { body: shrunk(bone, shell), ...marrow },
    ];
    return { window: lytic ? SOFT_TISSUE : BONE, base: muscle, under, lesion: look, over: [] };
  },

  "soft-tissue"(site) {
    const { random, field, longMm, halfMm } = site;
    const fat = around(FAT, random.between(-8, 12));
    const muscle = around(MUSCLE, random.between(-8, 8));
    const inMuscle = random.uniform() < 0.5;
    const look = lesionLook(site, inMuscle ? muscle.hu - random.between(28, 60) : random.between(20, 80), {
      edgeMm: random.between(0.5, 2.5),
    });
    const under: Tissue[] = [];
    const bellies = 3 + random.integer(4);
    for (let i = 0; i < bellies; i++) {
      const direction = aside(random);
      const size = random.between(0.35, 0.8) * Math.max(halfMm, 25);
      const away = inMuscle && i === 0 ? 0.25 * longMm : reachMm(site.lesion, direction) + size * random.between(0.45, 1);
      under.push({
        body: blob(
          scale(direction, away),
          [size * (inMuscle && i === 0 ? 1.3 : 1), size * random.between(0.45, 0.9), size * 3],
          rotation(random.between(0, 6.28), 0.2 * random.normal(), 0),
          bumps(field, random, 0.08, 1.5),
        ),
        ...muscle,
      });
    }
    under.push(...vessels(site, around(BLOOD, -40), 0.04, [0.6, 2]));
    if (random.uniform() < 0.35) under.push(...touching(site, inMuscle ? look.hu : muscle.hu, longMm));
    const over: Tissue[] = [];
    if (random.uniform() < 0.35) {
      const skin = boundary(site, random.between(1.2, 2));
      over.push({ body: skin.body, ...around(MUSCLE, -40) }, { body: shrunk(skin.body, random.between(1.5, 3)), ...AIR });
    }
    return { window: SOFT_TISSUE, base: fat, under, lesion: look, edge: over[0]?.body, over };
  },

  pelvis(site) {
    const { random, field, longMm, halfMm } = site;
    const fat = around(FAT, random.between(-8, 12));
    const look = lesionLook(site, random.between(25, 90), { edgeMm: random.between(0.3, 1.8) });
    const blood = around(BLOOD, random.between(-50, 20));
    const under: Tissue[] = [...trunk(site, blood, random.between(4, 6.5), random.between(-0.1, 0.3))];
    if (random.uniform() < 0.7) under.push(...trunk(site, around(blood, -15), random.between(4, 7), random.between(0, 0.6)));
    const side = boundary(site, random.between(1, 1.7));
    under.push({ body: side.body, ...around(MUSCLE, random.between(-6, 6)) });
    const bone = shrunk(side.body, random.between(8, 20));
    under.push(
      { body: bone, ...CORTEX },
      { body: shrunk(bone, random.between(1.5, 3)), hu: random.between(120, 240), textureHu: 35 },
    );
    if (random.uniform() < 0.4) {
      const direction: Vec3 = [-side.normal[0], -side.normal[1], 0];
      const size = random.between(0.5, 0.9) * Math.max(halfMm, 25);
      const bladder = blob(
        scale(direction, reachMm(site.lesion, direction) + size * random.between(0.9, 1.2)),
        [size, size * 0.8, size],
        rotation(random.between(0, 6.28), 0, 0),
        bumps(field, random, 0.05, 1.2),
      );
      under.push({ body: bladder, ...MUSCLE }, { body: shrunk(bladder, random.between(2, 4)), ...WATER });
    } else under.push(...bowelLoop(site, random.between(9, 15), random.between(0.05, 0.6)));
    under.push(...vessels(site, blood, 0.04, [0.6, 1.8]), ...nodes(site, look.hu, longMm));
    if (random.uniform() < 0.4) under.push(...touching(site, look.hu, longMm));
    return { window: SOFT_TISSUE, base: fat, under, lesion: look, over: [] };
  },
};

function around(material: Material, deltaHu: number): Material {
  return { hu: material.hu + deltaHu, textureHu: material.textureHu };
}

function scale([x, y, z]: Vec3, factor: number): Vec3 {
  return [x * factor, y * factor, z * factor];
}

/** A direction near the slice plane. */
function aside(random: Random): Vec3 {
  const turn = random.between(0, 2 * Math.PI);
  const z = random.between(-0.35, 0.35);
  const flat = Math.sqrt(1 - z * z);
  return [flat * Math.cos(turn), flat * Math.sin(turn), z];
}

/** Necrotic cores in a third of the large lesions, enhancing rims in a tenth of them. */
function lesionLook({ random, longMm }: Site, hu: number, look: Partial<LesionLook> & { edgeMm: number }): LesionLook {
  const core =
    longMm > 18 && random.uniform() < 0.33
      ? { depthMm: longMm * random.between(0.08, 0.18), deltaHu: -random.between(12, 40) }
      : undefined;
  const rim =
    longMm > 18 && random.uniform() < 0.1 ? { depthMm: random.between(1, 2.5), deltaHu: random.between(15, 40) } : undefined;
  return { hu, textureHu: random.between(2, 8), patchesHu: random.between(2, 12), core, rim, ...look };
}

interface Boundary {
  readonly body: Body;
  readonly normal: Vec3;
  readonly offsetMm: number;
}

/** A waving organ surface; at `crowding` × the lesion's reach: below 1 it cuts the lesion, above it stays clear. */
function boundary({ random, field, lesion, longMm }: Site, crowding: number): Boundary {
  const normal = aside(random);
  const offsetMm = crowding * Math.max(reachMm(lesion, normal), 0.25 * longMm);
  return { normal, offsetMm, body: wall(normal, offsetMm, field, 0.04 * longMm + 1, random.between(9, 20)) };
}

/** Another organ beyond a boundary, `gapMm` behind it. */
function behind({ field, longMm }: Site, { normal, offsetMm }: Boundary, material: Material, gapMm: number): Tissue[] {
  return [{ body: wall(normal, offsetMm + gapMm, field, 0.04 * longMm + 1, 14), ...material }];
}

/** Lung boundary with pleura, ribs between muscle, and fat behind. */
function chestWall(site: Site, crowding: number): Tissue[] {
  const { random, halfDepthMm, halfMm } = site;
  const edge = boundary(site, crowding);
  const [nx, ny] = edge.normal;
  const flat = Math.hypot(nx, ny);
  const along: Vec3 = [-ny / flat, nx / flat, 0];
  const tissues: Tissue[] = [{ body: edge.body, ...MUSCLE }, ...behind(site, edge, FAT, random.between(12, 18))];
  const pitch = random.between(16, 24);
  for (let z = -halfDepthMm - random.between(0, pitch); z < halfDepthMm + pitch; z += pitch) {
    const at = edge.offsetMm + 7 - edge.normal[2] * z;
    const point = (s: number): Vec3 => [(nx / flat) * at + along[0] * s, (ny / flat) * at + along[1] * s, z + 0.35 * s];
    const ribs = Array.from({ length: 10 }, (_, i) =>
      capsule(point((i - 5) * 0.35 * halfMm), point((i - 4) * 0.35 * halfMm), 5, 5),
    );
    for (const rib of ribs) tissues.push({ body: rib, ...CORTEX });
    for (const rib of ribs) tissues.push({ body: shrunk(rib, 1.8), hu: 230, textureHu: 35 });
  }
  return tissues;
}

/** A winding tube: pieces of a random walk with falling radius. */
function tube(random: Random, from: Vec3, towards: Vec3, lengthMm: number, radiusMm: number, material: Material): Tissue[] {
  const pieces = 6;
  const tissues: Tissue[] = [];
  let [point, heading, radius] = [from, towards, radiusMm];
  for (let i = 0; i < pieces; i++) {
    const next = point.map((p, a) => p + (heading[a] * lengthMm) / pieces) as unknown as Vec3;
    const thinner = radius * random.between(0.85, 1);
    tissues.push({ body: capsule(point, next, radius, thinner), ...material });
    const turned = heading.map((h) => h + 0.25 * random.normal()) as unknown as Vec3;
    [point, heading, radius] = [next, scale(turned, 1 / Math.hypot(...turned)), thinner];
  }
  return tissues;
}

/** Vessels strewn through the block, about `perCm2` of them crossing a square centimetre of slice. */
function vessels(
  { random, halfMm, halfDepthMm }: Site,
  material: Material,
  perCm2: number,
  radiusMm: readonly [number, number],
): Tissue[] {
  const count = Math.min(Math.ceil(perCm2 * (halfMm / 5) ** 2 * Math.max(halfDepthMm / 8, 1)), 150);
  const tissues: Tissue[] = [];
  for (let i = 0; i < count; i++) {
    const from: Vec3 = [
      random.between(-halfMm, halfMm),
      random.between(-halfMm, halfMm),
      random.between(-halfDepthMm, halfDepthMm),
    ];
    const [x, y, z]: Vec3 = [random.normal(), random.normal(), random.normal()];
    const radius = radiusMm[0] * (radiusMm[1] / radiusMm[0]) ** random.uniform();
    tissues.push(
      ...tube(
        random,
        from,
        scale([x, y, z], 1 / Math.hypot(x, y, z)),
        Math.min(random.between(12, 24) * Math.sqrt(radius), 2 * halfMm),
        radius,
        material,
      ),
    );
  }
  return tissues;
}

/** A vessel that runs into the lesion. */
function feedingVessel(site: Site, material: Material, radiusMm: number): Tissue[] {
  return tube(site.random, [0, 0, 0], aside(site.random), 2 * site.longMm, radiusMm, material);
}

/** Thin strands out of the lesion. */
function spicules({ random, lesion, longMm }: Site, hu: number): Tissue[] {
  return Array.from({ length: 6 + random.integer(8) }, (): Tissue => {
    const direction = aside(random);
    const reach = reachMm(lesion, direction);
    return {
      body: capsule(
        scale(direction, 0.8 * reach),
        scale(direction, reach + longMm * random.between(0.1, 0.35)),
        random.between(0.5, 0.9),
        0.2,
      ),
      hu: hu - 80,
      textureHu: 10,
    };
  });
}

/** A large vessel or airway past the lesion, mostly along z; `gap` × long axis lies between the two (negative: pressed in). */
function trunk({ random, lesion, longMm, halfDepthMm }: Site, material: Material, radiusMm: number, gap: number): Tissue[] {
  const direction = aside(random);
  const [x, y] = scale(direction, reachMm(lesion, direction) + radiusMm + gap * longMm);
  const lean: [number, number] = [0.25 * random.normal(), 0.25 * random.normal()];
  const end = halfDepthMm + 2 * radiusMm;
  return [
    {
      body: capsule(
        [x - lean[0] * end, y - lean[1] * end, -end],
        [x + lean[0] * end, y + lean[1] * end, end],
        radiusMm,
        radiusMm,
      ),
      ...material,
    },
  ];
}

/** A rounded neighbour, `size` × long axis across, at `gap` × long axis. */
function beside(
  { random, field, lesion }: Site,
  material: Material,
  size: readonly [number, number],
  gap: readonly [number, number],
  longMm: number,
): Tissue[] {
  const direction = aside(random);
  const half = 0.5 * longMm * random.between(...size);
  const away = reachMm(lesion, direction) + half + longMm * random.between(...gap);
  const body = blob(
    scale(direction, away),
    [half, half * random.between(0.6, 1), half * random.between(0.6, 1.5)],
    rotation(random.between(0, 6.28), 0.3 * random.normal(), 0),
    bumps(field, random, 0.08, 1.5),
  );
  return [{ body, ...material }];
}

/** A structure of the lesion's own density that runs up to it and fuses with it. */
function touching(site: Site, hu: number, longMm: number): Tissue[] {
  const { random } = site;
  return beside(site, { hu: hu + 6 * random.normal(), textureHu: 6 }, [0.35, 0.95], [-0.12, 0.03], longMm);
}

/** Further lymph nodes nearby. */
function nodes(site: Site, hu: number, longMm: number): Tissue[] {
  const { random } = site;
  return Array.from({ length: random.integer(4) }, () =>
    beside(site, { hu: hu + 10 * random.normal(), textureHu: 5 }, [0.2, 0.6], [0.08, 0.6], longMm),
  ).flat();
}

/** Bowel: wall and content (fluid, contrast medium, gas or a mixture) winding past the lesion. */
function bowelLoop(site: Site, radiusMm: number, gap: number): Tissue[] {
  const { random, lesion, longMm, halfMm } = site;
  const direction = aside(random);
  const middle = scale(direction, reachMm(lesion, direction) + radiusMm + gap * longMm);
  const run: Vec3 = [-direction[1], direction[0], random.between(-0.8, 0.8)];
  const half = Math.min(halfMm, 30);
  const outer = [-1, 1].flatMap((way) => tube(random, middle, scale(run, way / Math.hypot(...run)), half, radiusMm, BOWEL_WALL));
  // The tube may wind back to the lesion, which is painted over it.
  const kind = random.uniform();
  const content: Material =
    kind < 0.5
      ? { hu: random.between(5, 40), textureHu: 8 }
      : kind < 0.75
        ? { hu: random.between(180, 320), textureHu: 15 }
        : { hu: -940, textureHu: 25 };
  const thickness = random.between(1.6, 3);
  return [...outer, ...outer.map((t): Tissue => ({ body: shrunk(t.body, thickness), ...content }))];
}
