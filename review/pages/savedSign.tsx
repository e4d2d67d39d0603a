import type { ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { QueueState } from "./answers.ts";
import { span } from "./times.ts";

/** Says whether every answer has arrived; the browser asks before a tab is closed that holds one which has not. */
export function SavedSign({ state }: { state: ReadonlySignal<QueueState> }) {
  const { unsaved, unkept, trouble } = state.value;
  useEffect(() => {
    if (unsaved === 0) return;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [unsaved]);
  const words =
    trouble !== null
      ? `${unsaved} not saved for ${span(Date.now() - trouble.since)}: kept in this ${unkept > 0 ? "tab" : "browser"}, sent again by itself`
      : unsaved > 0
        ? `saving ${unsaved}…`
        : "all saved";
  return (
    <span class={`saved ${trouble !== null ? "trouble" : unsaved > 0 ? "sending" : "done"}`} role="status" title={trouble?.why}>
      {words}
    </span>
  );
}
