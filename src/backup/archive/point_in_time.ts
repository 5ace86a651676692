import type { Entry } from "../../raft/types.ts";
import type { Store } from "../../store/types.ts";
import { ArchiveError, type BaseRecord } from "./layout.ts";
import type { Point } from "./moment.ts";
import { timeOf } from "./piece.ts";
import type { ArchiveReader } from "./reader.ts";

/** What was reached. */
export interface Reached {
  readonly index: number;
  /** When the last command in it was stamped; undefined where that is in the base copy. */
  readonly time: number | undefined;
  readonly base: BaseRecord;
  readonly entriesApplied: number;
}

/** The base copy from which a point is reached: the newest before it. Throws an ArchiveError for none. */
export async function baseFor(
  reader: ArchiveReader,
  point: Point,
  signal?: AbortSignal,
): Promise<BaseRecord> {
  const base = point.type === "time"
    ? await baseBefore(reader, point.time, signal)
    : reader.bases.findLast(({ index }) => point.type === "newest" || index <= point.index);
  if (base !== undefined) return base;
  const [first] = reader.bases;
  throw new ArchiveError(
    first === undefined
      ? `${reader.name} has no base copy yet`
      : `${reader.name} begins at index ${first.index}, ${new Date(first.time).toISOString()}`,
  );
}

/**
 * The last base copy before the first sign of a later time. Where a leader's clock was set back, a
 * copy that says to be older may hold what came later: the writes that went into it are looked at.
 */
async function baseBefore(
  reader: ArchiveReader,
  time: number,
  signal: AbortSignal | undefined,
): Promise<BaseRecord | undefined> {
  const later = reader.bases.findIndex((base) => base.time > time);
  for (let at = later < 0 ? reader.bases.length - 1 : later - 1; at >= 0; at--) {
    const base = reader.bases[at];
    const before = reader.bases[at - 1];
    if (base === undefined || before === undefined) return base;
    if (!await hasLater(reader, { from: before.index, to: base.index, time }, signal)) return base;
  }
  return undefined;
}

/** Whether a write between two entries was stamped later than that. */
async function hasLater(
  reader: ArchiveReader,
  { from, to, time }: { readonly from: number; readonly to: number; readonly time: number },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for await (const entries of reader.entriesBehind(from, signal)) {
    if (entries.some((entry) => entry.index <= to && isLater(entry, time))) return true;
    if ((entries.at(-1)?.index ?? to) >= to) return false;
  }
  return false;
}

function isLater(entry: Entry, time: number): boolean {
  return (timeOf(entry) ?? -Infinity) > time;
}

interface ReplayParts {
  readonly reader: ArchiveReader;
  readonly base: BaseRecord;
  readonly point: Point;
  readonly store: Pick<Store, "apply" | "applied">;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings a store that holds a base copy to a point, by the same apply as on a node. Throws an
 * ArchiveError when the archive does not go so far, or is damaged.
 */
export async function replay(
  { reader, base, point, store, signal }: ReplayParts,
): Promise<Reached> {
  let time: number | undefined;
  for await (const entries of reader.entriesBehind(base.index, signal)) {
    signal?.throwIfAborted();
    const wanted = upTo(point, entries);
    if (wanted.length > 0) {
      await store.apply(wanted.map((entry) => ({ entry, answer: undefined })));
      time = wanted.map(timeOf).findLast((stamped) => stamped !== undefined) ?? time;
    }
    if (wanted.length < entries.length) break;
  }
  const { index } = store.applied;
  if (point.type === "index" && index !== point.index) {
    throw new ArchiveError(`${reader.name} goes from its base copy to index ${index} only`);
  }
  return { index, time, base, entriesApplied: index - base.index };
}

function upTo(point: Point, entries: readonly Entry[]): readonly Entry[] {
  switch (point.type) {
    case "newest":
      return entries;
    case "index":
      return entries.filter(({ index }) => index <= point.index);
    case "time": {
      const later = entries.findIndex((entry) => isLater(entry, point.time));
      return later < 0 ? entries : entries.slice(0, later);
    }
  }
}
