type Position = readonly [number, number, number];

/** A lesion at one time point, as far as a link to another time point may be told from it. */
export interface LinkCandidate {
  readonly id: string;
  /** Centre in the scan's own world, x, y, z in mm: scans need not be registered. */
  readonly positionMm: Position;
  readonly longMm: number;
  readonly meanHu: number;
  readonly category: string;
}

export interface LinkingSettings {
  /** Positions that differ by this much, mm, cost 1, once the second scan is shifted against the first … */
  readonly positionScaleMm: number;
  /** … and the shift of all lesions together costs 1 for so many mm. */
  readonly shiftScaleMm: number;
  /** So do long diameters by this factor … */
  readonly sizeFactor: number;
  /** … and mean HU by this much. */
  readonly huScale: number;
  /** What another category costs; "unknown" fits any. */
  readonly otherCategory: number;
  /** Cost of a lesion without a partner; a link that costs more than two of these is never suggested. */
  readonly noPartner: number;
}

export const defaultLinking: LinkingSettings = {
  positionScaleMm: 20,
  shiftScaleMm: 200,
  sizeFactor: 2,
  huScale: 40,
  otherCategory: 2,
  noPartner: 2,
};

export interface SuggestedLink {
  readonly first: string;
  readonly second: string;
  readonly cost: number;
  /** How much more the best suggestion without this link costs in all: small where another one is nearly as good. */
  readonly margin: number;
}

export interface SuggestedLinks {
  /** By how much the second scan lies beside the first, mm, as far as the links tell. */
  readonly shiftMm: Position;
  /** For a person to confirm; in the order of `first`. */
  readonly links: readonly SuggestedLink[];
  /** Lesions of the first time point that are gone, and of the second that are new, if the links are right. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

/** Root of the summed squares of what differs, each in its own scale; `shiftMm` is the second scan's. */
export function linkCost(
  a: LinkCandidate,
  b: LinkCandidate,
  settings: LinkingSettings = defaultLinking,
  shiftMm: Position = NO_SHIFT,
): number {
  const away = Math.hypot(...a.positionMm.map((mm, axis) => mm + shiftMm[axis] - b.positionMm[axis])) / settings.positionScaleMm;
  return Math.hypot(away, looksCost(a, b, settings));
}

const NO_SHIFT: Position = [0, 0, 0];

const MOST_HU_COST = 2;

function looksCost(a: LinkCandidate, b: LinkCandidate, settings: LinkingSettings): number {
  const size = Math.log(b.longMm / a.longMm) / Math.log(settings.sizeFactor);
  // Beyond this it is the surroundings that small sections share their pixels with.
  const hu = Math.min(Math.abs(b.meanHu - a.meanHu) / settings.huScale, MOST_HU_COST);
  const fits = a.category === b.category || a.category === "unknown" || b.category === "unknown";
  return Math.hypot(size, hu, fits ? 0 : settings.otherCategory);
}

/**
 * Links lesions of two time points of one patient: the assignment with the least cost in all, where a lesion may stay without
 * a partner. Patients do not lie in two scanners alike: of no shift and the shifts that lay one lesion of similar looks
 * exactly on another, the one that makes the assignment cheapest is taken, and moved to the mean of its links. Suggestions for a person
 * to confirm, from position and looks alone.
 */
export function suggestLinks(
  first: readonly LinkCandidate[],
  second: readonly LinkCandidate[],
  settings: LinkingSettings = defaultLinking,
): SuggestedLinks {
  const at = (shiftMm: Position, without?: readonly [number, number]): Linked => {
    const isBarred = (i: number, j: number): boolean => without !== undefined && i === without[0] && j === without[1];
    const costs = first.map((a, i) => second.map((b, j) => (isBarred(i, j) ? Infinity : linkCost(a, b, settings, shiftMm))));
    const { partners, total } = assign(costs, second.length, settings.noPartner);
    return { shiftMm, costs, partners, total: total + Math.hypot(...shiftMm) / settings.shiftScaleMm };
  };
  const alike = first.flatMap((a) => second.filter((b) => looksCost(a, b, settings) <= settings.noPartner).map((b) => [a, b]));
  const tried = [NO_SHIFT, ...alike.map(([a, b]) => difference(a, b))].map((shift) => at(shift)).sort(byTotal);
  const linked = tried[0].partners.flatMap((j, i) => (j === null ? [] : [difference(first[i], second[j])]));
  if (linked.length > 0) tried.push(at(mean(linked)));
  const [best, ...others] = tried.sort(byTotal);
  const shifts = [best, ...others.slice(0, SHIFTS_FOR_MARGIN)].map(({ shiftMm }) => shiftMm);
  const links = best.partners.flatMap((j, i): SuggestedLink[] => {
    if (j === null) return [];
    const otherwise = Math.min(...shifts.map((shift) => at(shift, [i, j]).total));
    return [{ first: first[i].id, second: second[j].id, cost: best.costs[i][j], margin: otherwise - best.total }];
  });
  const partnered = new Set(best.partners);
  return {
    shiftMm: best.shiftMm,
    links,
    onlyFirst: first.filter((_, i) => best.partners[i] === null).map(({ id }) => id),
    onlySecond: second.filter((_, j) => !partnered.has(j)).map(({ id }) => id),
  };
}

/** Without one of its links an assignment may lie otherwise, too: so many more shifts are tried. */
const SHIFTS_FOR_MARGIN = 8;

interface Linked {
  readonly shiftMm: Position;
  readonly costs: readonly (readonly number[])[];
  readonly partners: readonly (number | null)[];
  /** With what the shift costs. */
  readonly total: number;
}
const byTotal = (a: Linked, b: Linked): number => a.total - b.total;

const along = (value: (axis: 0 | 1 | 2) => number): Position => [value(0), value(1), value(2)];
const difference = (a: LinkCandidate, b: LinkCandidate): Position => along((axis) => b.positionMm[axis] - a.positionMm[axis]);
const mean = (all: readonly Position[]): Position => along((axis) => all.reduce((sum, one) => sum + one[axis], 0) / all.length);

/**
 * Least total cost of a partial assignment of rows to columns, every row and column without a partner costing `alone`: the
 * Hungarian method (shortest augmenting paths) on the square of both with their stand-ins.
 */
export function assign(
  costs: readonly (readonly number[])[],
  columns: number,
  alone: number,
): { readonly partners: readonly (number | null)[]; readonly total: number } {
  const rows = costs.length;
  const n = rows + columns;
  // beyond any sum of allowed costs, yet finite
  const never = 1e6 * (alone + 1);
  const cost = (i: number, j: number): number => {
    if (i < rows && j < columns) return costs[i][j] > 2 * alone ? never : costs[i][j];
    return i >= rows && j >= columns ? 0 : alone;
  };
  const u = new Float64Array(n + 1);
  const v = new Float64Array(n + 1);
  const rowOf = new Int32Array(n + 1);
  const from = new Int32Array(n + 1);
  for (let i = 1; i <= n; i++) {
    rowOf[0] = i;
    let column = 0;
    const least = new Float64Array(n + 1).fill(Infinity);
    const used = new Uint8Array(n + 1);
    do {
      used[column] = 1;
      const row = rowOf[column];
      let delta = Infinity;
      let next = 0;
      for (let j = 1; j <= n; j++) {
        if (used[j] === 1) continue;
        const reduced = cost(row - 1, j - 1) - u[row] - v[j];
        if (reduced < least[j]) [least[j], from[j]] = [reduced, column];
        if (least[j] < delta) [delta, next] = [least[j], j];
      }
      for (let j = 0; j <= n; j++) {
        if (used[j] === 1) {
          u[rowOf[j]] += delta;
          v[j] -= delta;
        } else least[j] -= delta;
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column !== 0) {
      rowOf[column] = rowOf[from[column]];
      column = from[column];
    }
  }
  const partners: (number | null)[] = new Array(rows).fill(null);
  for (let j = 1; j <= columns; j++) if (rowOf[j] <= rows) partners[rowOf[j] - 1] = j - 1;
  const linked = partners.filter((j) => j !== null).length;
  const total = partners.reduce<number>((sum, j, i) => sum + (j === null ? alone : costs[i][j]), alone * (columns - linked));
  return { partners, total };
}
