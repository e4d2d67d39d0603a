/** A process that writes to a folder store until it is done or killed: `fileStoreWriter.ts FOLDER TASK [ARGUMENT …]`. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { openFileStore } from "../../artifacts/fileStore.ts";

const [folder, task, argument, gun] = process.argv.slice(2);
const store = openFileStore(folder);

switch (task) {
  case "large":
    console.log("writing");
    await store.putBlob(Buffer.alloc(200_000_000, 7));
    break;
  case "pointers": {
    console.log("writing");
    const value = { payload: "x".repeat(5000) };
    for (let i = 0; ; i++) {
      await store.setPointer("state", value);
      await store.setPointer(`commit/${argument}-${i}`, value, { ifAbsent: true });
    }
  }
  case "commit":
    console.log("ready");
    while (!existsSync(gun)) await new Promise((done) => setTimeout(done, 1));
    console.log(await store.setPointer("commit", { by: argument }, { ifAbsent: true }));
    break;
  case "fill": {
    try {
      await store.putBlob(Buffer.alloc(Number(argument), 1));
      console.log("no error");
    } catch (error) {
      console.log((error as Error).name, (error as Error).message);
    }
    const counts = [0, 0];
    for await (const _ of store.listBlobs()) counts[0]++;
    for await (const _ of store.listStrays()) counts[1]++;
    console.log(`blobs ${counts[0]} temporaries ${readdirSync(join(folder, "tmp")).length} strays ${counts[1]}`);
    const small = Buffer.from("still fits");
    if ((await store.getBlob(await store.putBlob(small))).equals(small)) console.log("small ok");
    break;
  }
}
