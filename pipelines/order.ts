import type { CompiledStep } from "../schemas/pipeline.ts";

/**
 * Steps in an order in which each comes after what it reads; among those that could come next, the one that is declared
 * first. The steps must have no cycle.
 */
export function inOrder(steps: readonly CompiledStep[]): CompiledStep[] {
  const ordered: CompiledStep[] = [];
  const placed = new Set<string>();
  const waiting = [...steps];
  while (waiting.length > 0) {
    const i = waiting.findIndex((step) => sourcesOf(step).every((name) => placed.has(name)));
    if (i < 0) throw new RangeError(`steps wait for each other: ${waiting.map(({ name }) => name).join(", ")}`);
    const [step] = waiting.splice(i, 1);
    ordered.push(step);
    placed.add(step.name);
  }
  return ordered;
}

/** Names of the steps that `step` reads, each once. */
export function sourcesOf(step: CompiledStep): string[] {
  return [...new Set(Object.values(step.inputs).flatMap((wires) => wires.map((wire) => wire.step)))];
}
