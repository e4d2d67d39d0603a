import type { Protocol } from "../../schemas/reading.ts";
import { type Binding, keyName } from "./keys.tsx";

type Answer = Protocol["answers"][number];

/** A key for every answer. */
export function answerKeys(answers: readonly Answer[], give: (answer: Answer) => void): Binding[] {
  return answers.map((one) => ({ keys: [one.key], label: one.label, run: () => give(one) }));
}

/** The keys of the answers, and of those of the page's own that no answer has taken. */
export function keysBeside(answers: readonly Binding[], others: readonly Binding[]): Binding[] {
  const taken = new Set(answers.flatMap(({ keys }) => keys));
  const left = others.map((binding) => ({ ...binding, keys: binding.keys.filter((key) => !taken.has(key)) }));
  return [...answers, ...left.filter(({ keys }) => keys.length > 0)];
}

interface AnswerButtonsProps {
  readonly answers: readonly Answer[];
  /** The answer that stands. */
  readonly standing: string | undefined;
  readonly onGive: (answer: Answer) => void;
}

/** The answers with their keys, for a hand at the mouse. */
export function AnswerButtons({ answers, standing, onGive }: AnswerButtonsProps) {
  return (
    <div class="buttons answers">
      {answers.map((one) => (
        <button
          key={one.answer}
          type="button"
          aria-pressed={standing === one.answer}
          class={standing === one.answer ? "primary" : ""}
          onClick={() => onGive(one)}
        >
          <kbd>{keyName(one.key)}</kbd> {one.label}
        </button>
      ))}
    </div>
  );
}
