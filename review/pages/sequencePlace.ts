import { useState } from "preact/hooks";

export interface SequencePlace {
  readonly position: number;
  readonly moveTo: (position: number) => void;
  /** The first case without an answer; the first of all where each has one. */
  readonly firstOpen: () => number;
  /** The next case without an answer after this one; null where there is none. */
  readonly nextOpen: number | null;
  /** Whether every other case is answered. */
  readonly isLastOpen: boolean;
}

/** Where a reader is among the cases that come one after the other: at first, where there is no answer yet. */
export function useSequencePlace(sequence: readonly number[], answers: ReadonlyMap<number, string>): SequencePlace {
  const open = sequence.flatMap((_, position) => (answers.has(position) ? [] : [position]));
  const firstOpen = (): number => open[0] ?? 0;
  const [position, setPosition] = useState(firstOpen);
  return {
    position,
    moveTo: (next) => setPosition(Math.min(sequence.length - 1, Math.max(0, next))),
    firstOpen,
    nextOpen: open.find((one) => one > position) ?? null,
    isLastOpen: open.every((one) => one === position),
  };
}
