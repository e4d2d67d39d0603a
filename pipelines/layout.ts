/** A node in its place; `x`, `y` are its top left corner. */
interface PlacedNode {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface Layout {
  readonly nodes: readonly PlacedNode[];
  /** Each edge as the points that it passes, from the right side of `from` to the left side of `to`. */
  readonly edges: readonly {
    readonly from: string;
    readonly to: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
  readonly width: number;
  readonly height: number;
}

export interface Node {
  readonly name: string;
  /** In pixels. */
  readonly width: number;
  /** Nodes that must stand to the left; all are listed earlier. */
  readonly after: readonly string[];
}

export const NODE_HEIGHT = 40;
const GAP_X = 56;
const GAP_Y = 14;
const BEND_HEIGHT = 10;
const MARGIN = 16;
const SWEEPS = 12;

/** A node, or a bend of an edge that passes a column. */
interface Item {
  readonly name: string;
  readonly node: Node | undefined;
  readonly column: number;
  readonly left: Item[];
  readonly right: Item[];
  y: number;
}

/**
 * Layered drawing from left to right (Sugiyama's scheme): a node stands one column right of the furthest that it comes
 * after; edges that pass columns get a bend in each; the order within columns follows the neighbours' mean position. Depends
 * on nothing but the nodes and their order.
 */
export function layOut(nodes: readonly Node[]): Layout {
  const items = new Map<string, Item>();
  const chains: { from: string; to: string; items: Item[] }[] = [];
  const columns: Item[][] = [];
  const place = (name: string, node: Node | undefined, column: number): Item => {
    const item: Item = { name, node, column, left: [], right: [], y: 0 };
    while (columns.length <= column) columns.push([]);
    columns[column].push(item);
    return item;
  };
  for (const node of nodes) {
    const column = Math.max(-1, ...node.after.map((name) => items.get(name)!.column)) + 1;
    const item = place(node.name, node, column);
    items.set(node.name, item);
    for (const name of node.after) {
      const chain = [items.get(name)!];
      while (chain[chain.length - 1].column < column - 1)
        chain.push(place(`${name} → ${node.name}`, undefined, chain[chain.length - 1].column + 1));
      chain.push(item);
      chain.slice(1).forEach((right, i) => {
        chain[i].right.push(right);
        right.left.push(chain[i]);
      });
      chains.push({ from: name, to: node.name, items: chain });
    }
  }

  for (const column of columns) stack(column);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const leftwards = sweep % 2 === 1;
    for (const column of leftwards ? [...columns].reverse() : columns) settle(column, leftwards ? "right" : "left");
  }
  const top = Math.min(0, ...columns.flat().map((item) => item.y));
  for (const item of columns.flat()) item.y += MARGIN - top;

  const xs: number[] = [];
  let x = MARGIN;
  const widths = columns.map((column) => Math.max(0, ...column.map(({ node }) => node?.width ?? 0)));
  for (const width of widths) {
    xs.push(x);
    x += width + GAP_X;
  }
  return {
    nodes: nodes.map(({ name, width }) => ({ name, width, x: xs[items.get(name)!.column], y: items.get(name)!.y })),
    edges: chains.map(({ from, to, items: chain }) => ({ from, to, points: pointsOf(chain, xs, widths) })),
    width: Math.max(2 * MARGIN, x - GAP_X + MARGIN),
    height: Math.max(2 * MARGIN, ...columns.flat().map((item) => item.y + heightOf(item) + MARGIN)),
  };
}

function heightOf({ node }: Item): number {
  return node === undefined ? BEND_HEIGHT : NODE_HEIGHT;
}

function centre(item: Item): number {
  return item.y + heightOf(item) / 2;
}

/** One below the other, in order, about the line y = 0. */
function stack(column: Item[]): void {
  let y = -column.reduce((sum, item) => sum + heightOf(item) + GAP_Y, -GAP_Y) / 2;
  for (const item of column) {
    item.y = y;
    y += heightOf(item) + GAP_Y;
  }
}

/** Moves each item of a column to the mean of its neighbours on one side, then apart until none overlap. */
function settle(column: Item[], side: "left" | "right"): void {
  const wanted = new Map(
    column.map((item) => {
      const neighbours = item[side];
      const mean =
        neighbours.length === 0 ? centre(item) : neighbours.reduce((sum, other) => sum + centre(other), 0) / neighbours.length;
      return [item, mean - heightOf(item) / 2];
    }),
  );
  const before = new Map(column.map((item, i) => [item, i]));
  column.sort((a, b) => wanted.get(a)! - wanted.get(b)! || before.get(a)! - before.get(b)!);
  let y = Number.NEGATIVE_INFINITY;
  for (const item of column) {
    item.y = Math.max(y, wanted.get(item)!);
    y = item.y + heightOf(item) + GAP_Y;
  }
  // Pushing apart only moves down: the mean push is taken back, so that columns stay level with each other.
  const push = column.reduce((sum, item) => sum + item.y - wanted.get(item)!, 0) / Math.max(1, column.length);
  for (const item of column) item.y -= push;
}

function pointsOf(chain: readonly Item[], xs: readonly number[], widths: readonly number[]): [number, number][] {
  return chain.flatMap((item, i): [number, number][] => {
    const left = xs[item.column];
    if (i === 0) return [[left + item.node!.width, centre(item)]];
    if (item.node !== undefined) return [[left, centre(item)]];
    return [
      [left, centre(item)],
      [left + widths[item.column], centre(item)],
    ];
  });
}
