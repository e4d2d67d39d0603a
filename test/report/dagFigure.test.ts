import { describe, expect, it } from "vitest";
import { dagSvg, stateWords } from "../../report/dagFigure.ts";

const step = (name: string, after: string[] = []): Parameters<typeof dagSvg>[0][number] => ({
  name,
  uses: "kind",
  cached: false,
  state: "done",
  seconds: 1,
  outputs: {},
  after,
});

/** x and y of every node by the name in its title. */
function places(svg: string): Record<string, [number, number]> {
  return Object.fromEntries(
    [...svg.matchAll(/<g transform="translate\(([\d.]+) ([\d.]+)\)"><title>(\S+)/g)].map(([, x, y, name]) => [
      name,
      [Number(x), Number(y)],
    ]),
  );
}

describe("the DAG's drawing", () => {
  it("puts every step to the right of all that it reads from, and no two steps on one place", () => {
    const steps = [step("a"), step("b", ["a"]), step("c", ["a"]), step("d", ["b", "c"]), step("e", ["a", "d"]), step("f")];
    const at = places(dagSvg(steps));
    for (const s of steps) for (const before of s.after) expect(at[before][0]).toBeLessThan(at[s.name][0]);
    expect(new Set(Object.values(at).map(String)).size).toBe(steps.length);
  });

  it("has an arrow head for every wire", () => {
    const svg = dagSvg([step("a"), step("b", ["a"]), step("c", ["a", "b"]), step("d", ["a", "c"])]);
    expect(svg.match(/l-6 -3\.5v7z/g)).toHaveLength(5);
  });

  it("keeps a lane free for a wire that passes a column by", () => {
    const at = places(dagSvg([step("a"), step("b", ["a"]), step("c", ["a", "b"])]));
    expect(at.b[1]).not.toBe(at.a[1]); // a's wire to c runs beside b, not through it
  });

  it("is nothing but a sentence for those who cannot see it", () => {
    expect(dagSvg([step("a"), { ...step("b", ["a"]), cached: true }])).toContain(
      'aria-label="Steps of the campaign and what each reads: a (done, 1.0 s); b (done, cached) after a"',
    );
  });

  it("refuses circles and steps that are not there", () => {
    expect(() => dagSvg([step("a", ["b"]), step("b", ["a"])])).toThrow(/reads from itself/);
    expect(() => dagSvg([step("a", ["z"])])).toThrow(/z is read from but is not there/);
  });

  it("says what a state is", () => {
    expect(stateWords({ state: "failed", cached: false, seconds: 75 })).toBe("failed, 1 min 15 s");
    expect(stateWords({ state: "waiting", cached: false, seconds: null })).toBe("waiting");
  });
});
