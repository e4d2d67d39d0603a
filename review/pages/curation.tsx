import { useCallback, useMemo, useRef, useState } from "preact/hooks";
import { CaseCard } from "./caseCard.tsx";
import { useClaim } from "./claim.ts";
import { useCurationKeys } from "./curationKeys.ts";
import { useCurationLook } from "./curationLook.ts";
import { Enlarged, type EnlargedProps, enlargedKeys } from "./enlarged.tsx";
import { FinishDialog } from "./finish.tsx";
import { remarksOf, useGiven } from "./given.ts";
import { KeysHelp } from "./keys.tsx";
import { NOT_SHOWN, useMissing } from "./missing.ts";
import { ReaderAside } from "./readerAside.tsx";
import type { ReadingProps } from "./reading.tsx";
import { useRoom } from "./room.ts";
import { Notice, Shell } from "./shell.tsx";
import { useTiles } from "./tiles.ts";
import { dateTime } from "./times.ts";

const CARD_PADDING_PX = 8;
const CARD_FOOT_PX = 26;
const CARD_GAP_PX = 10;

/**
 * Layout `grid`: many cases at a glance, of which some are chosen. Only what is in sight is in the document. A case takes
 * answers once its pictures are there; an answer can be taken back at any time.
 */
export function Curation(props: ReadingProps) {
  const { workflow, reader, view, cases, reload } = props;
  const { state, sequence } = view;
  const { protocol } = state;
  const given = useGiven(props);
  const [at, setAt] = useState(0);
  const [dialog, setDialog] = useState<"help" | "finish" | null>(null);
  const [notice, setNotice] = useState<string>();
  const lookedSince = useRef(Date.now());
  const { onMissing, isAnyMissing } = useMissing(() => setNotice((last) => (last === NOT_SHOWN ? undefined : last)));
  const onMissingCard = useCallback(
    (index: number, picture: string, isMissing: boolean) => onMissing(`${index} ${picture}`, isMissing),
    [onMissing],
  );
  const look = useCurationLook();
  const { sizePx, phase, adjustment, isEnlarged } = look;
  const claim = useClaim(props, () => setAt(0), setNotice);
  const { positions } = claim;
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
    const isInSight = place >= tiles.from && place < tiles.to;
    if (next !== null && (!isInSight || isAnyMissing(`${sequence[position]} `))) {
      tiles.reveal(place);
      setNotice(NOT_SHOWN);
      return;
    }
    if (next !== null && next === limit?.answer && chosen >= limit.cases) {
      setNotice(`At most ${limit.cases} may be chosen, and ${chosen} are: take one back first.`);
      return;
    }
    setNotice(undefined);
    given.give(position, next, Date.now() - lookedSince.current);
    lookedSince.current = Date.now();
  };
  const undo = (): void => {
    const undone = given.undo();
    setNotice(undone === null ? "Nothing to undo in this visit." : undefined);
    const place = undone === null ? -1 : positions.indexOf(undone);
    if (place >= 0) moveTo(place);
  };

  const keyed = {
    moveBy: (by: number) => moveTo(current + by),
    answer: (word: string) => answerAt(current, word),
    undo,
    help: () => setDialog("help"),
  };
  const bindings = useCurationKeys(protocol, tiles, look, claim, keyed, dialog !== null);
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
            {claim.onlyClaimed && " that you claimed"}
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
                  onMissing={onMissingCard}
                />
              );
            })}
          </div>
        </div>
        {isEnlarged && shown !== undefined && (
          <EnlargedCase
            cases={state.cases}
            index={sequence[position]}
            shown={shown}
            phase={phase}
            answer={given.answers.get(position) === undefined ? "" : (labels.get(given.answers.get(position)!) ?? "")}
            adjustment={adjustment}
            onAdjust={look.setAdjustment}
            ignored={dialog !== null}
          />
        )}
      </div>
      {dialog === "help" && (
        <KeysHelp keys={[...bindings, ...(isEnlarged ? Object.values(enlargedKeys) : [])]} onClose={() => setDialog(null)} />
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
