import { useCallback, useRef } from "preact/hooks";

/** Said of an answer to a case that is not there to be seen. */
export const NOT_SHOWN = "Not all of this case is shown yet: wait for its pictures, or load again what could not be loaded.";

export interface Missing {
  /** A picture by its label is missing, or no longer. Stays the same from one drawing of the page to the next. */
  readonly onMissing: (label: string, isMissing: boolean) => void;
  /** Whether anything is missing of what the labels name; by default, of all. */
  readonly isAnyMissing: (prefix?: string) => boolean;
}

/** Which pictures are not there, or not with their masks: a case of theirs cannot be judged. `onWhole`: now all are there. */
export function useMissing(onWhole: () => void): Missing {
  const labels = useRef(new Set<string>());
  const latest = useRef(onWhole);
  latest.current = onWhole;
  const onMissing = useCallback((label: string, isMissing: boolean): void => {
    if (isMissing) labels.current.add(label);
    else labels.current.delete(label);
    if (labels.current.size === 0) latest.current();
  }, []);
  const isAnyMissing = (prefix = ""): boolean => [...labels.current].some((label) => label.startsWith(prefix));
  return { onMissing, isAnyMissing };
}
