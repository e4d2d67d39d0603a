import { useEffect, useState } from "preact/hooks";
import type { Protocol } from "../../schemas/reading.ts";
import type { ShownCase } from "../../schemas/review.ts";
import { type Adjustment, adjusted, UNADJUSTED, windowDrag, windowKeys } from "./adjustment.ts";
import { AnswerButtons, answerKeys, keysBeside } from "./answerKeys.tsx";
import { FinishDialog } from "./finish.tsx";
import { remarksOf, useGiven } from "./given.ts";
import { KeysHelp, useKeys } from "./keys.tsx";
import { zoomOnMarks } from "./lesionZoom.ts";
import { NOT_SHOWN, useMissing } from "./missing.ts";
import { firstSlice, type Overlay, Picture, usePixels, windowWords } from "./picture.tsx";
import { pixelsAddress } from "./pixels.ts";
import { ReaderAside } from "./readerAside.tsx";
import type { ReadingProps } from "./reading.tsx";
import { useRoom } from "./room.ts";
import { useSequencePlace } from "./sequencePlace.ts";
import { Notice, Shell } from "./shell.tsx";
import { useStopwatch } from "./stopwatch.ts";
import { dateTime } from "./times.ts";

/** Side of the zoomed part, in long diameters: the lesion fills most of it. */
const ZOOM_DIAMETERS = 1.4;
const GAP_PX = 16;
const CAPTION_PX = 28;
/** Of the height, for what is judged; the rest is for the slice and the marks above. */
const JUDGED_SHARE = 0.6;
const FOOT_PX = 16;

/**
 * Layouts `single` (Fig. 12) and `pair` (Fig. 13): one case after the other, answered by a key. Single: the slice, the mask and
 * the marks from left to right; pair: slice and marks above, the two masks in their drawn order and one colour below. Masks and
 * marks are on the zoomed lesion. Where masks are named after the pictures of a single case, these stand side by side, each with its own.
 * It begins at the first case without an answer, and takes answers to what is shown only.
 */
export function Judging(props: ReadingProps) {
  const { workflow, reader, view, cases, reload } = props;
  const { state, sequence } = view;
  const { protocol } = state;
  const given = useGiven(props);
  const { position, moveTo, firstOpen, nextOpen, isLastOpen } = useSequencePlace(sequence, given.answers);
  const [adjustment, setAdjustment] = useState<Adjustment>(UNADJUSTED);
  const [dialog, setDialog] = useState<"help" | "finish" | null>(null);
  const [notice, setNotice] = useState<string>();
  const index = sequence[position];
  const shown = cases.cases[index];
  const first = usePixels(pixelsAddress(state.cases, index, "images", 0));
  const pixels = first.value;
  const stack = pixels?.slices ?? 1;
  const [slice, setSlice] = useState<number>();
  const [isBare, setBare] = useState(false);
  const room = useRoom();
  const elapsed = useStopwatch(position);
  useEffect(() => setSlice(undefined), [position]);
  const { onMissing, isAnyMissing } = useMissing(() => {
    setNotice((last) => (last === NOT_SHOWN ? undefined : last));
    // What a picture has loaded again is there for the page too.
    if (first.error !== undefined) first.again();
  });

  const at = slice ?? (shown === undefined ? 0 : firstSlice(shown, stack));
  const scroll = (by: number): void => setSlice(Math.min(stack - 1, Math.max(0, at + by)));
  const answer = ({ answer: word }: Protocol["answers"][number]): void => {
    if (pixels === undefined || isAnyMissing()) {
      setNotice(NOT_SHOWN);
      return;
    }
    setNotice(undefined);
    given.give(position, word, elapsed());
    if (nextOpen !== null) moveTo(nextOpen);
    else if (position + 1 < sequence.length) moveTo(position + 1);
    else if (isLastOpen) setDialog("finish");
    else {
      moveTo(firstOpen());
      setNotice("You are back at the first case that you left open.");
    }
  };
  const bindings = keysBeside(answerKeys(protocol.answers, answer), [
    { keys: [",", "ArrowLeft"], label: "back to the case before", repeats: true, run: () => moveTo(position - 1) },
    { keys: [".", "ArrowRight"], label: "on, without an answer", repeats: true, run: () => moveTo(position + 1) },
    { keys: ["ArrowUp", "PageUp"], label: "slice above; or the wheel", repeats: true, run: () => scroll(-1) },
    { keys: ["ArrowDown", "PageDown"], label: "slice below; or the wheel", repeats: true, run: () => scroll(1) },
    { keys: ["o"], label: "outlines and marks off, and on again", run: () => setBare(!isBare) },
    ...windowKeys(() => adjustment, setAdjustment),
    { keys: ["h", "?"], label: "this help", run: () => setDialog("help") },
    { keys: ["Escape"], label: "quit; you go on where you stopped", run: () => location.assign("/") },
  ]);
  useKeys(bindings, dialog !== null);

  const unsaved = given.queue.state.value.unsaved;
  const decided = given.answers.size;
  const remarks = remarksOf(given, notice);
  const isPair = protocol.layout === "pair";
  const beside = shown === undefined || isPair ? [] : imagesWithMasks(shown);
  const [rows, columns] = isPair ? [2, 2] : [1, beside.length || 3];
  const widthPx = (room.width - (columns + 1) * GAP_PX) / columns;
  const heightPx = room.height - FOOT_PX - rows * CAPTION_PX;
  const picture = (overlay: Overlay, zoomed: boolean, label: string, share: number, image = 0) =>
    shown !== undefined && (
      <figure>
        <Picture
          cases={state.cases}
          index={index}
          shown={shown}
          image={image}
          sizePx={Math.max(120, Math.floor(Math.min(widthPx, share * heightPx)))}
          slice={slice}
          window={adjusted(shown.images[image].window, adjustment)}
          overlay={{ ...overlay, hidden: isBare }}
          zoom={zoomed && pixels !== undefined ? zoomOnMarks(shown, pixels, ZOOM_DIAMETERS) : undefined}
          onMissing={onMissing}
          label={label}
        />
        <figcaption>
          <strong>{label}</strong>
        </figcaption>
      </figure>
    );
  const side = (name: "left" | "right") =>
    shown !== undefined && picture({ masks: [maskNumber(shown, name)], oneColour: true }, true, name, JUDGED_SHARE);
  return (
    <Shell
      wide
      title={protocol.title}
      aside={
        <ReaderAside given={given} reader={reader} onHelp={() => setDialog("help")} onFinish={() => setDialog("finish")}>
          <strong>{decided}</strong> of {sequence.length} answered
        </ReaderAside>
      }
    >
      <div class="judging">
        <p class="question">
          {protocol.question}
          <span class="soft">
            case {position + 1} of {sequence.length}
            {stack > 1 && `; slice ${at + 1} of ${stack}`}
            {shown !== undefined && `; ${windowWords(adjusted(shown.images[0].window, adjustment), shown.images[0])}`}
            {shown !== undefined && Object.entries(shown.facts).map(([fact, value]) => `; ${fact} ${value}`)}
            {state.deadline !== null && `; open until ${dateTime(state.deadline)}`}
          </span>
        </p>
        {remarks.map((remark) => (
          <Notice key={remark}>{remark}</Notice>
        ))}
        <section
          class="judged"
          ref={room.ref}
          aria-label="pictures"
          onWheel={(event) => {
            if (stack === 1) return;
            event.preventDefault();
            scroll(Math.sign(event.deltaY));
          }}
          {...windowDrag(() => adjustment, setAdjustment)}
        >
          {isPair ? (
            <>
              <div class="row">
                {picture({}, false, "slice", 1 - JUDGED_SHARE)}
                {picture({ marks: true }, true, "marks", 1 - JUDGED_SHARE)}
              </div>
              <div class="row">
                {side("left")}
                {side("right")}
              </div>
            </>
          ) : shown !== undefined && beside.length > 0 ? (
            <div class="row">{beside.map((name, i) => picture({ masks: masksNamed(shown, name) }, false, name, 1, i))}</div>
          ) : (
            <div class="row">
              {picture({}, false, "slice", 1)}
              {picture({ masks: shown?.masks.map((_, i) => i) ?? [] }, true, "segmentation", 1)}
              {picture({ marks: true }, true, "marks", 1)}
            </div>
          )}
        </section>
        <AnswerButtons answers={protocol.answers} standing={given.answers.get(position)} onGive={answer} />
      </div>
      {dialog === "help" && <KeysHelp keys={bindings} onClose={() => setDialog(null)} />}
      {dialog === "finish" && (
        <FinishDialog
          workflow={workflow}
          reader={reader}
          view={view}
          summary={`${decided} of ${sequence.length} cases are answered.`}
          unsaved={unsaved}
          onClose={() => setDialog(null)}
          onFinished={() => {
            setDialog(null);
            void reload().then(() => location.assign("/"));
          }}
        />
      )}
    </Shell>
  );
}

/** Number of the mask of that name. @throws Error where there is none: another one must not be judged for it */
function maskNumber({ masks }: ShownCase, name: string): number {
  const number = masks.findIndex((mask) => mask.name === name);
  if (number < 0) throw new Error(`a case has no mask called "${name}": these cases were not prepared for a comparison`);
  return number;
}

/** Names of the pictures of a case whose masks are each of one of them; none where masks are of all. */
function imagesWithMasks({ images, masks }: ShownCase): string[] {
  const names = images.map(({ name }) => name);
  return names.length > 1 && masks.length > 0 && masks.every(({ name }) => names.includes(name)) ? names : [];
}

/** Numbers of the masks that belong to the picture of that name. */
function masksNamed({ masks }: ShownCase, name: string): number[] {
  return masks.flatMap((mask, i) => (mask.name === name ? [i] : []));
}
