import { signed } from "./format.ts";
import { escapeHtml } from "./html.ts";
import type { ReportData } from "./reportInput.ts";
import { responseColours } from "./volumeFigures.ts";

type Patient = ReportData["responses"][number]["patients"][number];

const WIDTH = 640;
const HEIGHT = 200;
const MARGIN = { left: 58, right: 16, top: 20, bottom: 44 } as const;
const TICKS = [0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 50];
/** Days closer than this share of the whole are not written twice. */
const LEAST_GAP = 0.06;

interface Point {
  readonly day: number;
  readonly change: number;
  readonly response: string | null;
}

/**
 * One patient over time: the sum of diameters (line) and the volume (dashed) as changes from the baseline, every evaluated time
 * point with its response in words and colour. A time point that was not evaluated interrupts nothing: the line leaves it out.
 */
export function timelineSvg({ patient, timePoints }: Patient): string {
  const sums = pointsOf(timePoints, (t) => [t.sumMm, t.fromBaseline, t.target]);
  const volumes = pointsOf(timePoints, (t) => [t.volumeMl, t.volumeFromBaseline, t.volumetric]);
  const changes = [...sums, ...volumes].map(({ change }) => change);
  const step = TICKS.find((tick) => span(changes) / tick <= 6) ?? 100;
  const [low, high] = [Math.floor(Math.min(0, ...changes) / step), Math.ceil(Math.max(0, ...changes, step / 2) / step)];
  const last = Math.max(1, ...timePoints.map(({ day }) => day));
  const x = (day: number): number => round(MARGIN.left + (day / last) * (WIDTH - MARGIN.left - MARGIN.right));
  const y = (change: number): number =>
    round(HEIGHT - MARGIN.bottom - ((change / step - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom));

  const grid = Array.from({ length: high - low + 1 }, (_, i) => (low + i) * step).map(
    (at) =>
      `<path d="M${MARGIN.left} ${y(at)}H${WIDTH - MARGIN.right}" stroke="#808080" stroke-opacity="${at === 0 ? 0.7 : 0.25}"/><text x="${MARGIN.left - 8}" y="${y(at) + 4}" text-anchor="end">${at === 0 ? "0" : signed(100 * at, 0)} %</text>`,
  );
  let written = Number.NEGATIVE_INFINITY;
  const days = timePoints.flatMap(({ day }) => {
    if (day - written < LEAST_GAP * last) return [];
    written = day;
    return [`<text x="${x(day)}" y="${HEIGHT - 12}" text-anchor="middle">${day === 0 ? "day 0" : day}</text>`];
  });
  const line = (points: readonly Point[], dashes: string): string =>
    points.length < 2
      ? ""
      : `<path d="M${points.map(({ day, change }) => `${x(day)} ${y(change)}`).join("L")}" fill="none" stroke="#808080" stroke-width="1.5"${dashes}/>`;
  /** Of two points of one day the higher one's words stand above it, the lower one's below. */
  const marks = (points: readonly Point[], others: readonly Point[], isVolume: boolean): string[] =>
    points.flatMap(({ day, change, response }) => {
      if (response === null) return [];
      const other = others.find((one) => one.day === day)?.change;
      const isBelow = other === undefined || other === change ? isVolume : change < other;
      const at = `x="${x(day)}" y="${y(change) + (isBelow ? 17 : -8)}"`;
      const words = `<text ${at} text-anchor="middle"${isVolume ? ' font-style="italic"' : ""}>${response}</text>`;
      return [`<circle cx="${x(day)}" cy="${y(change)}" r="4.5" fill="${responseColours[response] ?? "#8a8a8a"}"/>${words}`];
    });
  return `<svg role="img" aria-label="${escapeHtml(`Sum of diameters and volume of patient ${patient} over time`)}" xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="11" fill="currentColor">${[
    ...grid,
    ...days,
    line(sums, ""),
    line(volumes, ' stroke-dasharray="5 4"'),
    ...marks(sums, volumes, false),
    ...marks(volumes, sums, true),
  ].join("")}</svg>`;
}

/** Time points at which there is a value, as changes from the first; the first itself has none, and is 0. */
function pointsOf(
  timePoints: Patient["timePoints"],
  of: (timePoint: Patient["timePoints"][number]) => [value: number | null, change: number | null, response: string | null],
): Point[] {
  return timePoints.flatMap((timePoint, t) => {
    const [value, change, response] = of(timePoint);
    if (t === 0) return value === null ? [] : [{ day: timePoint.day, change: 0, response: null }];
    return change === null ? [] : [{ day: timePoint.day, change, response }];
  });
}

const span = (changes: readonly number[]): number => Math.max(0, ...changes) - Math.min(0, ...changes);
const round = (value: number): number => Math.round(10 * value) / 10;
