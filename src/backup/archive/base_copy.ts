import type { Clock } from "../../io/types.ts";
import { failedAs } from "../../object_store/types.ts";
import type { Store } from "../../store/types.ts";
import { type ArchivePlace, baseKeys, type BaseRecord, recordBytes } from "./layout.ts";
import type { ArchivedNode } from "./types.ts";

export interface BaseParts {
  readonly place: ArchivePlace;
  readonly node: Pick<ArchivedNode, "clusterId">;
  readonly store: Pick<Store, "pack">;
  readonly sqliteVersion: string;
  readonly clock: Pick<Clock, "wallTime">;
  readonly signal: AbortSignal;
}

/**
 * Stores a copy of the whole database, with what the store keeps for itself. Its record is written
 * behind it, and makes it one: what a node leaves that is killed before is no base copy. Where there
 * is one of that index already, that one stays.
 */
export async function makeBase(parts: BaseParts): Promise<BaseRecord> {
  const { place, node, store, sqliteVersion, clock, signal } = parts;
  const packed = await store.pack({ vacuum: false, compression: "gzip", content: "all" }, signal);
  try {
    const { index, term } = packed.position;
    const keys = baseKeys(place, index);
    const key = keys.file(crypto.randomUUID().slice(0, 8));
    await place.store.upload(key, packed, { signal });
    const record: BaseRecord = {
      version: 1,
      cluster: node.clusterId,
      index,
      term,
      time: clock.wallTime(),
      key,
      sizeBytes: packed.sizeBytes,
      sha256: packed.sha256,
      contentSha256: packed.contentSha256,
      sqlite: sqliteVersion,
    };
    try {
      await place.store.put(keys.record, recordBytes(record), { ifAbsent: true, signal });
    } catch (error) {
      if (!failedAs("exists", error)) throw error;
      await place.store.remove(key, signal);
    }
    return record;
  } finally {
    await packed.close();
  }
}
