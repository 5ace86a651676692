import type { Entry } from "../../raft/types.ts";
import type { Store } from "../../store/types.ts";
import { ArchiveError, type BaseRecord } from "./layout.ts";
import { timeOf } from "./piece.ts";
import type { ArchiveReader } from "./reader.ts";

/** Up to where a restore goes. */
export type Point =
  | { readonly type: "newest" }
  | { readonly type: "index"; readonly index: number }
  /** Up to the first entry that was stamped later, in ms since 1970 UTC. */
  | { readonly type: "time"; readonly time: number };

/** What was reached. */
export interface Reached {
  readonly index: number;
  /** When the last command in it was stamped; undefined where that is in the base copy. */
  readonly time: number | undefined;
  readonly base: BaseRecord;
  readonly entriesApplied: number;
}

/** The base copy from which a point is reached: the newest before it. Throws an ArchiveError for none. */
export function baseFor(reader: ArchiveReader, point: Point): BaseRecord {
  const before = ({ index, time }: BaseRecord) =>
    point.type === "newest" || (point.type === "index" ? index <= point.index : time <= point.time);
  const base = reader.bases.findLast(before);
  if (base !== undefined) return base;
  const [first] = reader.bases;
  throw new ArchiveError(
    first === undefined
      ? `${reader.name} has no base copy yet`
      : `${reader.name} begins at index ${first.index}, ${new Date(first.time).toISOString()}`,
  );
}

/**
 * Brings a store that holds a base copy to a point, by the same apply as on a node. Throws an
 * ArchiveError when the archive does not go so far, or is damaged.
 */
export async function replay(
  reader: ArchiveReader,
  base: BaseRecord,
  point: Point,
  store: Pick<Store, "apply" | "applied">,
): Promise<Reached> {
  let time: number | undefined;
  for await (const entries of reader.entriesBehind(base.index)) {
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
      const later = entries.findIndex((entry) => (timeOf(entry) ?? -Infinity) > point.time);
      return later < 0 ? entries : entries.slice(0, later);
    }
  }
}
