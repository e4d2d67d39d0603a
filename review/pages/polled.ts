import { useEffect, useState } from "preact/hooks";

export interface Polled<T> {
  /** The last answer; it stays when a later one fails. */
  readonly value?: T;
  readonly error?: string;
  /** Asks now, beside the usual times. */
  readonly again: () => void;
}

/** What `ask` answers, asked again every `everyMs` while the page is looked at; another `key` is another question. */
export function usePolled<T>(key: string, ask: () => Promise<T>, everyMs: number): Polled<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: string }>({ key });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    let wanted = true;
    let timer: ReturnType<typeof setTimeout>;
    const round = async (): Promise<void> => {
      if (document.visibilityState === "visible") {
        const answer = await ask().then(
          (value) => ({ value }),
          (error: Error) => ({ error: error.message }),
        );
        if (!wanted) return;
        setState((last) => (last.key === key ? { value: last.value, ...clear, ...answer, key } : { ...answer, key }));
      }
      timer = setTimeout(round, everyMs);
    };
    void round();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [key, everyMs, asked]);
  const again = (): void => setAsked(asked + 1);
  return state.key === key ? { value: state.value, error: state.error, again } : { again };
}

const clear = { error: undefined };
