/**
 * `value` as canonical JSON after RFC 8785: no white space, object keys sorted by UTF-16 code units, numbers and strings
 * as ECMAScript writes them. Equal values give equal texts, so that texts can be hashed.
 * @throws TypeError naming the place of the first thing that JSON cannot keep: NaN, ±∞, undefined, a lone surrogate,
 * a bigint, a function, a cycle, or an object that is no plain one (Date, Map, typed array …).
 */
export function canonicalJson(value: unknown): string {
  return write(value, "$", []);
}

function write(value: unknown, place: string, parents: readonly object[]): string {
  switch (typeof value) {
    case "string":
      return quote(value, place);
    case "boolean":
      return String(value);
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`JSON cannot keep ${value} (at ${place})`);
      return JSON.stringify(value);
    case "object": {
      if (value === null) return "null";
      if (parents.includes(value)) throw new TypeError(`JSON cannot keep a cycle (at ${place})`);
      const ancestors = [...parents, value];
      if (Array.isArray(value)) {
        return `[${Array.from(value, (item, i) => write(item, `${place}[${i}]`, ancestors)).join(",")}]`;
      }
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) {
        throw new TypeError(`JSON cannot keep a ${value.constructor?.name ?? "class instance"} (at ${place})`);
      }
      const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
      return `{${fields.map(([key, item]) => `${quote(key, place)}:${write(item, `${place}.${key}`, ancestors)}`).join(",")}}`;
    }
    default:
      throw new TypeError(`JSON cannot keep ${typeof value === "undefined" ? "undefined" : `a ${typeof value}`} (at ${place})`);
  }
}

function quote(text: string, place: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new TypeError(`JSON cannot keep a lone surrogate (at ${place})`);
  return JSON.stringify(text);
}
