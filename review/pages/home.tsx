import { type CampaignList, standsAt, type WaitingEntry } from "../../schemas/review.ts";
import { api } from "./api.ts";
import { usePolled } from "./polled.ts";
import { campaignPath, readingPath } from "./router.ts";
import { Notice, Shell, State } from "./shell.tsx";
import { ago, ahead, dateTime, span } from "./times.ts";

const POLL_MS = 3000;
const SHOWN_CAMPAIGNS = 12;

/** What waits for a person, and how the campaigns stand. */
export function Home() {
  const waiting = usePolled("waiting", api.waiting, POLL_MS);
  const campaigns = usePolled("campaigns", api.campaigns, POLL_MS);
  const error = waiting.error ?? campaigns.error;
  const entries = waiting.value?.waiting ?? [];
  const silent = waiting.value?.silent ?? [];
  return (
    <Shell title="What waits for you">
      {error !== undefined && <Notice>{error}. Trying again by itself.</Notice>}
      {silent.length > 0 && (
        <Notice>
          {silent.length === 1 ? `"${silent[0]}" waits` : `${silent.length} more wait`} for people, but no worker answers at the
          moment.
        </Notice>
      )}
      <section aria-label="What waits">
        {waiting.value === undefined && error === undefined && <p class="soft">Asking the engine…</p>}
        {waiting.value !== undefined && entries.length === 0 && silent.length === 0 && (
          <p class="soft">Nothing waits at the moment. This page looks again every few seconds.</p>
        )}
        <ul class="waiting">
          {entries.map((entry) => (
            <Waiting key={entry.workflow} entry={entry} />
          ))}
        </ul>
      </section>
      <h2>Campaigns</h2>
      {campaigns.value !== undefined && <Campaigns campaigns={campaigns.value} />}
    </Shell>
  );
}

const LAYOUT_WORDS = {
  grid: "choose from a grid",
  single: "one case after the other",
  pair: "two side by side",
  edit: "masks to correct",
} as const;

function Waiting({ entry }: { entry: WaitingEntry }) {
  const { workflow, title, layout, campaign, step, round, since, deadline, reminders, count, answered, readers } = entry;
  return (
    <li>
      <a class="card" href={readingPath(workflow)}>
        <strong class="card-title">{title}</strong>
        <span class="soft">
          {count} cases, {LAYOUT_WORDS[layout]}
        </span>
        <dl class="facts">
          <Fact name="campaign" value={`${campaign}, step ${step}`} />
          {round > 1 && <Fact name="round" value={String(round)} />}
          <Fact name="waits since" value={ago(since)} title={dateTime(since)} />
          {deadline !== null && <Fact name="deadline" value={ahead(deadline)} title={dateTime(deadline)} />}
          <Fact name="answered" value={String(answered)} />
          <Fact name="readers" value={readers.length === 0 ? "nobody yet" : readers.join(", ")} />
          {reminders > 0 && <Fact name="reminders" value={String(reminders)} />}
        </dl>
      </a>
    </li>
  );
}

function Fact({ name, value, title }: { name: string; value: string; title?: string }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Campaigns({ campaigns }: { campaigns: CampaignList }) {
  if (campaigns.length === 0) return <p class="soft">None yet: recist3d run PIPELINE starts one.</p>;
  const now = Date.now();
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">campaign</th>
          <th scope="col">pipeline</th>
          <th scope="col">status</th>
          <th scope="col">started</th>
          <th scope="col">time</th>
        </tr>
      </thead>
      <tbody>
        {campaigns.slice(0, SHOWN_CAMPAIGNS).map(({ campaign, pipeline, status, waitsForPeople, started, finished }) => (
          <tr key={`${campaign} ${started}`}>
            <th scope="row">
              <a href={campaignPath(campaign)}>{campaign}</a>
            </th>
            <td>{pipeline}</td>
            <td>
              <State state={standsAt(status, waitsForPeople)} />
            </td>
            <td title={dateTime(started)}>{ago(started, now)}</td>
            <td>{span((finished ?? now) - started)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
