import { assert } from "../base/assert.ts";

/** What was found where the sound batches of a segment end. */
export interface TailFacts {
  /** No later segment exists. */
  readonly newest: boolean;
  /** Older segments: the end that the next segment's header names was reached. */
  readonly complete: boolean;
  /** The last batch says that another segment follows. */
  readonly sealed: boolean;
  /** The head of a batch stands further on. */
  readonly headFollows: boolean;
  /** Nothing but zeros follows, or nothing. */
  readonly blank: boolean;
  /** The sound part ends with a mark, or is the header alone: a sync has covered all of it. */
  readonly proven: boolean;
}

export type TailAction =
  /** All is well: read on in the next segment. */
  | "accept"
  /** All is well: write on behind it. */
  | "continue"
  /** Begin a new segment behind it. */
  | "cut"
  /** Begin a new segment and write the last batch again there. */
  | "rewrite"
  | "damage";

interface TailCase {
  readonly name: string;
  /** A fact not named here may be either. */
  readonly facts: Partial<TailFacts>;
  readonly action: TailAction;
  readonly because: string;
}

/** Exactly one row holds for any facts that can occur. */
export const tailCases: readonly TailCase[] = [
  {
    name: "finished segment",
    facts: { newest: false, complete: true },
    action: "accept",
    because: "the next segment was begun after a sync of all this, and all of it is sound",
  },
  {
    name: "damage in a finished segment",
    facts: { newest: false, complete: false },
    action: "damage",
    because: "the next segment was begun after a sync of what is missing or wrong here",
  },
  {
    name: "next segment lost",
    facts: { newest: true, sealed: true },
    action: "damage",
    because: "a segment is sealed only once the next one is durable, and that one is not there",
  },
  {
    name: "damage before a later batch",
    facts: { newest: true, sealed: false, headFollows: true },
    action: "damage",
    because: "a batch is written only after a sync of all before it, so this had been durable",
  },
  {
    name: "clean end",
    facts: { newest: true, sealed: false, headFollows: false, blank: true, proven: true },
    action: "continue",
    because: "the mark was written after the sync of the last batch, and nothing came after it",
  },
  {
    name: "crash around the last sync",
    facts: { newest: true, sealed: false, headFollows: false, blank: true, proven: false },
    action: "rewrite",
    because: "the last batch is whole but may be in the page cache alone, even after a failed sync",
  },
  {
    name: "torn write behind a mark",
    facts: { newest: true, sealed: false, headFollows: false, blank: false, proven: true },
    action: "cut",
    because: "only one batch is ever unsynced, and nobody was told that this one is durable",
  },
  {
    name: "torn write",
    facts: { newest: true, sealed: false, headFollows: false, blank: false, proven: false },
    action: "rewrite",
    because: "the torn batch was never reported durable, and the one before may be in cache alone",
  },
];

function matches(row: TailCase, facts: TailFacts): boolean {
  const { newest, complete, sealed, headFollows, blank, proven } = row.facts;
  return (newest ?? facts.newest) === facts.newest &&
    (complete ?? facts.complete) === facts.complete &&
    (sealed ?? facts.sealed) === facts.sealed &&
    (headFollows ?? facts.headFollows) === facts.headFollows &&
    (blank ?? facts.blank) === facts.blank &&
    (proven ?? facts.proven) === facts.proven;
}

/** The one row that holds. */
export function tailCase(facts: TailFacts): TailCase {
  const rows = tailCases.filter((row) => matches(row, facts));
  const [row] = rows;
  assert(row !== undefined && rows.length === 1, `${rows.length} recovery cases hold at once`);
  return row;
}
