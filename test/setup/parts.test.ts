import { describe, expect, it } from "vitest";
import { differences } from "../../scripts/setup/nodeModules.mjs";
import { partsFor } from "../../scripts/setup/parts.mjs";

describe("what a command needs to be set up", () => {
  it.each([
    ["", "npm"],
    ["--help", "npm"],
    ["run --help", "npm"],
    ["segment --image ct.nii.gz --marks marks.json --out masks", "npm"],
    ["segment --image ct.nii.gz --marks marks.json --out masks --model final", "npm tfjs"],
    ["segment --model=final --image ct.nii.gz", "npm tfjs"],
    ["--debug measure mask.nii.gz", "npm"],
    ["export crate lung", "npm"],
    ["status lung", "npm tfjs tools bundle pages"],
    ["run pipelines/demo.yaml", "npm tfjs tools bundle pages"],
    ["up", "npm tfjs tools bundle pages"],
  ])("recist3d %s → %s", (commandLine, parts) => {
    expect(partsFor(commandLine.split(" ").filter(Boolean), {}).join(" ")).toBe(parts);
  });

  it("builds no engine when the environment names one", () => {
    expect(partsFor(["run", "p.yaml"], { TEMPORAL_ADDRESS: "temporal:7233" })).toEqual(["npm", "tfjs", "bundle"]);
    expect(partsFor(["review"], { TEMPORAL_ADDRESS: "temporal:7233" })).toEqual(["npm", "pages"]);
  });

  it("is what RECIST3D_SETUP says, if it says anything known", () => {
    expect(partsFor(["up"], { RECIST3D_SETUP: "npm,tfjs" })).toEqual(["npm", "tfjs"]);
    expect(() => partsFor(["up"], { RECIST3D_SETUP: "everything" })).toThrow(
      /no part "everything"\n.*npm, tfjs, tools, bundle, pages, server, compose, all, none/,
    );
  });
});

describe("whether node_modules is what package-lock.json says", () => {
  const zod = { version: "4.6.7", integrity: "sha512-a" };
  const wanted = {
    "": { version: "0.1.0" },
    "node_modules/zod": zod,
    "node_modules/for-mac": { version: "1.0.0", optional: true },
  };

  it("is when all is there but packages for other platforms", () => {
    expect(differences(wanted, { "node_modules/zod": zod })).toEqual([]);
  });

  it.each([
    ["missing", {}],
    ["of another version", { "node_modules/zod": { ...zod, version: "4.6.6" } }],
    ["of other bytes", { "node_modules/zod": { ...zod, integrity: "sha512-b" } }],
  ])("is not when a package is %s", (_what, installed) => {
    expect(differences(wanted, installed)).toEqual(["node_modules/zod"]);
  });

  it("is not when there is a package too many", () => {
    const installed = { "node_modules/zod": zod, "node_modules/left": { version: "1.0.0" } };
    expect(differences(wanted, installed)).toEqual(["node_modules/left"]);
  });
});
