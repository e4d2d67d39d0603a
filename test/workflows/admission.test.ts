import { fc, test as property } from "@fast-check/vitest";
import { ApplicationFailure } from "@temporalio/common";
import { describe, expect } from "vitest";
import { type AnswerMessage, type ClaimMessage, type FinishMessage, protocolSchema } from "../../schemas/reading.ts";
import { Admission } from "../../workflows/admission.ts";
import { AnswerBook } from "../../workflows/answerBook.ts";

const cases = "c".repeat(64);
const now = Date.UTC(2026, 0, 1);
const bookOf = (): AnswerBook =>
  new AnswerBook(
    protocolSchema.parse({
      title: "t",
      question: "q",
      layout: "single",
      answers: [{ answer: "select", key: "s", label: "Select" }],
      mode: "shared",
      verdicts: [{ verdict: "good", label: "Good" }],
    }),
    { cases, length: 5, since: now },
  );

const field = fc.oneof(
  fc.constantFrom("Ada", cases, "select", "good", 0, 4, 5, -1, 1.5, 2 ** 53, null, undefined),
  fc.anything(),
);
const entry = fc.oneof(
  fc.record({
    position: fc.nat({ max: 5 }),
    answer: fc.constantFrom("select", null, "selekt"),
    at: fc.constantFrom(now, now + 4_000_000, 8.64e15, 8.64e15 + 1, Number.MAX_SAFE_INTEGER),
    tookMs: fc.constant(1),
  }),
  fc.record({ position: field, answer: field, at: fc.oneof(field, fc.maxSafeNat()), tookMs: field }, { requiredKeys: [] }),
);
/** Messages that are right or nearly so, and anything else. */
const message = fc.oneof(
  fc.record(
    {
      reader: fc.oneof(fc.constant("Ada"), field),
      cases: fc.oneof(fc.constant(cases), field),
      entries: fc.oneof(fc.array(entry, { maxLength: 3 }), field),
      count: fc.oneof(fc.constant(3), field),
      verdict: fc.oneof(fc.constant("good"), field),
      note: field,
    },
    { requiredKeys: ["reader", "cases"] },
  ),
  fc.record({ reader: fc.constant("Ada"), cases: fc.constant(cases), entries: fc.array(entry, { minLength: 1, maxLength: 3 }) }),
  fc.record({ reader: fc.constant("Ada"), cases: fc.constant(cases), count: field }),
  fc.record(
    { reader: fc.constant("Ada"), cases: fc.constant(cases), verdict: field, note: field },
    { requiredKeys: ["reader", "cases"] },
  ),
  fc.anything(),
);

describe("whatever arrives", () => {
  property.prop([fc.array(fc.tuple(fc.constantFrom("answer", "claim", "release", "finish"), message), { maxLength: 8 })], {
    numRuns: 1500,
  })("is taken, or refused with words that a person can read", (arrived) => {
    const book = bookOf();
    const admission = new Admission(book);
    for (const [update, value] of arrived) {
      const before = JSON.stringify(book.carried);
      try {
        if (update === "answer") admission.answer(value, now);
        else admission[update as "claim"](value);
      } catch (error) {
        expect(error).toBeInstanceOf(ApplicationFailure);
        expect(error).toMatchObject({ type: "Refused" });
        expect((error as Error).message).toMatch(/^[\x20-\uffff]{5,1000}$/u);
        expect(JSON.stringify(book.carried)).toBe(before);
        continue;
      }
      if (update === "answer") book.answer(value as AnswerMessage, now);
      else if (update === "claim") book.claim(value as ClaimMessage, now);
      else if (update === "release") book.release(value as ClaimMessage, now);
      else book.finish(value as FinishMessage, now);
    }
  });
});
