/** A lesion at one time point, as far as a link to another time point may be told from it. */
export interface LinkCandidate {
  readonly id: string;
  /** Centre as parts of the scan's (better the body's) extent, x, y, z, 0 to 1: scans need not be registered. */
  readonly position: readonly [number, number, number];
  readonly longMm: number;
  readonly meanHu: number;
  readonly category: string;
}

export interface LinkingSettings {
  /** Positions that differ by this much (part of the extent) cost 1. */
  readonly positionScale: number;
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
  positionScale: 0.05,
  sizeFactor: 2,
  huScale: 40,
  otherCategory: 2,
  noPartner: 3,
};

export interface SuggestedLink {
  readonly first: string;
  readonly second: string;
  readonly cost: number;
  /** How much more the best suggestion without this link costs in all: small where another one is nearly as good. */
  readonly margin: number;
}

export interface SuggestedLinks {
  /** For a person to confirm; in the order of `first`. */
  readonly links: readonly SuggestedLink[];
  /** Lesions of the first time point that are gone, and of the second that are new, if the links are right. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

/** Root of the summed squares of what differs, each in its own scale. */
export function linkCost(a: LinkCandidate, b: LinkCandidate, settings: LinkingSettings = defaultLinking): number {
  const away = Math.hypot(...a.position.map((value, axis) => value - b.position[axis])) / settings.positionScale;
  const size = Math.log(b.longMm / a.longMm) / Math.log(settings.sizeFactor);
  const hu = (b.meanHu - a.meanHu) / settings.huScale;
  const fits = a.category === b.category || a.category === "unknown" || b.category === "unknown";
  return Math.hypot(away, size, hu, fits ? 0 : settings.otherCategory);
}

/**
 * Links lesions of two time points of one patient: the assignment with the least cost in all, where a lesion may stay without
 * a partner. Suggestions for a person to confirm, from position and looks alone.
 */
export function suggestLinks(
  first: readonly LinkCandidate[],
  second: readonly LinkCandidate[],
  settings: LinkingSettings = defaultLinking,
): SuggestedLinks {
  const costs = first.map((a) => second.map((b) => linkCost(a, b, settings)));
  const best = assign(costs, second.length, settings.noPartner);
  const links = best.partners.flatMap((j, i): SuggestedLink[] => {
    if (j === null) return [];
    const without = costs.map((row, k) => (k === i ? row.map((cost, l) => (l === j ? Infinity : cost)) : row));
    const margin = assign(without, second.length, settings.noPartner).total - best.total;
    return [{ first: first[i].id, second: second[j].id, cost: costs[i][j], margin }];
  });
  const linked = new Set(links.flatMap(({ first: a, second: b }) => [`1${a}`, `2${b}`]));
  return {
    links,
    onlyFirst: first.filter(({ id }) => !linked.has(`1${id}`)).map(({ id }) => id),
    onlySecond: second.filter(({ id }) => !linked.has(`2${id}`)).map(({ id }) => id),
  };
}

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
