/** A sentence that points to the valid name nearest to `name`, or lists them all when none is near. */
export function suggest(name: string, valid: Iterable<string>): string {
  const names = [...valid];
  if (names.length === 0) return "there is none";
  const near = nearest(name, names);
  if (near !== undefined) return `did you mean "${near}"?`;
  const shown = names.slice(0, 20).join(", ");
  return `there ${names.length === 1 ? "is" : "are"} ${shown}${names.length > 20 ? ", …" : ""}`;
}

/** The name that takes the fewest slips (a letter added, dropped, changed, or two swapped) to reach, if few enough. */
export function nearest(name: string, valid: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of valid) {
    if (Math.abs(candidate.length - name.length) > fewest) continue;
    const slips = editDistance(name.toLowerCase(), candidate.toLowerCase()) - (letters(name) === letters(candidate) ? 0.5 : 0);
    if (slips < fewest && slips < Math.max(name.length, candidate.length)) [best, fewest] = [candidate, slips];
  }
  return best ?? valid.find((candidate) => name.length >= 3 && candidate.includes(name));
}

/** Without case and punctuation, which are the likeliest slips. */
function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(previous[j] + 1, row[j - 1] + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], older[j - 2] + 1);
    }
    older = previous;
    previous = row;
  }
  return previous[b.length];
}
