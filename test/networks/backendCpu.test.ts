import { expect, it } from "vitest";
import { openBackend } from "../../methods/networks/backend.ts";
import { describeBackend } from "./backendContract.ts";

const backend = await openBackend({ prefer: "cpu" });

it("says that it is slow", () => {
  expect(backend).toMatchObject({ name: "cpu", slow: true, raw: false });
});

describeBackend("plain JavaScript", backend);
