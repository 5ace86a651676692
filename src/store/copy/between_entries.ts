import { pause } from "../../io/pause.ts";
import type { Clock } from "../../io/types.ts";

/** How long the end of an entry is waited for, and between two looks, in ms. */
const patienceMs = 10_000;
const lookMs = 20;

/** The database as it is at one moment. */
interface Moment {
  /** False while an entry of several transactions is done in part: the copy's index is that before it. */
  readonly isWhole: boolean;
}

/**
 * Opens the database at a moment that is between two entries, so that whoever goes on behind a copy's
 * index gets nothing twice. Where none is met for ten seconds, as in an entry that takes longer, or
 * among large ones without a pause, what `open` gives has a part of one, as whoever reads the database
 * sees it.
 *
 * @param check Throws when it is to be given up.
 */
export async function betweenEntries<Opened extends Moment>(
  clock: Clock,
  { open, close, check }: {
    readonly open: () => Opened;
    readonly close: (opened: Opened) => void | Promise<void>;
    readonly check: () => void;
  },
): Promise<Opened> {
  const until = clock.now() + patienceMs;
  for (;;) {
    check();
    const opened = open();
    if (opened.isWhole || clock.now() >= until) return opened;
    await close(opened);
    await pause(clock, lookMs);
  }
}
