import { lazy, Suspense } from "preact/compat";
import { dagSvg } from "../../report/dagFigure.ts";
import { type CampaignResults, type CampaignView, standsAt } from "../../schemas/review.ts";
import { api } from "./api.ts";
import { CurveFigure } from "./curve.tsx";
import { usePolled } from "./polled.ts";
import { readingPath } from "./router.ts";
import { Notice, Shell, State } from "./shell.tsx";
import { dateTime, span } from "./times.ts";

/** NiiVue is larger than everything else together: it is loaded by whoever looks at volumes. */
const Volumes = lazy(() => import("./volumes.tsx"));

const POLL_MS = 1500;
const RESULTS_MS = 5000;

/** A campaign as it runs: its steps and what they are at, and what the finished ones have to show. */
export function CampaignPage({ campaign }: { campaign: string }) {
  const view = usePolled(`campaign ${campaign}`, () => api.campaign(campaign), POLL_MS);
  const done = view.value?.steps.filter(({ outputs }) => outputs !== undefined).length ?? 0;
  const results = usePolled(`results ${campaign} ${done}`, () => api.results(campaign), RESULTS_MS);
  const waiting = usePolled("waiting", api.waiting, POLL_MS);
  const own = waiting.value?.waiting.filter((entry) => entry.campaign === campaign) ?? [];
  if (view.value === undefined)
    return <Shell title={campaign}>{view.error === undefined ? "Asking the engine…" : <Notice>{view.error}</Notice>}</Shell>;
  const { pipeline, phase, status, started, finished, steps, activity, failing, enginePage } = view.value;
  const asked = Object.values(activity).some((one) => one.waiting !== undefined);
  const settled = steps.filter(({ state }) => state !== "waiting" && state !== "blocked" && state !== "running").length;
  return (
    <Shell title={campaign}>
      {view.error !== undefined && <Notice>{view.error}. Trying again by itself.</Notice>}
      <p>
        <State state={status === "RUNNING" ? standsAt(phase, asked) : status.toLowerCase()} />
        <span class="soft">
          {" "}
          pipeline {pipeline}, {settled} of {steps.length} steps, {span((finished ?? Date.now()) - started)} since{" "}
          {dateTime(started)}.{" "}
          {enginePage === null ? (
            "The engine runs without a web page of its own here."
          ) : (
            <a href={enginePage} target="_blank" rel="noreferrer">
              The engine's own page
            </a>
          )}
        </span>
      </p>
      {own.map(({ workflow, title, answered, count }) => (
        <Notice key={workflow} kind="info">
          Waits for people: <a href={readingPath(workflow)}>{title}</a> ({answered} answered, {count} cases)
        </Notice>
      ))}
      {failing.map(({ activity: lookUp, attempt, lastFailure }) => (
        <Notice key={lookUp}>
          {lookUp}, attempt {attempt}: {lastFailure}
        </Notice>
      ))}
      {/* dagSvg escapes every name that it writes. */}
      <figure class="dag" dangerouslySetInnerHTML={{ __html: steps.length === 0 ? "" : dagSvg(dagSteps(steps)) }} />
      <Steps view={view.value} />
      {results.error !== undefined && <Notice>{results.error}</Notice>}
      {results.value !== undefined && <ResultsSections campaign={campaign} results={results.value} />}
    </Shell>
  );
}

/** Steps as the report's figure draws them. */
function dagSteps(steps: CampaignView["steps"]): Parameters<typeof dagSvg>[0] {
  return steps.map(({ name, kind, state, after, started, finished, outputs }) => ({
    name,
    uses: kind,
    after,
    outputs: outputs ?? {},
    cached: state === "cached",
    state: state === "cached" ? "done" : state === "not-needed" || state === "blocked" ? "skipped" : state,
    seconds: started === undefined ? null : ((finished ?? Date.now()) - started) / 1000,
  }));
}

function Steps({ view: { steps, activity } }: { view: CampaignView }) {
  return (
    <table class="steps">
      <thead>
        <tr>
          <th scope="col">step</th>
          <th scope="col">state</th>
          <th scope="col">progress</th>
          <th scope="col">time</th>
        </tr>
      </thead>
      <tbody>
        {steps.map(({ name, kind, state, started, finished, summary, error }) => (
          <tr key={name}>
            <th scope="row">
              {name} <span class="soft">{kind}</span>
            </th>
            <td>
              <State state={standsAt(state, activity[name]?.waiting !== undefined)} />
            </td>
            <td>
              {activity[name] !== undefined && <Activity activity={activity[name]} />}
              {error !== undefined && <span class="error">{error}</span>}
              {summary !== undefined && (
                <span class="soft">
                  {Object.entries(summary)
                    .map(([what, value]) => `${value} ${what}`)
                    .join(", ")}
                </span>
              )}
            </td>
            <td>{started === undefined ? "" : span((finished ?? Date.now()) - started)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What a running step is at: rounds, parts, and what its actions last said. */
function Activity({ activity: { parts, round, actions, waiting } }: { activity: CampaignView["activity"][string] }) {
  return (
    <>
      {waiting !== undefined && <a href={readingPath(waiting.workflow)}>waits for people</a>}
      {round !== undefined && `round ${round.round} of ${round.rounds}, ${round.stage} `}
      {parts !== undefined && (
        <>
          <progress value={parts.done} max={Math.max(1, parts.total)} /> {parts.done} of {parts.total} parts{" "}
        </>
      )}
      {actions.slice(0, 4).map(({ attempt, progress, lastFailure }, i) => (
        <div key={i}>
          {progress !== undefined && (
            <>
              <progress value={progress.done} max={Math.max(1, progress.total)} /> {Math.floor(progress.done)} of {progress.total}{" "}
              {progress.unit}
              {progress.rate !== undefined && `, ${progress.rate.toPrecision(3)} ${progress.rateUnit ?? progress.unit}/s`}
              {progress.loss !== undefined && `, loss ${progress.loss.toPrecision(3)}`}
            </>
          )}
          {attempt > 1 && (
            <span class="soft" title={lastFailure}>
              {" "}
              attempt {attempt}
            </span>
          )}
        </div>
      ))}
    </>
  );
}

function ResultsSections({ campaign, results }: { campaign: string; results: CampaignResults }) {
  const { curves, decisions, reports, volumes, withheld } = results;
  return (
    <>
      {withheld && (
        <Notice kind="info">
          Masks are being read blind: what shows them by their source, and what others decided, is shown when all studies have
          been read.
        </Notice>
      )}
      {reports.length > 0 && (
        <>
          <h2>Reports</h2>
          <p>
            {reports.map(({ step, address }) => (
              <a key={address} class="report" href={address} target="_blank" rel="noreferrer" data-server>
                {step}: tables, figures and gallery
              </a>
            ))}
          </p>
        </>
      )}
      {decisions.length > 0 && <Decisions decisions={decisions} />}
      {curves.length > 0 && (
        <>
          <h2>Training</h2>
          <div class="curves">
            {curves.map(({ step, epochs }) => (
              <CurveFigure key={step} title={step} epochs={epochs} />
            ))}
          </div>
        </>
      )}
      {volumes.length > 0 && (
        <>
          <h2>Volumes</h2>
          <Suspense fallback={<p class="soft">Loading the viewer…</p>}>
            <Volumes campaign={campaign} volumes={volumes} />
          </Suspense>
        </>
      )}
    </>
  );
}

function Decisions({ decisions }: Pick<CampaignResults, "decisions">) {
  return (
    <>
      <h2>Decisions so far</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">step</th>
            <th scope="col">question</th>
            <th scope="col">answers</th>
            <th scope="col">by</th>
            <th scope="col">verdict</th>
          </tr>
        </thead>
        <tbody>
          {decisions.map(({ step, title, decidedBy, readers, verdicts, answers, closedBy }) => (
            <tr key={`${step} ${title}`}>
              <th scope="row">{step}</th>
              <td>{title}</td>
              <td>
                {Object.entries(answers)
                  .map(([answer, count]) => `${count} ${answer}`)
                  .join(", ") || "none"}
              </td>
              <td>
                {decidedBy === "policy" ? "policy" : readers.join(", ") || "nobody"}
                {closedBy === "deadline" && " (closed by its deadline)"}
              </td>
              <td>{verdicts.join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
