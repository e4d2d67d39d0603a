import { useEffect, useRef } from "preact/hooks";

/** What a key does; `key` as the browser names it ("f", "ArrowLeft", "Escape", " "), several for one deed allowed. */
export interface Binding {
  readonly keys: readonly string[];
  /** As the help says it. */
  readonly label: string;
  readonly run: (event: KeyboardEvent) => void;
  /** Whether holding the key does it again and again; moving does, answering does not. */
  readonly repeats?: boolean;
}

/**
 * Keys of a page, as long as it is there. They are not heard while something is typed or a dialog is open, and never with
 * Ctrl, Alt or Meta, which belong to the browser. `ignored`: keys are left alone, e.g. while a page loads.
 */
export function useKeys(bindings: readonly Binding[], ignored = false): void {
  const latest = useRef({ bindings, ignored });
  latest.current = { bindings, ignored };
  useEffect(() => {
    const heard = (event: KeyboardEvent): void => {
      if (latest.current.ignored || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      if (isTyping(event.target) || document.querySelector("dialog[open]") !== null) return;
      const binding = latest.current.bindings.find(({ keys }) => keys.includes(event.key));
      if (binding === undefined) return;
      // A button or link that has the focus is pressed by Enter and the space bar.
      if ((event.key === " " || event.key === "Enter") && isPressable(event.target)) return;
      event.preventDefault();
      if (!event.repeat || binding.repeats) binding.run(event);
    };
    window.addEventListener("keydown", heard);
    return () => window.removeEventListener("keydown", heard);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function isPressable(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(A|BUTTON|SUMMARY)$/.test(target.tagName);
}

const NAMES: Readonly<Record<string, string>> = {
  " ": "space",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  PageUp: "Page ↑",
  PageDown: "Page ↓",
};

export const keyName = (key: string): string => NAMES[key] ?? key;

/** All keys of a page in a dialog, which Esc closes. */
export function KeysHelp(props: { keys: readonly Pick<Binding, "keys" | "label">[]; onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={props.onClose}>
      <dl class="keys">
        {props.keys.map(({ keys, label }) => (
          <div key={label}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{keyName(key)}</kbd>
              ))}
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

/** A modal dialog of the browser's own: it keeps the focus, and Esc or a click beside it closes it. */
export function Dialog(props: { title: string; onClose: () => void; children: preact.ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
    return () => opened?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc does the same
    <dialog
      ref={dialog}
      aria-label={props.title}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => event.target === dialog.current && props.onClose()}
    >
      <div class="dialog">
        <header>
          <h2>{props.title}</h2>
          <button type="button" class="plain" aria-label="Close" onClick={props.onClose}>
            ✕
          </button>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}
