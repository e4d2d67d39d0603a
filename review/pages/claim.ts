import { useMemo, useState } from "preact/hooks";
import { api } from "./api.ts";
import type { ReadingProps } from "./reading.tsx";

/** Cases that one press of the key claims. */
export const BLOCK = 100;

export interface Claim {
  /** Positions of the cases that are shown: of all, or of those that this reader has claimed. */
  readonly positions: readonly number[];
  readonly onlyClaimed: boolean;
  readonly setOnlyClaimed: (only: boolean) => void;
  /** Claims the next block of a shared reading and shows it alone. */
  readonly claim: () => void;
}

/** Which cases of a reading that is divided between people are one's own. */
export function useClaim(
  { workflow, reader, view, reload }: ReadingProps,
  onClaimed: () => void,
  onNotice: (notice: string | undefined) => void,
): Claim {
  const { state, sequence } = view;
  const [onlyClaimed, setOnlyClaimed] = useState(false);
  const claimed = state.claim?.positions;
  const positions = useMemo(
    () => (onlyClaimed && claimed !== undefined ? claimed : sequence.map((_, position) => position)),
    [onlyClaimed, claimed, sequence],
  );
  const claim = (): void => {
    if (state.protocol.mode !== "shared") return;
    const message = { reader, cases: state.cases };
    // The next block: what was claimed before has been looked at, whether it was chosen or not.
    const released = state.claim === null ? Promise.resolve() : api.release(workflow, message);
    released
      .then(() => api.claim(workflow, { ...message, count: BLOCK }))
      .then(async ({ positions: own }) => {
        await reload();
        setOnlyClaimed(true);
        onClaimed();
        onNotice(own.length === 0 ? "Nothing is left to claim: every case is answered or claimed by somebody." : undefined);
      })
      .catch((error: Error) => onNotice(error.message));
  };
  return { positions, onlyClaimed, setOnlyClaimed, claim };
}
