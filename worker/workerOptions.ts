import os from "node:os";
import { parseArgs } from "node:util";
import { InputError } from "../methods/inputError.ts";
import { type Queue, taskQueues } from "../schemas/taskQueues.ts";

export interface WorkerOptions {
  /** `--queues`, with commas between; default all. */
  readonly queues: readonly Queue[];
  /** `--cpu-slots`: actions of the cpu queue at one time, at least 1; default one fewer than the machine's processors. */
  readonly cpuSlots: number;
}

/** What a worker process is told on its command line. @throws InputError */
export function workerOptions(words: readonly string[]): WorkerOptions {
  const { queues, "cpu-slots": slots } = valuesOf(words);
  const named = queues?.split(",") ?? Object.keys(taskQueues);
  for (const queue of named)
    if (!Object.hasOwn(taskQueues, queue))
      throw new InputError(`"${queue}" is not one of ${Object.keys(taskQueues).join(", ")}`, "--queues");
  if (slots !== undefined && !/^[1-9]\d*$/.test(slots))
    throw new InputError(`"${slots}" is not a positive whole number`, "--cpu-slots");
  const cpuSlots = slots === undefined ? Math.max(1, os.availableParallelism() - 1) : Number(slots);
  return { queues: named as Queue[], cpuSlots };
}

function valuesOf(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: { queues: { type: "string" }, "cpu-slots": { type: "string" } } }).values;
  } catch (error) {
    throw new InputError((error as Error).message, undefined, undefined, { cause: error });
  }
}
