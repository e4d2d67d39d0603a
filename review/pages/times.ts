const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "3 min", "5 h", "2 days": the largest unit alone. */
export function span(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.round(ms / 1000))} s`;
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.round(ms / HOUR)} h`;
  return `${Math.round(ms / DAY)} days`;
}

export const ago = (then: number, now = Date.now()): string => `${span(now - then)} ago`;
export const ahead = (then: number, now = Date.now()): string =>
  then > now ? `in ${span(then - now)}` : `${span(now - then)} overdue`;

/** Date and time as this reader writes them. */
export const dateTime = (at: number): string =>
  new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
