import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { QueuedEntry } from "../../schemas/review.ts";
import { AnswerQueue } from "./answers.ts";
import type { ReadingProps } from "./reading.tsx";

export interface Given {
  readonly queue: AnswerQueue;
  /** This reader's answers by position: those that the workflow has, and over them those still on their way. */
  readonly answers: ReadonlyMap<number, string>;
  /** Gives, or with null takes back, an answer, with the mask that was drawn for it; one without a mask can be undone. */
  readonly give: (position: number, answer: string | null, tookMs: number, drawn?: QueuedEntry["drawn"]) => void;
  /** Takes the last answer of this visit back. @returns its position, null when there is none. */
  readonly undo: () => number | null;
  /** What the workflow last refused, in its words. */
  readonly refused: string | undefined;
  readonly forgetRefusal: () => void;
}

/** What a page says above its cases: its own notices, what the workflow last refused, and what is amiss with this browser's storage. */
export function remarksOf({ refused, queue }: Given, ...notices: readonly (string | undefined)[]): string[] {
  const { unkept, unreadable } = queue.state.value;
  return [
    ...notices,
    refused === undefined ? undefined : `Not taken: ${refused}`,
    unkept === 0
      ? undefined
      : `This browser's storage is full: of the answers that have not arrived, ${unkept} would be lost with this tab. Leave it open until all is saved.`,
    unreadable === 0
      ? undefined
      : `Answers that lay in this browser cannot be read and were not sent (${unreadable}; they are put aside in its storage). Look through your answers, and give anew those that are missing.`,
  ].filter((one) => one !== undefined);
}

/** The answers of a reader and their way to the workflow: what all layouts share. `onRefused` is told the positions. */
export function useGiven(
  { workflow, reader, view, reload }: ReadingProps,
  onRefused?: (positions: readonly number[]) => void,
): Given {
  const [refused, setRefused] = useState<string>();
  const latest = useRef({ reload, onRefused });
  latest.current = { reload, onRefused };
  const { cases, own } = view.state;
  const [changes, setChanges] = useState<ReadonlyMap<number, string | null>>(new Map());
  const done = useRef<{ position: number; before: string | null }[]>([]);
  const queue = useMemo(
    () =>
      new AnswerQueue({ workflow, reader, cases }, (message, entries) => {
        setRefused(message);
        done.current = [];
        // What was refused does not stand: the workflow says what does.
        setChanges((all) => new Map([...all].filter(([position]) => !entries.some((entry) => entry.position === position))));
        latest.current.onRefused?.(entries.map(({ position }) => position));
        void latest.current.reload();
      }),
    [workflow, reader, cases],
  );
  useEffect(() => {
    setChanges(new Map(queue.unsaved().map(({ position, answer }) => [position, answer])));
    return () => queue.close();
  }, [queue]);
  const answers = useMemo(() => {
    const all = new Map<number, string>(own);
    for (const [position, answer] of changes) {
      if (answer === null) all.delete(position);
      else all.set(position, answer);
    }
    return all;
  }, [own, changes]);
  const record = (position: number, answer: string | null, tookMs: number, drawn?: QueuedEntry["drawn"]): void => {
    // What is shown as given is on its way.
    queue.add(position, answer, tookMs, drawn);
    setRefused(undefined);
    setChanges((all) => new Map(all).set(position, answer));
  };
  return {
    queue,
    answers,
    refused,
    forgetRefusal: () => setRefused(undefined),
    give: (position, answer, tookMs, drawn) => {
      done.current.push({ position, before: answers.get(position) ?? null });
      record(position, answer, tookMs, drawn);
    },
    undo: () => {
      const last = done.current.pop();
      if (last === undefined) return null;
      record(last.position, last.before, 0);
      return last.position;
    },
  };
}
