import { type ReadonlySignal, signal } from "@preact/signals";
import type { ReadingEntry } from "../../schemas/reading.ts";
import { type QueuedEntry, queuedEntrySchema } from "../../schemas/review.ts";
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
  /** Of these, the ones that the browser's storage has no room for: they are lost with the tab. */
  readonly unkept: number;
  /** Answers that lay in this browser and cannot be read: they are not sent. */
  readonly unreadable: number;
  /** Since when nothing could be sent, and why; null while all is well. */
  readonly trouble: { readonly since: number; readonly why: string } | null;
}

/** Entries of one message (see answerMessageSchema). */
const MESSAGE_ENTRIES = 500;
const RETRY_MS = [500, 1000, 2000, 4000, 8000] as const;

/** What storages had no room for, by the key that it would lie under: going to another page and back must not lose it. */
const withoutRoom = new Map<string, readonly QueuedEntry[]>();

/**
 * Answers on their way to the workflow. Each is written to the browser's storage before it is sent, and leaves it only when
 * the workflow has acknowledged it: neither a closed tab nor a dead server loses one. One that the storage has no room for
 * is kept in memory meanwhile. Sending again does no harm, since entries are told apart by (reader, position, at).
 */
export class AnswerQueue {
  readonly #place: QueuePlace;
  readonly #key: string;
  /** Where entries are put that cannot be read. */
  readonly #asideKey: string;
  readonly #storage: Storage;
  readonly #state = signal<QueueState>({ unsaved: 0, unkept: 0, unreadable: 0, trouble: null });
  readonly #onRefused: (message: string, entries: readonly ReadingEntry[]) => void;
  #sending: Promise<void> | undefined;
  #lastAt = 0;
  #failures = 0;
  #putAside = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** @param onRefused receives the workflow's words and the answers that it does not take; they are dropped. */
  constructor(
    place: QueuePlace,
    onRefused: (message: string, entries: readonly ReadingEntry[]) => void,
    storage: Storage = localStorage,
  ) {
    this.#place = place;
    const reading = JSON.stringify([place.workflow, place.reader, place.cases]);
    this.#key = `recist3d:answers:${reading}`;
    this.#asideKey = `recist3d:unreadable:${reading}`;
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
    return [...this.#stored().entries, ...this.#unkept].sort((one, other) => one.at - other.at);
  }

  /** Writes an answer, and the mask that was drawn for it, down and sends them. `answer` null takes the position's answer back. */
  add(position: number, answer: string | null, tookMs: number, drawn?: QueuedEntry["drawn"]): void {
    // Two answers of the same millisecond are two.
    const at = Math.max(Date.now(), this.#lastAt + 1);
    this.#lastAt = at;
    this.#keep([...this.#unkept, { position, answer, at, tookMs: Math.max(0, Math.round(tookMs)), drawn }]);
    void this.flush();
  }

  /** Sends what is unsaved; resolves when nothing is left or the server is away (then it is tried again by itself). */
  flush(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  /** Ends the sending, save of what only this tab has. */
  close(): void {
    this.#closed = true;
    if (this.#isOver) clearTimeout(this.#timer);
  }

  get #isOver(): boolean {
    return this.#closed && this.#unkept.length === 0;
  }

  async #send(): Promise<void> {
    clearTimeout(this.#timer);
    // One bad answer refuses the whole message: then those of the message are sent one by one.
    let oneByOne = 0;
    for (;;) {
      const next = this.unsaved().slice(0, oneByOne > 0 ? 1 : MESSAGE_ENTRIES);
      if (next.length === 0 || this.#isOver) return;
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
    if (!this.#isOver) this.#timer = setTimeout(() => void this.flush(), wait);
    this.#show({ since: this.#state.value.trouble?.since ?? Date.now(), why: error.message });
  }

  /** Another tab may have written meanwhile: only what was acknowledged is taken out. */
  #done(entries: readonly ReadingEntry[]): void {
    const done = new Set(entries.map(nameOf));
    const isOpen = (entry: QueuedEntry): boolean => !done.has(nameOf(entry));
    const { entries: stored } = this.#stored();
    if (!stored.every(isOpen)) this.#write(stored.filter(isOpen));
    this.#keep(this.#unkept.filter(isOpen));
  }

  /** Writes down what there is room for, be it room that there was not before; the rest stays in memory. */
  #keep(entries: readonly QueuedEntry[]): void {
    this.#unkept = entries.filter((entry) => !this.#write([...this.#stored().entries, entry]));
    this.#show();
  }

  get #unkept(): readonly QueuedEntry[] {
    return withoutRoom.get(this.#key) ?? [];
  }

  set #unkept(entries: readonly QueuedEntry[]) {
    if (entries.length === 0) withoutRoom.delete(this.#key);
    else withoutRoom.set(this.#key, entries);
  }

  /** What is stored. Entries that cannot be read are moved under a key of their own; where that has no room they stay. */
  #stored(): { entries: readonly QueuedEntry[]; unreadable: readonly unknown[] } {
    const { entries, unreadable } = readEntries(this.#storage.getItem(this.#key));
    if (unreadable.length === 0) return { entries, unreadable };
    const before: unknown[] = JSON.parse(this.#storage.getItem(this.#asideKey) ?? "[]");
    if (!this.#isWritten(this.#asideKey, [...before, ...unreadable])) return { entries, unreadable };
    this.#isWritten(this.#key, entries);
    this.#putAside += unreadable.length;
    return { entries, unreadable: [] };
  }

  /** @returns false where the storage has no room; then it is as it was */
  #write(entries: readonly QueuedEntry[]): boolean {
    return this.#isWritten(this.#key, [...entries, ...this.#stored().unreadable]);
  }

  #isWritten(key: string, values: readonly unknown[]): boolean {
    if (values.length === 0) this.#storage.removeItem(key);
    else {
      const text = JSON.stringify(values);
      try {
        this.#storage.setItem(key, text);
      } catch {
        return false;
      }
    }
    return true;
  }

  #show(trouble: QueueState["trouble"] = this.#failures === 0 ? null : this.#state.value.trouble): void {
    const unreadable = this.#putAside + this.#stored().unreadable.length;
    this.#state.value = { unsaved: this.unsaved().length, unkept: this.#unkept.length, unreadable, trouble };
  }
}

const nameOf = ({ position, at }: ReadingEntry): string => `${position} ${at}`;

/** The entries of a stored text, and what of it is none. */
function readEntries(text: string | null): { entries: QueuedEntry[]; unreadable: unknown[] } {
  const entries: QueuedEntry[] = [];
  const unreadable: unknown[] = [];
  for (const value of text === null ? [] : valuesIn(text)) {
    const { data } = queuedEntrySchema.safeParse(value);
    if (data === undefined) unreadable.push(value);
    else entries.push(data);
  }
  return { entries, unreadable };
}

function valuesIn(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch {
    return [text];
  }
}
