import type { Protocol } from "../../schemas/reading.ts";
import { windowKeys } from "./adjustment.ts";
import { keysBeside } from "./answerKeys.tsx";
import { BLOCK, type Claim } from "./claim.ts";
import type { CurationLook } from "./curationLook.ts";
import { type Binding, useKeys } from "./keys.tsx";
import type { Tiles } from "./tiles.ts";

/** What the keys of a curation do. */
export interface CurationDeeds {
  /** Moves by so many cases of the grid. */
  readonly moveBy: (by: number) => void;
  /** Gives the current case an answer, or takes it back. */
  readonly answer: (word: string) => void;
  readonly undo: () => void;
  readonly help: () => void;
}

/** The keys of a grid of cases, heard unless `ignored`. */
export function useCurationKeys(
  protocol: Protocol,
  tiles: Tiles,
  look: CurationLook,
  { onlyClaimed, setOnlyClaimed, claim, positions }: Claim,
  { moveBy, answer, undo, help }: CurationDeeds,
  ignored: boolean,
): Binding[] {
  const { isEnlarged, setEnlarged, isBlinking, setBlinking } = look;
  const move = (label: string, keys: string[], by: () => number): Binding => ({
    keys,
    label,
    repeats: true,
    run: () => moveBy(by()),
  });
  const bindings = keysBeside(
    protocol.answers.map(({ key, label, answer: word }, i) => ({
      keys: i === 0 ? [key, " "].filter((one, j, all) => all.indexOf(one) === j) : [key],
      label: `${label} (again: take it back)`,
      run: () => answer(word),
    })),
    [
      move("left", ["ArrowLeft", "h"], () => -1),
      move("right", ["ArrowRight", "l"], () => 1),
      move("up", ["ArrowUp", "k"], () => -tiles.columns),
      move("down", ["ArrowDown", "j"], () => tiles.columns),
      ...(isEnlarged
        ? []
        : [
            move("a page up", ["PageUp"], () => -tiles.columns * tiles.rowsInSight),
            move("a page down", ["PageDown"], () => tiles.columns * tiles.rowsInSight),
          ]),
      move("first case", ["Home"], () => -positions.length),
      move("last case", ["End"], () => positions.length),
      { keys: ["b"], label: "blink between the original and the last picture, in place", run: () => setBlinking(!isBlinking) },
      { keys: ["z", "Enter"], label: "enlarge the case, and back", run: () => setEnlarged(!isEnlarged) },
      { keys: ["u"], label: "undo", run: undo },
      ...(protocol.mode === "shared"
        ? [
            { keys: ["c"], label: `claim the next ${BLOCK} cases`, run: claim },
            { keys: ["a"], label: "show all cases, or those that you claimed", run: () => setOnlyClaimed(!onlyClaimed) },
          ]
        : []),
      ...windowKeys(() => look.adjustment, look.setAdjustment),
      { keys: ["+"], label: "larger pictures", run: () => look.resize(1) },
      { keys: ["-"], label: "smaller pictures", run: () => look.resize(-1) },
      { keys: ["?"], label: "this help", run: help },
      { keys: ["Escape"], label: "leave the enlarged case", run: () => setEnlarged(false) },
    ],
  );
  useKeys(bindings, ignored);
  return bindings;
}
