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

/** What a page says above its cases: its own notices, then what the workflow last refused. */
export function remarksOf({ refused }: Given, ...notices: readonly (string | undefined)[]): string[] {
  return [...notices, refused === undefined ? undefined : `Not taken: ${refused}`].filter((one) => one !== undefined);
}

/** The answers of a reader and their way to the workflow: what all layouts share. */
export function useGiven({ workflow, reader, view, reload }: ReadingProps): Given {
  const [refused, setRefused] = useState<string>();
  const latest = useRef(reload);
  latest.current = reload;
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
        void latest.current();
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
    setRefused(undefined);
    setChanges((all) => new Map(all).set(position, answer));
    queue.add(position, answer, tookMs, drawn);
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
