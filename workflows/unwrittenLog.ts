import type { ReadingEvent } from "../schemas/reading.ts";

/**
 * What travels in one message (2 MB): to the store a chunk of the log, to the workflow's next run what is not yet in the
 * store, beside everything answered.
 */
const MESSAGE_BYTES = 300_000;

/** What one run of a reading's workflow hands to the next. */
export interface CarriedLog {
  events: ReadingEvent[];
  chunk: number;
}

/** What has happened in a reading and is not yet in the store, oldest first. */
export class UnwrittenLog {
  readonly #events: ReadingEvent[];
  readonly #sizes: number[];
  /** Number of events in the chunk that is being written. Tried again it is the same chunk, whatever has come meanwhile. */
  #chunk: number;

  constructor({ events, chunk }: CarriedLog = { events: [], chunk: 0 }) {
    this.#events = [...events];
    this.#sizes = events.map(bytesOf);
    this.#chunk = chunk;
  }

  add(event: ReadingEvent): void {
    this.#events.push(event);
    this.#sizes.push(bytesOf(event));
  }

  get events(): number {
    return this.#events.length;
  }

  /** Whether it is more than fits into a message. */
  get full(): boolean {
    return this.#sizes.reduce((sum, size) => sum + size, 0) > MESSAGE_BYTES;
  }

  /** When the oldest event came in, in milliseconds since the epoch; Infinity if there is none. */
  get oldest(): number {
    return this.#events[0]?.received ?? Infinity;
  }

  /** What is to be written next, as many events as fit into a message; there must be one. */
  chunk(): ReadingEvent[] {
    if (this.#chunk === 0) {
      let bytes = 0;
      do bytes += this.#sizes[this.#chunk++];
      while (this.#chunk < this.#sizes.length && bytes + this.#sizes[this.#chunk] <= MESSAGE_BYTES);
    }
    return this.#events.slice(0, this.#chunk);
  }

  /** The chunk is in the store. */
  written(): void {
    this.#events.splice(0, this.#chunk);
    this.#sizes.splice(0, this.#chunk);
    this.#chunk = 0;
  }

  get carried(): CarriedLog {
    return { events: this.#events, chunk: this.#chunk };
  }
}

const encoder = new TextEncoder();
const bytesOf = (event: ReadingEvent): number => encoder.encode(JSON.stringify(event)).length + 1;
