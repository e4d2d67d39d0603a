import { bodyOf, parseInput } from "../../activities/steps/index.ts";
import type { StepContext } from "../../activities/steps/step.ts";
import type { Digest, Store } from "../../artifacts/store.ts";

/** What a step gives, its parts made one after the other, without an engine. */
export async function stepOutputs(
  store: Store,
  kind: string,
  params: object,
  inputs: Readonly<Record<string, Digest>>,
  {
    backend = () => Promise.reject(new Error("no network is needed")),
    signal = new AbortController().signal,
    progress = () => {},
  }: Partial<Pick<StepContext, "backend" | "signal" | "progress">> = {},
): Promise<Record<string, Digest>> {
  const refs = Object.fromEntries(Object.entries(inputs).map(([name, artifact]) => [name, { artifact }]));
  const input = parseInput({ kind, params: params as never, inputs: refs });
  const context: StepContext = {
    store,
    signal,
    progress,
    backend,
    checkpoints: { latest: async () => null, save: async (bytes: Uint8Array) => store.putBlob(bytes) },
  };
  const body = bodyOf(kind);
  if (body.parts === undefined) return (await body.run(context, input)).outputs;
  const parts: Record<string, Digest>[] = [];
  for (let part = 0; part < (await body.parts(context, input)); part++)
    parts.push((await body.run(context, { ...input, part })).outputs);
  return (await body.gather!(context, input, parts)).outputs;
}
