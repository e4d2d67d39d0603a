import { type ReadonlySignal, signal } from "@preact/signals";
import type { ReadingEntry } from "../../schemas/reading.ts";
import { type QueuedEntry, queuedEntriesSchema } from "../../schemas/review.ts";
import { ApiError, api } from "./api.ts";

/** Which reading a queue is for: answers for another round of it, or of another person, are another queue. */
export interface QueuePlace {
  readonly workflow: string;
  readonly reader: string;
  readonly cases: string;
}

export interface QueueState {
  /** Answers that the workflow has not yet acknowledged. They lie in this browser, and survive the tab. */
  readonly unsaved: number;
  /** Since when nothing could be sent, and why; null while all is well. */
  readonly trouble: { readonly since: number; readonly why: string } | null;
}

/** Entries of one message (see answerMessageSchema). */
const MESSAGE_ENTRIES = 500;
const RETRY_MS = [500, 1000, 2000, 4000, 8000] as const;

/**
 * Answers on their way to the workflow. Each is written to the browser's storage before it is sent, and leaves it only when
 * the workflow has acknowledged it: neither a closed tab nor a dead server loses one. Sending again does no harm, since
 * entries are told apart by (reader, position, at).
 */
export class AnswerQueue {
  readonly #place: QueuePlace;
  readonly #key: string;
  readonly #storage: Storage;
  readonly #state = signal<QueueState>({ unsaved: 0, trouble: null });
  readonly #onRefused: (message: string, entries: readonly ReadingEntry[]) => void;
  #sending: Promise<void> | undefined;
  #lastAt = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** @param onRefused receives the workflow's words and the answers that it does not take; they are dropped. */
  constructor(
    place: QueuePlace,
    onRefused: (message: string, entries: readonly ReadingEntry[]) => void,
    storage: Storage = localStorage,
  ) {
    this.#place = place;
    this.#key = `recist3d:answers:${JSON.stringify([place.workflow, place.reader, place.cases])}`;
    this.#storage = storage;
    this.#onRefused = onRefused;
    this.#lastAt = Math.max(0, ...this.unsaved().map(({ at }) => at));
    this.#show();
    if (this.unsaved().length > 0) void this.flush();
  }

  get state(): ReadonlySignal<QueueState> {
    return this.#state;
  }

  /** What is still on its way, in order: pages show these answers over those of the workflow. */
  unsaved(): readonly QueuedEntry[] {
    const text = this.#storage.getItem(this.#key);
    if (text === null) return [];
    return queuedEntriesSchema.safeParse(JSON.parse(text)).data ?? [];
  }

  /** Writes an answer, and the mask that was drawn for it, down and sends them. `answer` null takes the position's answer back. */
  add(position: number, answer: string | null, tookMs: number, drawn?: QueuedEntry["drawn"]): void {
    // Two answers of the same millisecond are two.
    const at = Math.max(Date.now(), this.#lastAt + 1);
    this.#lastAt = at;
    this.#keep([...this.unsaved(), { position, answer, at, tookMs: Math.max(0, Math.round(tookMs)), drawn }]);
    void this.flush();
  }

  /** Sends what is unsaved; resolves when nothing is left or the server is away (then it is tried again by itself). */
  flush(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #send(): Promise<void> {
    clearTimeout(this.#timer);
    // One bad answer refuses the whole message: then those of the message are sent one by one.
    let oneByOne = 0;
    for (;;) {
      const next = this.unsaved().slice(0, oneByOne > 0 ? 1 : MESSAGE_ENTRIES);
      if (next.length === 0 || this.#closed) return;
      // A mask goes to the store first, by itself; the answer then names its digest.
      const drawing = next.findIndex(({ drawn }) => drawn !== undefined);
      const entries = drawing > 0 ? next.slice(0, drawing) : next.slice(0, drawing === 0 ? 1 : undefined);
      const { workflow, reader, cases } = this.#place;
      try {
        await api.answer(workflow, { reader, cases, entries: await Promise.all(entries.map((entry) => this.#withMask(entry))) });
        this.#failures = 0;
        this.#done(entries);
      } catch (error) {
        if (!(error instanceof ApiError) || !error.isRefusal) return this.#later(error as Error);
        if (entries.length > 1) {
          oneByOne = entries.length;
          continue;
        }
        this.#failures = 0;
        this.#done(entries);
        this.#onRefused(error.message, entries);
      }
      oneByOne = Math.max(0, oneByOne - 1);
    }
  }

  async #withMask({ drawn, ...entry }: QueuedEntry): Promise<ReadingEntry> {
    if (drawn === undefined) return entry;
    const { reader: author, cases } = this.#place;
    return { ...entry, ...(await api.keepMask({ ...drawn, author, cases, at: entry.at })) };
  }

  #later(error: Error): void {
    const wait = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
    if (!this.#closed) this.#timer = setTimeout(() => void this.flush(), wait);
    this.#state.value = {
      unsaved: this.unsaved().length,
      trouble: { since: this.#state.value.trouble?.since ?? Date.now(), why: error.message },
    };
  }

  /** Another tab may have written meanwhile: only what was acknowledged is taken out. */
  #done(entries: readonly ReadingEntry[]): void {
    const done = new Set(entries.map(({ position, at }) => `${position} ${at}`));
    this.#keep(this.unsaved().filter(({ position, at }) => !done.has(`${position} ${at}`)));
  }

  #keep(entries: readonly QueuedEntry[]): void {
    if (entries.length === 0) this.#storage.removeItem(this.#key);
    else this.#storage.setItem(this.#key, JSON.stringify(entries));
    this.#show();
  }

  #show(): void {
    this.#state.value = { unsaved: this.unsaved().length, trouble: this.#failures === 0 ? null : this.#state.value.trouble };
  }
}
