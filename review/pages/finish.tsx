import { useState } from "preact/hooks";
import { api } from "./api.ts";
import { Dialog } from "./keys.tsx";
import type { ReadingProps } from "./reading.tsx";
import { Notice } from "./shell.tsx";

/**
 * The end of a reader's work: a verdict where the protocol asks for one, and a note. `summary` says what will stand;
 * `unsaved`: answers that have not arrived, without which nobody can finish.
 */
export function FinishDialog(
  props: Pick<ReadingProps, "workflow" | "reader" | "view"> & {
    summary: string;
    unsaved: number;
    onClose: () => void;
    onFinished: () => void;
  },
) {
  const { workflow, reader, view, summary, unsaved, onClose, onFinished } = props;
  const { protocol, cases } = view.state;
  const [verdict, setVerdict] = useState<string | undefined>(
    protocol.verdicts.length === 1 ? protocol.verdicts[0].verdict : undefined,
  );
  const [note, setNote] = useState("");
  const [error, setError] = useState<string>();
  const [sending, setSending] = useState(false);
  const isReady = unsaved === 0 && !sending && (protocol.verdicts.length === 0 || verdict !== undefined);
  const finish = (event: Event): void => {
    event.preventDefault();
    setSending(true);
    setError(undefined);
    api
      .finish(workflow, { reader, cases, verdict, note: note.trim() === "" ? undefined : note.trim() })
      .then(onFinished, (reason: Error) => {
        setError(reason.message);
        setSending(false);
      });
  };
  return (
    <Dialog title="Finish" onClose={onClose}>
      <form onSubmit={finish}>
        <p>{summary}</p>
        {protocol.verdicts.length > 0 && (
          <fieldset>
            <legend>What you say of it</legend>
            {protocol.verdicts.map((choice) => (
              <label key={choice.verdict} class="choice">
                <input
                  type="radio"
                  name="verdict"
                  value={choice.verdict}
                  checked={verdict === choice.verdict}
                  onChange={() => setVerdict(choice.verdict)}
                />
                {choice.label}
              </label>
            ))}
          </fieldset>
        )}
        <label>
          Note for the record (if you like)
          <textarea value={note} maxLength={2000} rows={3} onInput={(event) => setNote(event.currentTarget.value)} />
        </label>
        {unsaved > 0 && <Notice>{unsaved} answers have not arrived yet; finishing has to wait for them.</Notice>}
        {error !== undefined && <Notice>{error}</Notice>}
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Go on reading
          </button>
          <button type="submit" class="primary" disabled={!isReady}>
            Finish
          </button>
        </div>
      </form>
    </Dialog>
  );
}
