import { execFileSync } from "node:child_process";
import { fc } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { readCsvTable, writeCsvTable } from "../../methods/datasets/csvTable.ts";

const python = process.env.RECIST3D_PYTHON ?? "python3";
const header = ["id", "note, in words", 'a "third"'];
/** Names as people give them, with everything that a table could trip over. */
const cell = fc.string({
  unit: fc.constantFrom("a", "Z", "7", "é", "肺", "🫁", ",", ";", '"', "'", "\n", "\r", "\t", " ", "\\"),
});
const tables = fc.array(fc.tuple(cell, cell, cell), { maxLength: 6 });

describe("writeCsvTable", () => {
  it("quotes what RFC 4180 says, doubles quotes, ends every line with CR LF, and leaves null empty", () => {
    expect(
      writeCsvTable(
        ["id", "n"],
        [
          ["a,b", 1.5],
          ['say "x"', null],
          ["two\nlines", 0],
        ],
      ),
    ).toBe('id,n\r\n"a,b",1.5\r\n"say ""x""",\r\n"two\nlines",0\r\n');
  });

  it("is read back cell by cell by our reader", () => {
    fc.assert(
      fc.property(tables, (rows) => {
        const read = readCsvTable(writeCsvTable(header, rows), "table.csv");
        expect(read.header.map(({ text }) => text)).toEqual(header);
        // the reader leaves rows without any text out
        expect(read.rows.map((row) => row.map(({ text }) => text))).toEqual(
          rows.filter((row) => row.some((text) => text !== "")),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("is read back cell by cell by Python's csv module", () => {
    const written = fc.sample(tables, 300);
    const script =
      "import csv, io, json, sys\n" +
      "print(json.dumps([list(csv.reader(io.StringIO(t, newline=''), strict=True)) for t in json.load(sys.stdin)]))";
    const texts = JSON.stringify(written.map((rows) => writeCsvTable(header, rows)));
    const read = JSON.parse(execFileSync(python, ["-c", script], { input: texts, encoding: "utf8" }));
    expect(read).toEqual(written.map((rows) => [header, ...rows]));
  });
});
