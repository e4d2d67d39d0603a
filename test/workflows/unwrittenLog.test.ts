import { fc, test as property } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { ReadingEvent } from "../../schemas/reading.ts";
import { UnwrittenLog } from "../../workflows/unwrittenLog.ts";

const claim = (received: number, positions: number): ReadingEvent => ({
  event: "claim",
  received,
  reader: "Ada",
  positions: Array(positions).fill(27_999),
  until: received + 1,
});
const bytes = (events: readonly ReadingEvent[]): number => Buffer.byteLength(JSON.stringify(events));

describe("what is not yet in the store", () => {
  property.prop([
    fc.array(fc.tuple(fc.nat({ max: 28_000 }), fc.constantFrom("add", "write", "fail", "new run")), { maxLength: 30 }),
  ])("goes there in order, in chunks that fit into a message, each of them the same when it is tried again", (steps) => {
    let log = new UnwrittenLog();
    const added: ReadingEvent[] = [];
    const written: ReadingEvent[] = [];
    let failed: ReadingEvent[] | null = null;
    for (const [positions, step] of steps) {
      if (step === "add") {
        const event = claim(added.length, positions);
        added.push(event);
        log.add(event);
      } else if (step === "new run") {
        log = new UnwrittenLog(JSON.parse(JSON.stringify(log.carried)));
      } else if (log.events > 0) {
        const chunk = log.chunk();
        if (failed !== null) expect(chunk).toEqual(failed);
        failed = step === "fail" ? chunk : null;
        expect(chunk.length === 1 || bytes(chunk) < 310_000).toBe(true);
        if (step === "fail") continue;
        written.push(...chunk);
        log.written();
      }
      expect([...written, ...log.carried.events]).toEqual(added);
      expect(log.events).toBe(added.length - written.length);
      expect(log.oldest).toBe(log.events === 0 ? Infinity : written.length);
      expect(log.full).toBe(bytes(log.carried.events) > 300_001);
    }
  });
});
