import type { ComponentChildren } from "preact";
import type { Given } from "./given.ts";
import { SavedSign } from "./savedSign.tsx";

/** What stands beside the title of every layout: how far the reader is, whether all has arrived, who reads, help and finish. */
export function ReaderAside(props: {
  readonly given: Given;
  readonly reader: string;
  readonly onHelp: () => void;
  readonly onFinish: () => void;
  /** How far the reader is. */
  readonly children: ComponentChildren;
}) {
  return (
    <>
      <span class="count" role="status">
        {props.children}
      </span>
      <SavedSign state={props.given.queue.state} />
      <span class="soft reader-name">{props.reader}</span>
      <button type="button" onClick={props.onHelp} aria-label="Keys">
        ?
      </button>
      <button type="button" class="primary" onClick={props.onFinish}>
        Finish
      </button>
    </>
  );
}
