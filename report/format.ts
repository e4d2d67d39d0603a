/** What stands where there is no number. */
export const NONE = "–";

/** A score to three digits: 0.912. */
export function score(value: number | null, digits = 3): string {
  return value === null ? NONE : value.toFixed(digits).replace(/^-/, "−");
}

/** 0.912 ± 0.034; without the sd where there is none. */
export function meanSd(mean: number | null, sd: number | null, digits = 3): string {
  if (mean === null) return NONE;
  return sd === null ? score(mean, digits) : `${score(mean, digits)} ± ${sd.toFixed(digits)}`;
}

/** A signed difference: +0.012, −0.030. */
export function signed(value: number, digits = 3): string {
  const text = score(value, digits);
  return text.startsWith("−") ? text : `+${text}`;
}

/** A p value as it is printed: 0.03, < 0.001. */
export function pValue(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(p < 0.1 ? 3 : 2);
}

/** 0.4 s, 12 s, 3 min 20 s, 5 h 2 min, 2 d 4 h. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/** 12,345. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** 2026-03-01 12:30:05 UTC from an ISO date-time in UTC. */
export function moment(iso: string): string {
  return new Date(iso)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$|Z$/, " UTC");
}

/** The first twelve digits of a digest, for reading; the whole one stands in the list of digests. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}
