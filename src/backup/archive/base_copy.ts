import { countedSource, type Transfers } from "../../io/transfers.ts";
import type { Clock } from "../../io/types.ts";
import { failedAs } from "../../object_store/types.ts";
import type { Store } from "../../store/types.ts";
import { checkedSum, piecesOf } from "../stored_bytes.ts";
import {
  ArchiveError,
  type ArchivePlace,
  baseKeys,
  type BaseRecord,
  recordBytes,
} from "./layout.ts";
import type { ArchivedNode } from "./types.ts";

export interface BaseParts {
  readonly place: ArchivePlace;
  readonly node: Pick<ArchivedNode, "clusterId">;
  readonly store: Pick<Store, "pack" | "distrusted">;
  readonly sqliteVersion: string;
  readonly clock: Pick<Clock, "wallTime">;
  readonly signal: AbortSignal;
  /** Shows long transfers; undefined: nobody looks. */
  readonly transfers?: Transfers | undefined;
}

/**
 * Stores a copy of the whole database, with what the store keeps for itself. Its record is written
 * behind it, and makes it one: what a node leaves that is killed before is no base copy. Where there
 * is one of that index already, that one stays.
 */
export async function makeBase(parts: BaseParts): Promise<BaseRecord> {
  const { place, node, store, sqliteVersion, clock, signal, transfers } = parts;
  const { distrusted } = store;
  const packed = await store.pack({ vacuum: false, compression: "gzip", content: "all" }, signal);
  try {
    const { index, term } = packed.position;
    const keys = baseKeys(place, index);
    const key = keys.file(crypto.randomUUID().slice(0, 8));
    const counted = countedSource(transfers, "archive-base", {
      source: packed,
      totalBytes: packed.sizeBytes,
      what: `to ${place.name}`,
    });
    await place.store.upload(key, counted.source, { signal }).finally(counted.end);
    // By a comparison, say: then what was copied is not what the cluster has.
    if (store.distrusted !== distrusted) {
      await place.store.remove(key, signal);
      throw new ArchiveError(
        "this node's copy of the database was found damaged while it was copied",
      );
    }
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

/** The bytes of a base copy, compressed. Throws an ArchiveError at their end if they are not those stored. */
export function baseBytes(
  { store, name }: ArchivePlace,
  { key, sizeBytes, sha256 }: BaseRecord,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const error = () => new ArchiveError(`${name}: ${key} is damaged: its checksum is another`);
  return checkedSum(piecesOf(store, key, sizeBytes, signal), sha256, error);
}

export interface TakeBaseParts {
  readonly place: ArchivePlace;
  readonly store: Pick<Store, "check" | "install">;
  readonly signal?: AbortSignal | undefined;
  /** Passes on what comes of it; undefined: as it is. */
  readonly counted?: CountBytes | undefined;
}

/** Counts the bytes of a base copy as they pass. */
export type CountBytes = (
  body: AsyncIterable<Uint8Array>,
  base: BaseRecord,
) => AsyncIterable<Uint8Array>;

/** Makes a store's database of a base copy, once it is checked. Throws an ArchiveError for a wrong one. */
export async function takeBase(
  { place, store, signal, counted = (body) => body }: TakeBaseParts,
  base: BaseRecord,
): Promise<void> {
  const checked = await store.check(counted(baseBytes(place, base, signal), base), signal);
  if (checked.contentSha256 !== base.contentSha256) {
    await checked.close();
    throw new ArchiveError(`${place.name}: ${base.key} is not the database that was copied`);
  }
  const { index } = await store.install(checked);
  if (index !== base.index) {
    throw new ArchiveError(`${place.name}: ${base.key} holds entry ${index}, not ${base.index}`);
  }
}
