import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { type AnswerMessage, MOST_ENTRIES, MOST_READERS, type Protocol, protocolSchema } from "../../schemas/reading.ts";
import { Admission } from "../../workflows/admission.ts";
import { AnswerBook, type CarriedBook } from "../../workflows/answerBook.ts";
import { BookModel } from "./bookModel.ts";

const cases = "c".repeat(64);
const LENGTH = 6;
const SINCE = 1_000_000;
const LEASE_MS = 60_000;
const people = ["Ada", "Bo", "Cy"];
const protocolOf = (more: object = {}): Protocol =>
  protocolSchema.parse({
    title: "t",
    question: "q",
    layout: "single",
    answers: [
      { answer: "accept", key: "f", label: "Accept" },
      { answer: "reject", key: "j", label: "Reject" },
    ],
    mode: "shared",
    claimMinutes: LEASE_MS / 60_000,
    ...more,
  });
const takes = (check: () => void): boolean => {
  try {
    check();
    return true;
  } catch {
    return false;
  }
};

const reader = fc.constantFrom(...people);
const entry = fc.record({
  position: fc.nat({ max: LENGTH - 1 }),
  answer: fc.constantFrom("accept", "reject", null),
  // few moments, so that the same answer is sent again
  at: fc.integer({ min: SINCE - 3, max: SINCE + 9 }),
  tookMs: fc.nat({ max: 50 }),
});
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("answer" as const),
      reader,
      entries: fc.array(entry, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("claim" as const), reader, count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release" as const), reader }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("finish" as const), reader }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(1, LEASE_MS / 2, LEASE_MS),
      // a claim that is over may still stand in the book for a moment
      expires: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "new run" as const }) },
);
const protocols = fc.record({
  mode: fc.constantFrom("shared" as const, "independent" as const),
  finishedBy: fc.integer({ min: 1, max: 3 }),
  limited: fc.option(fc.integer({ min: 1, max: 4 })),
});

describe("a book", () => {
  property.prop([protocols, fc.array(step, { maxLength: 40 })], { numRuns: 400 })(
    "takes, refuses and holds what the list of everything taken says, over any number of runs of its workflow",
    ({ mode, finishedBy, limited }, steps) => {
      const protocol = protocolOf({
        mode,
        finishedBy,
        ...(limited === null ? {} : { atMost: { answer: "accept", cases: limited } }),
      });
      const subject = { cases, length: LENGTH, since: SINCE };
      const model = new BookModel(protocol, LENGTH);
      let book = new AnswerBook(protocol, subject);
      let now = SINCE;
      for (const one of steps) {
        const admission = new Admission(book);
        if (one.do === "wait") {
          now += one.ms;
          model.expire(now);
          if (one.expires) book.expireClaims(now);
        } else if (one.do === "new run") {
          book = new AnswerBook(protocol, subject, JSON.parse(JSON.stringify(book.carried)) as CarriedBook);
          book.closeWhenFinished(now);
        } else if (one.do === "answer") {
          const message: AnswerMessage = { cases, reader: one.reader, entries: one.entries };
          const taken = takes(() => admission.answer(message, now));
          expect(taken).toBe(model.takesAnswer(message, now));
          if (!taken) continue;
          const fresh = model.fresh(message).length;
          model.answer(message, now, LEASE_MS);
          expect(book.answer(message, now)).toEqual({ taken: fresh, answered: model.standing(one.reader).size });
        } else if (one.do === "finish") {
          const taken = takes(() => admission.finish({ cases, reader: one.reader }));
          expect(taken).toBe(model.takesFinish(one.reader));
          if (!taken) continue;
          book.finish({ cases, reader: one.reader }, now);
          model.finish(one.reader);
        } else {
          const message = one.do === "claim" ? { cases, reader: one.reader, count: one.count } : { cases, reader: one.reader };
          const taken = takes(() => admission[one.do](message));
          expect(taken).toBe(mode === "shared" && model.takesFrom(one.reader));
          if (!taken) continue;
          if (one.do === "claim") {
            const claim = book.claim({ cases, reader: one.reader, count: one.count }, now);
            expect(claim).toEqual({ positions: model.claim(one.reader, one.count, now, LEASE_MS), until: now + LEASE_MS });
          } else {
            book.release(message, now);
            model.release(one.reader);
          }
        }
        for (const name of people) {
          const { own, claim } = book.own(name);
          expect(new Map(own)).toEqual(model.standing(name));
          expect(claim !== null && claim.until > now ? claim : undefined).toEqual(model.claims.get(name));
        }
        const answered = people.map((name) => model.standing(name));
        expect(book.answered).toBe(
          mode === "shared"
            ? new Set(answered.flatMap((own) => [...own.keys()])).size
            : answered.reduce((sum, own) => sum + own.size, 0),
        );
        expect(book.closedBy === "readers").toBe(model.closed);
      }
      const logged = book.log.carried.events.flatMap((event) =>
        event.event === "answer"
          ? [{ what: "entry", reader: event.reader, position: event.position, answer: event.answer, at: event.at }]
          : [],
      );
      expect(logged).toEqual(model.entries);
    },
  );

  test("that is stopped takes nothing new, and acknowledges again what it took", () => {
    const book = new AnswerBook(protocolOf(), { cases, length: LENGTH, since: SINCE });
    const message = (position: number): AnswerMessage => ({
      cases,
      reader: "Ada",
      entries: [{ position, answer: "accept", at: SINCE, tookMs: 0 }],
    });
    book.answer(message(0), SINCE);
    book.stop();
    expect(() => new Admission(book).answer(message(0), SINCE)).not.toThrow();
    expect(() => new Admission(book).answer(message(1), SINCE)).toThrow("has been stopped");
    expect(book.answer(message(0), SINCE)).toEqual({ taken: 0, answered: 1 });
  });
});

describe("blocks of cases that several people claim", () => {
  const claimed = (book: AnswerBook, who: string, count: number): number[] =>
    book.claim({ cases, reader: who, count }, SINCE).positions;

  test("go on behind what was given back, chosen or not; that comes last", () => {
    const book = new AnswerBook(protocolOf(), { cases, length: LENGTH, since: SINCE });
    expect(claimed(book, "Ada", 2)).toEqual([0, 1]);
    expect(claimed(book, "Bo", 2)).toEqual([2, 3]);
    book.answer({ cases, reader: "Ada", entries: [{ position: 1, answer: "accept", at: SINCE, tookMs: 0 }] }, SINCE);
    book.release({ cases, reader: "Ada" }, SINCE);
    expect(claimed(book, "Ada", 3)).toEqual([4, 5, 0]);
    book.release({ cases, reader: "Bo" }, SINCE);
    expect(claimed(book, "Cy", 3)).toEqual([2, 3]);
  });
});

describe("the largest book", () => {
  const since = Date.UTC(2026, 0, 1);
  const year = 31_536_000_000;
  const length = 28_000;
  const name = (i: number): string => `${"𠮷".repeat(37)} ${i}`;

  test("fits into a message beside what is not yet in the store, and then refuses more", () => {
    const protocol = protocolOf();
    const book = new AnswerBook(protocol, { cases, length, since });
    const admission = new Admission(book);
    for (let i = 0; i < 28; i++) book.claim({ cases, reader: name(i), count: 1000 }, since);
    for (let i = 0; i < 28; i++) book.release({ cases, reader: name(i) }, since);
    for (let i = 0; i < 28; i++) book.claim({ cases, reader: name(i), count: 1000 }, since);
    for (let i = 28; i < MOST_READERS; i++) book.claim({ cases, reader: name(i), count: 1 }, since);
    for (let from = 0; from < MOST_ENTRIES; from += 500) {
      const entries = Array.from({ length: 500 }, (_, i) => ({
        position: (from + i) % length,
        answer: "reject",
        at: since + 3 * year + from + i,
        tookMs: 86_400_000,
      }));
      const message = { cases, reader: name((from / 500) % MOST_READERS), entries };
      book.answer(message, since + 3 * year);
      if (book.log.full) {
        book.log.chunk();
        book.log.written();
      }
    }
    const bytes = Buffer.byteLength(JSON.stringify(book.carried));
    expect(bytes).toBeGreaterThan(1_000_000);
    expect(bytes).toBeLessThan(2_000_000);
    const one = { position: 1, answer: "accept", at: since + 3 * year, tookMs: 0 };
    expect(() => admission.answer({ cases, reader: name(0), entries: [one] }, since + 3 * year)).toThrow("holds 60000 answers");
    expect(() => admission.claim({ cases, reader: "somebody else", count: 1 })).toThrow("200 people take part");
    const again = new AnswerBook(protocol, { cases, length, since }, JSON.parse(JSON.stringify(book.carried)) as CarriedBook);
    expect(again.carried).toEqual(book.carried);
  });
});
