import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { storeContract } from "./storeContract.ts";

const scratch = mkdtempSync(join(tmpdir(), "recist3d-store-"));
afterAll(() => rmSync(scratch, { recursive: true }));

storeContract("folder", {
  async open() {
    const files = mkdtempSync(join(scratch, "store-"));
    const again = async () => openFileStore(files);
    return { store: await again(), again, files };
  },
});
