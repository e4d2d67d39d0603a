import { memo } from "preact/compat";
import { useCallback } from "preact/hooks";
import type { ShownCase } from "../../schemas/review.ts";
import { type Adjustment, adjusted } from "./adjustment.ts";
import { Picture } from "./picture.tsx";

export interface CaseCardProps {
  readonly cases: string;
  /** Its place among the cards, its number among the cases, and the case. */
  readonly place: number;
  readonly index: number;
  readonly shown: ShownCase;
  readonly left: number;
  readonly top: number;
  readonly sizePx: number;
  readonly isCurrent: boolean;
  /** The answer's label, and whether it is the one that chooses. */
  readonly answer: string | undefined;
  readonly isChosen: boolean;
  /** Who else answered, and what, where readers are not blind to each other. */
  readonly others: string | undefined;
  readonly adjustment: Adjustment;
  /** Which picture takes the place of the first while the case blinks. */
  readonly blink: number | null;
  readonly onCurrent: (place: number) => void;
  readonly onToggle: (place: number) => void;
  /** Called with the case's number and a picture's name: whether that picture is still missing. */
  readonly onMissing: (index: number, picture: string, isMissing: boolean) => void;
}

/** A case of the grid: its pictures side by side, each with its own window changed alike, and what was answered. */
export const CaseCard = memo(function CaseCard(props: CaseCardProps) {
  const { cases, place, index, shown, sizePx, isCurrent, answer, isChosen, others, adjustment, blink, onMissing } = props;
  const name = shown.id ?? `case ${place + 1}`;
  const onMissingHere = useCallback(
    (picture: string, isMissing: boolean) => onMissing(index, picture, isMissing),
    [onMissing, index],
  );
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the page's
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names this card as its active one
    <div
      id={`card-${place}`}
      role="option"
      aria-selected={isChosen}
      aria-label={`${name}${answer === undefined ? "" : `, ${answer}`}`}
      class={`case${isCurrent ? " current" : ""}${isChosen ? " chosen" : answer === undefined ? "" : " answered"}`}
      style={{ left: props.left, top: props.top }}
      onClick={() => props.onCurrent(place)}
      onDblClick={() => props.onToggle(place)}
    >
      <div class="pictures">
        {shown.images.map(({ name: picture, window }, i) => {
          const image = i === 0 && blink !== null ? blink : i;
          const own = image === i ? window : shown.images[image].window;
          return (
            <Picture
              key={picture}
              cases={cases}
              index={index}
              shown={shown}
              image={image}
              sizePx={sizePx}
              window={adjusted(own, adjustment)}
              overlay={NONE}
              onMissing={onMissingHere}
            />
          );
        })}
      </div>
      <footer>
        <span class="mark" aria-hidden="true">
          {isChosen ? "✓" : ""}
        </span>
        <span class="name">{name}</span>
        <span class="soft">{answer ?? others ?? shown.group ?? ""}</span>
      </footer>
    </div>
  );
});

const NONE = {};
