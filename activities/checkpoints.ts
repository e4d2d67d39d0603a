import type { Digest, Store } from "../artifacts/store.ts";
import type { Checkpoints } from "./steps/step.ts";

const pointerOf = (key: Digest): string => `checkpoints/${key.slice(0, 2)}/${key}`;

interface CheckpointPointer {
  digest: Digest | null;
}

/**
 * Checkpoints of the action with this key, as blobs with a pointer to the newest. Training is a pure function of the
 * action, so any checkpoint of it is valid for any attempt, whoever wrote it. The one before the newest is kept too
 * (another attempt may be reading it); older ones are dropped.
 */
export function checkpointsOf(store: Store, key: Digest): Checkpoints {
  const written: Digest[] = [];
  return {
    latest: async () => {
      const digest = await newestCheckpoint(store, key);
      return digest === null ? null : store.getBlob(digest);
    },
    save: async (bytes) => {
      const digest = await store.putBlob(bytes);
      await store.setPointer(pointerOf(key), { digest } satisfies CheckpointPointer);
      if (written.at(-1) !== digest) written.push(digest);
      while (written.length > 2) await store.dropBlob(written.shift()!);
      return digest;
    },
  };
}

export async function newestCheckpoint(store: Store, key: Digest): Promise<Digest | null> {
  const pointer = (await store.getPointer(pointerOf(key))) as CheckpointPointer | undefined;
  return pointer?.digest ?? null;
}

/** Forgets the checkpoints of an action: its next attempt starts from the beginning. Asked for by a person, never done alone. */
export async function discardCheckpoints(store: Store, key: Digest): Promise<void> {
  await store.setPointer(pointerOf(key), { digest: null } satisfies CheckpointPointer);
}
