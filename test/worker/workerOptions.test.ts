import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { InputError } from "../../methods/inputError.ts";
import { workerOptions } from "../../worker/workerOptions.ts";

test("a worker that is told nothing serves all queues and leaves a processor to the rest", () => {
  const { queues, cpuSlots } = workerOptions([]);
  expect(queues).toEqual(["cpu", "gpu"]);
  expect(cpuSlots).toBeGreaterThanOrEqual(1);
  expect(workerOptions(["--queues", "gpu", "--cpu-slots", "12"])).toEqual({ queues: ["gpu"], cpuSlots: 12 });
});

test.each([
  [["--cpu-slots", "abc"], '--cpu-slots: "abc" is not a positive whole number'],
  [["--cpu-slots", "0"], '--cpu-slots: "0" is not a positive whole number'],
  [["--cpu-slots", "1.5"], '--cpu-slots: "1.5" is not a positive whole number'],
  [["--cpu-slots="], '--cpu-slots: "" is not a positive whole number'],
  [["--queues", "tpu"], '--queues: "tpu" is not one of cpu, gpu'],
  [["--queues", "cpu,toString"], '--queues: "toString" is not one of cpu, gpu'],
])("%j is refused", (words, message) => {
  expect(() => workerOptions(words)).toThrow(expect.objectContaining({ name: "InputError", message }));
});

test("an option that there is none of is refused", () => {
  expect(() => workerOptions(["--slots", "2"])).toThrow(InputError);
});

test("a worker process that is told something wrong says so and ends with exit code 2", async () => {
  const words = ["--import", "tsx", "worker/main.ts", "--cpu-slots", "abc"];
  // Without an engine it would end with another one.
  const env = { ...process.env, TEMPORAL_ADDRESS: "127.0.0.1:1", RECIST3D_STORE: "file:/nowhere" };
  const [code, stderr] = await new Promise<[unknown, string]>((resolve) => {
    execFile(process.execPath, words, { env }, (error, _, said) => resolve([error?.code, said]));
  });
  expect(stderr).toBe('worker: --cpu-slots: "abc" is not a positive whole number\n');
  expect(code).toBe(2);
}, 60_000);
