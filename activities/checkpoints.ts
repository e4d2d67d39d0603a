import { DamagedBlobError, MissingBlobError } from "../artifacts/errors.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { Checkpoints } from "./steps/step.ts";

/** Neither the newest checkpoint of an action nor the one before it can be read. */
export class LostCheckpointError extends Error {
  override readonly name = "LostCheckpointError";

  constructor(cause: Error) {
    super(
      `neither the newest checkpoint nor the one before it can be read (${cause.message}); to train from the beginning: recist3d retry <campaign> <step> --discard-checkpoint`,
      { cause },
    );
  }
}

const pointerOf = (key: Digest): string => `checkpoints/${key.slice(0, 2)}/${key}`;

interface CheckpointPointer {
  digest: Digest | null;
  /** The one before. */
  before?: Digest;
}

/**
 * Checkpoints of the action with this key, as blobs with a pointer to the newest. Training is a pure function of the
 * action, so any checkpoint of it is valid for any attempt, whoever wrote it. The one before the newest is kept too
 * (another attempt may be reading it, and it stands in where the newest is damaged); older ones are dropped.
 */
export function checkpointsOf(store: Store, key: Digest): Checkpoints {
  const pointer = async () => (await store.getPointer(pointerOf(key))) as CheckpointPointer | undefined;
  return {
    latest: async () => {
      const { digest = null, before } = (await pointer()) ?? {};
      if (digest === null) return null;
      try {
        return await store.getBlob(digest);
      } catch (error) {
        if (!isLost(error)) throw error;
        if (before === undefined) throw new LostCheckpointError(error);
        console.error(`${error.message}; the checkpoint before it is taken`);
        return store.getBlob(before).catch((older: unknown) => {
          throw isLost(older) ? new LostCheckpointError(error) : older;
        });
      }
    },
    save: async (bytes) => {
      const digest = await store.putBlob(bytes);
      const last = await pointer();
      if (last?.digest === digest) return digest;
      const before = last?.digest ?? undefined;
      await store.setPointer(pointerOf(key), { digest, ...(before === undefined ? {} : { before }) } satisfies CheckpointPointer);
      if (last?.before !== undefined && last.before !== digest) await store.dropBlob(last.before);
      return digest;
    },
  };
}

const isLost = (error: unknown): error is MissingBlobError | DamagedBlobError =>
  error instanceof MissingBlobError || error instanceof DamagedBlobError;

export async function newestCheckpoint(store: Store, key: Digest): Promise<Digest | null> {
  const pointer = (await store.getPointer(pointerOf(key))) as CheckpointPointer | undefined;
  return pointer?.digest ?? null;
}

/** Forgets the checkpoints of an action: its next attempt starts from the beginning. Asked for by a person, never done alone. */
export async function discardCheckpoints(store: Store, key: Digest): Promise<void> {
  await store.setPointer(pointerOf(key), { digest: null } satisfies CheckpointPointer);
}
