import { useEffect, useRef } from "preact/hooks";

/** Milliseconds since `key` changed last, without those in which the page was hidden. */
export function useStopwatch(key: unknown): () => number {
  const watch = useRef({ passed: 0, since: null as number | null });
  useEffect(() => {
    const now = (): number => performance.now();
    watch.current = { passed: 0, since: document.hidden ? null : now() };
    const look = (): void => {
      const { passed, since } = watch.current;
      if (document.hidden && since !== null) watch.current = { passed: passed + now() - since, since: null };
      else if (!document.hidden && since === null) watch.current = { passed, since: now() };
    };
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [key]);
  return () => {
    const { passed, since } = watch.current;
    return passed + (since === null ? 0 : performance.now() - since);
  };
}
