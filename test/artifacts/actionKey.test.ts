import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { type ActionIdentity, actionKey } from "../../artifacts/actionKey.ts";
import type { Digest } from "../../artifacts/store.ts";

const action: ActionIdentity = {
  kind: "network.train",
  kindVersion: 1,
  params: { network: "hnn", optimizer: { adam: { rate: 5e-5 } }, epochs: 3, augment: true, note: "µ" },
  inputs: { labels: "b".repeat(64) as Digest, images: "a".repeat(64) as Digest },
  fingerprint: "tfjs-node 4.22.0",
};

describe("actionKey", () => {
  it("never changes: the digests of test/oracles/artifact_digests.py", () => {
    expect(actionKey(action)).toBe("9e2b7ef915dd253fc9fbc3d0f9256152e688d745da489a8a28204ad5104e024e");
    expect(actionKey({ ...action, part: undefined })).toBe("9e2b7ef915dd253fc9fbc3d0f9256152e688d745da489a8a28204ad5104e024e");
    expect(actionKey({ ...action, part: 0 })).toBe("c1ac91433a67cbacd361880a305b1b94872bf1262a9934ae210647ff53091cde");
    expect(actionKey({ ...action, params: {}, inputs: {} })).toBe(
      "2af6b384fb143247ae49a56d8c91f413cd14387454741b8f10fc7b9a79636c43",
    );
  });

  it("does not depend on the order of parameters and inputs, nor on fields that are no part of the identity", () => {
    const { params, inputs } = action;
    const reversed = <T>(fields: Readonly<Record<string, T>>) => Object.fromEntries(Object.entries(fields).reverse());
    const other = {
      ...reversed({ ...action, params: reversed(params), inputs: reversed(inputs) }),
      attempt: 3,
    } as unknown as ActionIdentity;
    expect(actionKey(other)).toBe(actionKey(action));
  });

  it("differs as soon as anything differs", () => {
    const others: ActionIdentity[] = [
      { ...action, kind: "network.trains" },
      { ...action, kindVersion: 2 },
      { ...action, params: { ...action.params, epochs: 4 } },
      { ...action, params: { ...action.params, epochs: "3" } },
      { ...action, params: { ...action.params, more: null } },
      { ...action, inputs: { labels: action.inputs.images, images: action.inputs.labels } },
      { ...action, inputs: { images: action.inputs.images } },
      { ...action, fingerprint: "tfjs-node 4.22.1" },
      { ...action, part: 0 },
      { ...action, part: 1 },
    ];
    expect(new Set([action, ...others].map(actionKey)).size).toBe(others.length + 1);
  });

  const identity = fc.record({
    kind: fc.string(),
    kindVersion: fc.nat(),
    params: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean())),
    inputs: fc.dictionary(fc.string(), fc.constantFrom("a".repeat(64) as Digest, "b".repeat(64) as Digest)),
    fingerprint: fc.string(),
  });
  test.prop([identity, identity])("is equal for equal identities only", (a, b) => {
    const equal = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
    expect(actionKey(a) === actionKey(b)).toBe(equal);
    expect(actionKey(structuredClone(a))).toBe(actionKey(a));
  });
});

function sorted({ params, inputs, ...rest }: ActionIdentity): unknown {
  const fields = (of: object) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1));
  return [fields(rest), fields(params), fields(inputs)];
}
