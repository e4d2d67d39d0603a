import type { ComponentType } from "preact";
import { useEffect, useErrorBoundary, useState } from "preact/hooks";
import { type Protocol, readerSchema } from "../../schemas/reading.ts";
import type { ReadingView, ShownCases } from "../../schemas/review.ts";
import { api } from "./api.ts";
import { Curation } from "./curation.tsx";
import { Editing } from "./editing.tsx";
import { Judging } from "./judging.tsx";
import { Notice, Shell } from "./shell.tsx";
import { dateTime } from "./times.ts";

/** What the page of a layout is given: the reading as its reader sees it, and the cases. */
export interface ReadingProps {
  readonly workflow: string;
  readonly reader: string;
  readonly view: ReadingView;
  readonly cases: ShownCases;
  /** Asks the workflow anew, e.g. after a claim or a refusal. */
  readonly reload: () => Promise<ReadingView>;
}

/** The page of every layout. */
const layouts: Record<Protocol["layout"], ComponentType<ReadingProps>> = {
  grid: Curation,
  single: Judging,
  pair: Judging,
  edit: Editing,
};

const READER = "recist3d:reader";

/** A reading: first who reads, then the page of its layout. */
export function ReadingPage({ workflow }: { workflow: string }) {
  const [reader, setReader] = useState<string | null>(null);
  const [view, setView] = useState<ReadingView>();
  const [cases, setCases] = useState<ShownCases>();
  const [error, setError] = useState<string>();
  /** What no layout can show. */
  const [fault] = useErrorBoundary();
  const load = async (who: string | null): Promise<ReadingView> => {
    const loaded = await api.reading(workflow, who);
    setView(loaded);
    return loaded;
  };
  useEffect(() => {
    load(reader)
      .then(async ({ state }) => setCases(await api.cases(state.cases)))
      .then(
        () => setError(undefined),
        (reason: Error) => setError(reason.message),
      );
  }, [reader]);

  const wrong = error ?? (fault as Error | undefined)?.message;
  if (wrong !== undefined)
    return (
      <Shell title="Reading">
        <Notice>{wrong}</Notice>
        <button type="button" onClick={() => location.reload()}>
          Try again
        </button>
      </Shell>
    );
  if (view === undefined || cases === undefined) return <Shell title="Reading">Loading…</Shell>;
  if (view.state.closed)
    return (
      <Shell title={view.state.protocol.title}>
        <Notice kind="info">This reading is closed. Thank you.</Notice>
      </Shell>
    );
  if (reader === null || view.reader === null) return <Welcome view={view} onReader={setReader} />;
  const Layout = layouts[view.state.protocol.layout];
  return (
    <Layout key={view.reader} workflow={workflow} reader={view.reader} view={view} cases={cases} reload={() => load(reader)} />
  );
}

/** Asks for the name under which answers will stand in the record. */
function Welcome({ view, onReader }: { view: ReadingView; onReader: (reader: string) => void }) {
  const { protocol, count, length, readers, deadline } = view.state;
  const [name, setName] = useState(localStorage.getItem(READER) ?? protocol.readers[0] ?? "");
  const [error, setError] = useState<string>();
  const begin = (event: Event): void => {
    event.preventDefault();
    const checked = readerSchema.safeParse(name);
    if (!checked.success) setError(`The name ${checked.error.issues[0].message}.`);
    else if (protocol.readers.length > 0 && !protocol.readers.includes(checked.data))
      setError(`Those who may read are ${protocol.readers.join(", ")}.`);
    else {
      localStorage.setItem(READER, checked.data);
      onReader(checked.data);
    }
  };
  return (
    <Shell title={protocol.title}>
      <p class="question">{protocol.question}</p>
      <p class="soft">
        {count} cases. {protocol.mode === "shared" ? "They are divided between all who read." : "Every reader answers every case"}
        {protocol.mode !== "shared" && (length > count ? `, ${length - count} of them twice.` : ".")}
        {deadline !== null && ` Open until ${dateTime(deadline)}.`}
      </p>
      <form class="reader" onSubmit={begin}>
        <label>
          Your name, as it will stand in the record
          <input
            name="reader"
            value={name}
            autocomplete="name"
            autofocus
            aria-invalid={error !== undefined}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          Begin
        </button>
      </form>
      {error !== undefined && <Notice>{error}</Notice>}
      {readers.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">reader</th>
              <th scope="col">answered</th>
              <th scope="col">finished</th>
            </tr>
          </thead>
          <tbody>
            {readers.map(({ reader, answered, finished }) => (
              <tr key={reader}>
                <th scope="row">{reader}</th>
                <td>{answered}</td>
                <td>{finished === null ? "" : dateTime(finished)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Shell>
  );
}
