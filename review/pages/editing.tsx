import { useEffect, useRef, useState } from "preact/hooks";
import { toRuns } from "../../schemas/drawnMask.ts";
import type { Protocol } from "../../schemas/reading.ts";
import { windowDrag } from "./adjustment.ts";
import { AnswerButtons, answerKeys, keysBeside } from "./answerKeys.tsx";
import { FinishDialog } from "./finish.tsx";
import { remarksOf, useGiven } from "./given.ts";
import { KeysHelp, keyName, useKeys } from "./keys.tsx";
import { MaskCanvas } from "./maskCanvas.tsx";
import { TOOLS, useMaskEditor } from "./maskEditor.ts";
import { type OpenedDraft, useOpenedDraft } from "./openedDraft.ts";
import { Picture, windowWords } from "./picture.tsx";
import { ReaderAside } from "./readerAside.tsx";
import type { ReadingProps } from "./reading.tsx";
import { useRoom } from "./room.ts";
import { useSequencePlace } from "./sequencePlace.ts";
import { Notice, Shell } from "./shell.tsx";
import { useStopwatch } from "./stopwatch.ts";
import { forgetDraft, storeDraft } from "./storedDraft.ts";
import { forgetSteps, storeSteps } from "./storedSteps.ts";
import { dateTime } from "./times.ts";

const FOOT_PX = 44;

/**
 * Layout `edit`: one mask after the other is corrected by brush, eraser and GrabCut with strokes. What is painted is kept in
 * this browser from stroke to stroke; an answer sends the mask to the store and its digest to the workflow.
 */
export function Editing(props: ReadingProps) {
  const { workflow, reader, view, cases, reload } = props;
  const { state, sequence } = view;
  const { protocol } = state;
  /** Cases whose masks are on their way, or have arrived in this visit. */
  const drawn = useRef(new Set<number>());
  // What was not taken is left in this browser, to be painted on.
  const given = useGiven(props, (positions) => positions.forEach((one) => void drawn.current.delete(sequence[one])));
  const { position, moveTo, firstOpen, nextOpen, isLastOpen } = useSequencePlace(sequence, given.answers);
  const index = sequence[position];
  const shown = cases.cases[index];
  const place = { workflow, reader, cases: state.cases, index };
  const sent = state.masks.find(([of]) => of === position)?.[1];
  const { value: opened, error } = useOpenedDraft(place, shown, sent);
  /** Counts what was painted, since a draft changes in place. */
  const [version, setVersion] = useState(0);
  const [dialog, setDialog] = useState<"help" | "finish" | null>(null);
  const [notice, setNotice] = useState<string>();
  /** An answer that would drop what was painted: it has to be given twice. */
  const [doubted, setDoubted] = useState<string>();
  const room = useRoom();
  const elapsed = useStopwatch(position);
  const changed = (): void => {
    setVersion((last) => last + 1);
    setDoubted(undefined);
    setNotice(undefined);
    if (opened === undefined) return;
    storeSteps(place, opened.draft);
    try {
      storeDraft(place, opened.draft, opened.from);
    } catch {
      setNotice(
        "This browser's storage is full: what you paint now is lost with the tab. Answer this case, and leave the tab open until all is saved.",
      );
    }
  };
  const forget = (one: number): void => {
    forgetDraft({ ...place, index: one });
    forgetSteps({ ...place, index: one });
  };
  const editor = useMaskEditor(state.cases, shown, opened, changed, setNotice);
  const { slice, zoom, window, tool, scroll } = editor;
  useEffect(() => setDoubted(undefined), [position]);

  // What has arrived need not be kept here any more.
  const unsaved = given.queue.state.value.unsaved;
  useEffect(() => {
    const arrived = unsaved > 0 ? [] : [...drawn.current].filter((one) => one !== index);
    for (const one of arrived) drawn.current.delete(one);
    if (arrived.length === 0) return;
    void reload().then(() => {
      for (const one of arrived) forgetDraft({ ...place, index: one });
    });
  }, [unsaved, index]);

  /** Why an answer is not given yet; null where it can be. */
  const objection = ({ draft, start }: OpenedDraft, one: Protocol["answers"][number]): string | null => {
    const isChanged = draft.differsFrom(start);
    if (one.mask && draft.isEmpty) return "The mask is empty: nothing would be learnt from it but that this is no lesion.";
    if (one.mask && !isChanged && sent === undefined) return "The mask is as it was: nothing has been painted.";
    if (one.mask || !isChanged || doubted === one.answer) return null;
    return `What you painted would be dropped. Press ${keyName(one.key)} again if you mean it.`;
  };
  const answer = (one: Protocol["answers"][number]): void => {
    if (opened === undefined) return;
    const why = objection(opened, one);
    setNotice(why ?? undefined);
    setDoubted(one.answer);
    if (why !== null) return;
    if (one.mask) drawn.current.add(index);
    else forget(index);
    const mask = one.mask ? { index, from: opened.from, runs: toRuns(opened.draft.mask) } : undefined;
    given.give(position, one.answer, elapsed(), mask);
    if (nextOpen !== null) moveTo(nextOpen);
    else if (isLastOpen) setDialog("finish");
    else moveTo(firstOpen());
  };
  const bindings = keysBeside(answerKeys(protocol.answers, answer), [
    ...editor.bindings,
    { keys: [","], label: "back to the case before", run: () => moveTo(position - 1) },
    { keys: ["."], label: "on, without an answer; what you painted stays in this browser", run: () => moveTo(position + 1) },
    { keys: ["h", "?"], label: "this help", run: () => setDialog("help") },
    { keys: ["Escape"], label: "quit; you go on where you stopped", run: () => location.assign("/") },
  ]);
  useKeys(bindings, dialog !== null);

  const sizePx = Math.max(120, Math.floor(Math.min((room.width - 16) / 2, room.height - FOOT_PX)));
  const remarks = remarksOf(given, notice, error);
  const pictured = { cases: state.cases, index, shown, image: 0, sizePx, slice, window };
  return (
    <Shell
      wide
      title={protocol.title}
      aside={
        <ReaderAside given={given} reader={reader} onHelp={() => setDialog("help")} onFinish={() => setDialog("finish")}>
          <strong>{given.answers.size}</strong> of {sequence.length} answered
        </ReaderAside>
      }
    >
      <div class="judging editing">
        <p class="question">
          {protocol.question}
          <span class="soft">
            case {position + 1} of {sequence.length}
            {shown.id !== null && `; ${shown.id}`}
            {opened !== undefined && `; slice ${slice + 1} of ${opened.draft.size.slices}`};{" "}
            {windowWords(window, shown.images[0])}
            {Object.entries(shown.facts).map(([fact, value]) => `; ${fact} ${value}`)}
            {state.deadline !== null && `; open until ${dateTime(state.deadline)}`}
          </span>
        </p>
        {remarks.map((remark) => (
          <Notice key={remark}>{remark}</Notice>
        ))}
        <div class="buttons tools" role="toolbar" aria-label="tools">
          {TOOLS.map((one) => (
            <button
              key={one.tool}
              type="button"
              aria-pressed={tool === one.tool}
              title={one.label}
              onClick={() => editor.setTool(one.tool)}
            >
              <kbd>{one.key}</kbd> {one.name}
            </button>
          ))}
          <span class="soft">{2 * editor.radiusPx + 1} px wide</span>
          <button type="button" disabled={editor.isCutting || opened === undefined} onClick={editor.cut}>
            <kbd>c</kbd> {editor.isCutting ? "cutting…" : "cut"}
          </button>
          <button type="button" disabled={opened?.draft.canUndo !== true} onClick={editor.undo}>
            <kbd>u</kbd> undo
          </button>
        </div>
        <section
          class="judged"
          ref={room.ref}
          aria-label="pictures"
          onWheel={(event) => {
            event.preventDefault();
            scroll(Math.sign(event.deltaY));
          }}
          {...windowDrag(() => editor.adjustment, editor.setAdjustment)}
        >
          <div class="row">
            <figure>
              <Picture {...pictured} overlay={{ marks: true }} label="slice and marks" />
              <figcaption>
                <strong>slice and marks</strong>
              </figcaption>
            </figure>
            <figure>
              <div class="layers" data-case={opened?.index}>
                <Picture {...pictured} zoom={zoom} label="slice, enlarged" />
                {opened !== undefined && (
                  <MaskCanvas
                    draft={opened.draft}
                    version={version}
                    slice={slice}
                    sizePx={sizePx}
                    spacingMm={shown.images[0].spacingMm}
                    zoom={zoom}
                    tool={tool}
                    radiusPx={editor.radiusPx}
                    cursor={editor.cursor}
                    isShown={editor.isShown}
                    onCursor={editor.setCursor}
                    onBegin={() => opened.draft.begin(slice)}
                    onPaint={(from, to) => {
                      opened.draft.paint(tool, slice, from, to, editor.radiusPx);
                      setVersion((last) => last + 1);
                    }}
                    onEnd={changed}
                  />
                )}
              </div>
              <figcaption>
                <strong>mask</strong>
              </figcaption>
            </figure>
          </div>
        </section>
        <AnswerButtons answers={protocol.answers} standing={given.answers.get(position)} onGive={answer} />
      </div>
      {dialog === "help" && <KeysHelp keys={bindings} onClose={() => setDialog(null)} />}
      {dialog === "finish" && (
        <FinishDialog
          workflow={workflow}
          reader={reader}
          view={view}
          summary={`${given.answers.size} of ${sequence.length} masks are answered.`}
          unsaved={unsaved}
          onClose={() => setDialog(null)}
          onFinished={() => {
            for (const one of sequence) forget(one);
            setDialog(null);
            void reload().then(() => location.assign("/"));
          }}
        />
      )}
    </Shell>
  );
}
