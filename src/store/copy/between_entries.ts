import { pause } from "../../io/pause.ts";
import type { Clock } from "../../io/types.ts";
import { Database, type Library } from "../../sqlite/mod.ts";
import { readRaftState, resumeAtStart } from "../apply/raft_table.ts";

/** How long the end of an entry is waited for, and between two looks, in ms. */
const patienceMs = 10_000;
const lookMs = 20;
const busyTimeoutMs = 5000;

/** The database as it is at one moment. */
interface Moment {
  /** False while an entry of several transactions is done in part: the copy's index is that before it. */
  readonly isWhole: boolean;
}

export interface BetweenEntriesOptions<Opened extends Moment> {
  readonly clock: Clock;
  readonly library: Library;
  /** Of the database. */
  readonly path: string;
  /** May take long. Called once, and then only when an entry has just ended, or to wait no more. */
  readonly open: () => Opened;
  readonly close: (opened: Opened) => void | Promise<void>;
  /** Throws when it is to be given up. */
  readonly check: () => void;
}

/**
 * Opens the database at a moment that is between two entries, so that whoever goes on behind a copy's
 * index gets nothing twice. Where none is met for ten seconds, as in an entry that takes longer, or
 * among large ones without a pause, what `open` gives has a part of one, as whoever reads the database
 * sees it.
 */
export async function betweenEntries<Opened extends Moment>(
  options: BetweenEntriesOptions<Opened>,
): Promise<Opened> {
  const { clock, open, close, check } = options;
  const until = clock.now() + patienceMs;
  for (;;) {
    check();
    const opened = open();
    if (opened.isWhole || clock.now() >= until) return opened;
    await close(opened);
    await entryEnd(options, until);
  }
}

/** Resolves when the entry under way has ended, or that is waited for no more. */
async function entryEnd(
  { clock, library, path, check }: Omit<BetweenEntriesOptions<Moment>, "open" | "close">,
  until: number,
): Promise<void> {
  using database = new Database(path, { library, readonly: true, busyTimeoutMs });
  do {
    await pause(clock, lookMs);
    check();
  } while (clock.now() < until && readRaftState(database).resume !== resumeAtStart);
}
