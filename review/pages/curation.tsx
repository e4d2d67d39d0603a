import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Adjustment, UNADJUSTED, windowKeys } from "./adjustment.ts";
import { keysBeside } from "./answerKeys.tsx";
import { api } from "./api.ts";
import { CaseCard } from "./caseCard.tsx";
import { Enlarged, type EnlargedProps, enlargedKeys } from "./enlarged.tsx";
import { FinishDialog } from "./finish.tsx";
import { remarksOf, useGiven } from "./given.ts";
import { type Binding, KeysHelp, useKeys } from "./keys.tsx";
import { ReaderAside } from "./readerAside.tsx";
import type { ReadingProps } from "./reading.tsx";
import { useRoom } from "./room.ts";
import { Notice, Shell } from "./shell.tsx";
import { useTiles } from "./tiles.ts";
import { dateTime } from "./times.ts";

/** Cases that one press of the key claims. */
const BLOCK = 100;
/** Sides of a picture in the grid, in CSS pixels. */
const SIZES_PX = [96, 128, 176, 240] as const;
const CARD_PADDING_PX = 8;
const CARD_FOOT_PX = 26;
const CARD_GAP_PX = 10;
const BLINK_MS = 450;

/** Layout `grid`: many cases at a glance, of which some are chosen. Only what is in sight is in the document. */
export function Curation(props: ReadingProps) {
  const { workflow, reader, view, cases, reload } = props;
  const { state, sequence } = view;
  const { protocol } = state;
  const given = useGiven(props);
  const [at, setAt] = useState(0);
  const [sizeStep, setSizeStep] = useState(1);
  const [adjustment, setAdjustment] = useState<Adjustment>(UNADJUSTED);
  const [blinking, setBlinking] = useState(false);
  const [enlarged, setEnlarged] = useState(false);
  const [onlyClaimed, setOnlyClaimed] = useState(false);
  const [dialog, setDialog] = useState<"help" | "finish" | null>(null);
  const [notice, setNotice] = useState<string>();
  const lookedSince = useRef(Date.now());

  const claimed = state.claim?.positions;
  const positions = useMemo(
    () => (onlyClaimed && claimed !== undefined ? claimed : sequence.map((_, position) => position)),
    [onlyClaimed, claimed, sequence],
  );
  const sizePx = SIZES_PX[sizeStep];
  const pictures = Math.max(1, ...cases.cases.slice(0, 1).map(({ images }) => images.length));
  const tiles = useTiles({
    count: positions.length,
    widthPx: pictures * sizePx + (pictures - 1) * 2 + 2 * CARD_PADDING_PX,
    heightPx: sizePx + 2 * CARD_PADDING_PX + CARD_FOOT_PX,
    gapPx: CARD_GAP_PX,
  });
  const current = Math.min(at, Math.max(0, positions.length - 1));
  const position = positions[current];
  const [first] = protocol.answers;
  const limit = protocol.atMost;
  const chosen = [...given.answers.values()].filter((answer) => answer === (limit?.answer ?? first.answer)).length;
  const phase = useBlink(blinking);

  const moveTo = (next: number): void => {
    const to = Math.min(positions.length - 1, Math.max(0, next));
    if (to !== current) lookedSince.current = Date.now();
    setAt(to);
    tiles.reveal(to);
  };
  const answerAt = (place: number, word: string): void => {
    const position = positions[place];
    if (position === undefined) return;
    const next = given.answers.get(position) === word ? null : word;
    if (next !== null && next === limit?.answer && chosen >= limit.cases) {
      setNotice(`At most ${limit.cases} may be chosen, and ${chosen} are: take one back first.`);
      return;
    }
    setNotice(undefined);
    given.give(position, next, Date.now() - lookedSince.current);
    lookedSince.current = Date.now();
  };
  const claim = (): void => {
    if (protocol.mode !== "shared") return;
    const message = { reader, cases: state.cases };
    // The next block: what was claimed before has been looked at, whether it was chosen or not.
    const released = state.claim === null ? Promise.resolve() : api.release(workflow, message);
    released
      .then(() => api.claim(workflow, { ...message, count: BLOCK }))
      .then(async ({ positions }) => {
        await reload();
        setOnlyClaimed(true);
        setAt(0);
        setNotice(
          positions.length === 0 ? "Nothing is left to claim: every case is answered or claimed by somebody." : undefined,
        );
      })
      .catch((error: Error) => setNotice(error.message));
  };
  const undo = (): void => {
    const undone = given.undo();
    setNotice(undone === null ? "Nothing to undo in this visit." : undefined);
    const place = undone === null ? -1 : positions.indexOf(undone);
    if (place >= 0) moveTo(place);
  };

  const move = (label: string, keys: string[], by: () => number): Binding => ({
    keys,
    label,
    repeats: true,
    run: () => moveTo(current + by()),
  });
  const bindings = keysBeside(
    protocol.answers.map(({ key, label, answer: word }, i) => ({
      keys: i === 0 ? [key, " "].filter((one, j, all) => all.indexOf(one) === j) : [key],
      label: `${label} (again: take it back)`,
      run: () => answerAt(current, word),
    })),
    [
      move("left", ["ArrowLeft", "h"], () => -1),
      move("right", ["ArrowRight", "l"], () => 1),
      move("up", ["ArrowUp", "k"], () => -tiles.columns),
      move("down", ["ArrowDown", "j"], () => tiles.columns),
      ...(enlarged
        ? []
        : [
            move("a page up", ["PageUp"], () => -tiles.columns * tiles.rowsInSight),
            move("a page down", ["PageDown"], () => tiles.columns * tiles.rowsInSight),
          ]),
      move("first case", ["Home"], () => -current),
      move("last case", ["End"], () => positions.length),
      { keys: ["b"], label: "blink between the original and the last picture, in place", run: () => setBlinking(!blinking) },
      { keys: ["z", "Enter"], label: "enlarge the case, and back", run: () => setEnlarged(!enlarged) },
      { keys: ["u"], label: "undo", run: undo },
      ...(protocol.mode === "shared"
        ? [
            { keys: ["c"], label: `claim the next ${BLOCK} cases`, run: claim },
            { keys: ["a"], label: "show all cases, or those that you claimed", run: () => setOnlyClaimed(!onlyClaimed) },
          ]
        : []),
      ...windowKeys(() => adjustment, setAdjustment),
      { keys: ["+"], label: "larger pictures", run: () => setSizeStep(Math.min(SIZES_PX.length - 1, sizeStep + 1)) },
      { keys: ["-"], label: "smaller pictures", run: () => setSizeStep(Math.max(0, sizeStep - 1)) },
      { keys: ["?"], label: "this help", run: () => setDialog("help") },
      { keys: ["Escape"], label: "leave the enlarged case", run: () => setEnlarged(false) },
    ],
  );
  useKeys(bindings, dialog !== null);
  // Cards are drawn anew only when something about them changes: what they call stays the same.
  const deeds = useRef({ moveTo, answerAt });
  deeds.current = { moveTo, answerAt };
  const onCurrent = useMemo(() => (place: number) => deeds.current.moveTo(place), []);
  const onToggle = useMemo(() => (place: number) => deeds.current.answerAt(place, first.answer), [first]);

  const labels = new Map(protocol.answers.map(({ answer, label }) => [answer, label]));
  const others = useMemo(() => othersWords(view), [view]);
  const shown = cases.cases[sequence[position]];
  const unsaved = given.queue.state.value.unsaved;
  const remarks = remarksOf(given, notice);
  return (
    <Shell
      wide
      title={protocol.title}
      aside={
        <ReaderAside given={given} reader={reader} onHelp={() => setDialog("help")} onFinish={() => setDialog("finish")}>
          <strong>{chosen}</strong> {limit === undefined ? "chosen" : `of at most ${limit.cases}`}
        </ReaderAside>
      }
    >
      <div class="curation">
        <p class="question">
          {protocol.question}
          <span class="soft">
            {positions.length === 0 ? "no cases" : `case ${current + 1} of ${positions.length}`}
            {onlyClaimed && " that you claimed"}
            {state.deadline !== null && `; open until ${dateTime(state.deadline)}`}
            {shown !== undefined && `; ${shown.images.map(({ name }) => name).join(" · ")}`}
          </span>
        </p>
        {remarks.map((remark) => (
          <Notice key={remark}>{remark}</Notice>
        ))}
        <div
          class="tiles"
          ref={tiles.ref}
          role="listbox"
          aria-multiselectable
          aria-label={protocol.question}
          tabIndex={0}
          aria-activedescendant={`card-${current}`}
        >
          <div style={{ height: tiles.heightPx, position: "relative" }}>
            {positions.slice(tiles.from, tiles.to).map((one, i) => {
              const place = tiles.from + i;
              const word = given.answers.get(one);
              const index = sequence[one];
              return (
                <CaseCard
                  key={one}
                  cases={state.cases}
                  place={place}
                  index={index}
                  shown={cases.cases[index]}
                  {...tiles.place(place)}
                  sizePx={sizePx}
                  isCurrent={place === current}
                  answer={word === undefined ? undefined : (labels.get(word) ?? word)}
                  isChosen={word === first.answer}
                  others={others.get(one)}
                  adjustment={adjustment}
                  blink={place === current && phase ? cases.cases[index].images.length - 1 : null}
                  onCurrent={onCurrent}
                  onToggle={onToggle}
                />
              );
            })}
          </div>
        </div>
        {enlarged && shown !== undefined && (
          <EnlargedCase
            cases={state.cases}
            index={sequence[position]}
            shown={shown}
            phase={phase}
            answer={given.answers.get(position) === undefined ? "" : (labels.get(given.answers.get(position)!) ?? "")}
            adjustment={adjustment}
            onAdjust={setAdjustment}
            ignored={dialog !== null}
          />
        )}
      </div>
      {dialog === "help" && (
        <KeysHelp keys={[...bindings, ...(enlarged ? Object.values(enlargedKeys) : [])]} onClose={() => setDialog(null)} />
      )}
      {dialog === "finish" && (
        <FinishDialog
          workflow={workflow}
          reader={reader}
          view={view}
          summary={`${chosen} of ${state.count} cases are chosen${limit === undefined ? "" : ` (at most ${limit.cases})`}.`}
          unsaved={unsaved}
          onClose={() => setDialog(null)}
          onFinished={() => void reload().then(() => setDialog(null))}
        />
      )}
    </Shell>
  );
}

/** The current case over the grid, as large as there is room. */
function EnlargedCase(
  props: Pick<EnlargedProps, "cases" | "index" | "shown" | "adjustment" | "onAdjust" | "ignored"> & {
    phase: boolean;
    answer: string;
  },
) {
  const { phase, answer, shown, ...rest } = props;
  const room = useRoom();
  const all = shown.images.map((_, i) => i);
  return (
    <section class="over" aria-label={`enlarged: ${shown.id ?? "case"}`} ref={room.ref}>
      <Enlarged
        {...rest}
        shown={shown}
        images={phase ? [all.length - 1, ...all.slice(1)] : all}
        overlay={{ masks: shown.masks.map((_, i) => i), marks: true }}
        widthPx={room.width}
        heightPx={room.height - 40}
      />
      <p class="facts-line">
        {answer !== "" && <strong>✓ {answer}</strong>}
        <span>{shown.id}</span>
        {Object.entries(shown.facts).map(([name, value]) => (
          <span key={name}>
            <span class="soft">{name}</span> {value}
          </span>
        ))}
      </p>
    </section>
  );
}

/** Who else answered what, by position. */
function othersWords({ state }: ReadingProps["view"]): ReadonlyMap<number, string> {
  const words = new Map<number, string>();
  const labels = new Map(state.protocol.answers.map(({ answer, label }) => [answer, label]));
  for (const [position, answer, who] of state.shared) {
    const name = state.readers[who].reader;
    const before = words.get(position);
    words.set(position, `${before === undefined ? "" : `${before}, `}${name}: ${labels.get(answer) ?? answer}`);
  }
  return words;
}

/** True and false in turn while `on`. */
function useBlink(on: boolean): boolean {
  const [phase, setPhase] = useState(false);
  useEffect(() => {
    if (!on) return setPhase(false);
    const timer = setInterval(() => setPhase((last) => !last), BLINK_MS);
    return () => clearInterval(timer);
  }, [on]);
  return on && phase;
}
