import { failedAs, ifThere } from "../../object_store/types.ts";
import type { Entry } from "../../raft/types.ts";
import {
  ArchiveError,
  type ArchivePlace,
  basePrefix,
  type BaseRecord,
  headKey,
  type HeadRecord,
  listPieces,
  ownerKey,
  pieceKey,
  readRecord,
  recordBytes,
} from "./layout.ts";
import { encodePiece, sumOf } from "./piece.ts";
import { readPiece } from "./stored_piece.ts";
import type { ArchivedNode } from "./types.ts";

/** Data of the entries in one piece: a restore has one in memory, and a leader makes one in a moment. */
const pieceBytesMax = 2 * 1024 * 1024;

/** The last entry in an archive, and the piece that ends with it. */
type Head = Omit<HeadRecord, "version" | "cluster">;

export interface TailParts {
  readonly place: ArchivePlace;
  readonly node: ArchivedNode;
  readonly signal: AbortSignal;
  /** There was an archive: it must not be begun anew where it is away. */
  readonly isBegun: boolean;
}

/** The end of an archive's chain of pieces, to which the leader adds. */
export class ArchiveTail {
  readonly #parts: TailParts;
  /** The last entry in the archive; index 0 for none. */
  #head: Head;
  #lastBase: BaseRecord | undefined;

  private constructor(parts: TailParts, head: Head, lastBase: BaseRecord | undefined) {
    this.#parts = parts;
    this.#head = head;
    this.#lastBase = lastBase;
  }

  /** Finds it, and sees that it is this cluster's, and a part of its history. */
  static async find(parts: TailParts): Promise<ArchiveTail> {
    const { place, node, signal } = parts;
    await node.confirm();
    if (!node.leads) throw new ArchiveError("another node leads now");
    await takeOwnership(parts);
    const lastBase = await newestBase(place, signal);
    const noted = await readRecord<HeadRecord>(place, headKey(place), signal);
    const head = noted ?? await unnotedHead(place, lastBase, signal);
    const tail = new ArchiveTail(parts, head, lastBase);
    while (await tail.#adoptNext()) { /* What was shipped and not noted. */ }
    tail.#checkHistory();
    return tail;
  }

  /** Throws an ArchiveError where it is gone: the directory of a disk that is not mounted is empty. */
  async checkPlace(): Promise<void> {
    const { place, node, signal } = this.#parts;
    const owner = await readRecord(place, ownerKey(place), signal);
    if (owner?.cluster !== node.clusterId) throw goneFrom(place);
  }

  get index(): number {
    return this.#head.index;
  }

  get lastBase(): BaseRecord | undefined {
    return this.#lastBase;
  }

  /** Whether a log that begins there goes on from here. */
  reaches(firstLogIndex: number): boolean {
    return this.#lastBase !== undefined && this.index + 1 >= firstLogIndex;
  }

  /**
   * A base copy was made: where the chain does not reach it, another begins behind it, which is noted
   * for whoever waits at the end of the old one.
   */
  async based(base: BaseRecord): Promise<void> {
    const isGap = !this.reaches(this.#parts.node.firstLogIndex);
    this.#lastBase = base;
    if (isGap) await this.#note({ key: "", sha256: "", index: base.index, term: base.term });
  }

  /** Ships entries up to `to`, as many as one piece takes; returns the bytes. */
  async ship(to: number): Promise<number> {
    const { place, node, signal } = this.#parts;
    const entries = await node.readLog(this.index + 1, to, pieceBytesMax);
    const bytes = await encodePiece({
      cluster: node.clusterId,
      shippedInTerm: node.term,
      previous: this.#head.sha256,
      entries,
    });
    const key = pieceKey(place, this.index + 1);
    try {
      await place.store.put(key, bytes, { ifAbsent: true, signal });
      await this.#moveTo(key, await sumOf(bytes), entries);
    } catch (error) {
      if (!failedAs("exists", error)) throw error;
      // Another leader's, or this one's own, whose answer was lost.
      if (!await this.#adoptNext(entries)) throw error;
    }
    return bytes.length;
  }

  async #moveTo(key: string, sha256: string, entries: readonly Entry[]): Promise<void> {
    const last = entries.at(-1);
    if (last === undefined) throw new ArchiveError(`${key} has no entries`);
    await this.#note({ key, sha256, index: last.index, term: last.term });
  }

  async #note(head: Head): Promise<void> {
    const { place, node, signal } = this.#parts;
    this.#head = head;
    const record: HeadRecord = { version: 1, cluster: node.clusterId, ...this.#head };
    await place.store.put(headKey(place), recordBytes(record), { signal });
  }

  /** Goes on behind the next piece if it is there; throws where it is not what this log has. */
  async #adoptNext(own: readonly Entry[] = []): Promise<boolean> {
    const { place, node, signal } = this.#parts;
    const next = await ifThere(readPiece(place, this.index + 1, signal));
    if (next === undefined) return false;
    const { key, piece, sha256 } = next;
    if (piece.cluster !== node.clusterId || piece.previous !== this.#head.sha256) {
      throw this.#otherHistory(this.index + 1);
    }
    for (const [at, { term, checksum }] of piece.entries.entries()) {
      const mine = own[at];
      if (mine !== undefined && (mine.term !== term || mine.checksum !== checksum)) {
        throw this.#otherHistory(mine.index);
      }
    }
    await this.#moveTo(key, sha256, piece.entries);
    return true;
  }

  /** The log that this cluster has must be the one that was archived: one that was forced may not be. */
  #checkHistory(): void {
    const { node } = this.#parts;
    const { index, term } = this.#head;
    if (index > node.appliedIndex) throw this.#otherHistory(node.appliedIndex + 1);
    // Of what the log holds no more only the last entry is known; behind others the chain begins anew.
    const own = index === 0 ? undefined : node.termAt(index);
    if (own !== undefined && own !== term) throw this.#otherHistory(index);
  }

  #otherHistory(index: number): ArchiveError {
    return new ArchiveError(
      `${this.#parts.place.name} has another history than this cluster, from index ${index} on: archive to another place`,
    );
  }
}

/** An archive is one cluster's; and its store must refuse to replace what is there. */
async function takeOwnership({ place, node, signal, isBegun }: TailParts): Promise<void> {
  const key = ownerKey(place);
  const bytes = recordBytes({ version: 1, cluster: node.clusterId });
  for (let tries = 0; tries < 3; tries++) {
    const owner = await readRecord(place, key, signal);
    if (owner !== undefined && owner.cluster !== node.clusterId) {
      throw new ArchiveError(`${place.name} is the archive of cluster ${owner.cluster}`);
    }
    if (owner === undefined && isBegun) throw goneFrom(place);
    try {
      await place.store.put(key, bytes, { ifAbsent: true, signal });
    } catch (error) {
      if (!failedAs("exists", error)) throw error;
      // One that came in between may be another cluster's, which is seen the next time.
      if (owner !== undefined) return;
    }
  }
  throw new ArchiveError(
    `${place.name} replaces objects although it is asked not to: two leaders could spoil an archive there`,
  );
}

function goneFrom({ name }: ArchivePlace): ArchiveError {
  return new ArchiveError(
    `${name} is this cluster's archive no more: bring it back, as by mounting its disk, or restart the node to begin it anew`,
  );
}

async function newestBase(
  place: ArchivePlace,
  signal: AbortSignal,
): Promise<BaseRecord | undefined> {
  let newest: string | undefined;
  for await (const { key } of place.store.list(basePrefix(place), signal)) {
    if (key.endsWith(".json")) newest = key;
  }
  return newest === undefined ? undefined : await readRecord<BaseRecord>(place, newest, signal);
}

/** Where nobody has noted the end: the last piece, or else the last base copy. */
async function unnotedHead(
  place: ArchivePlace,
  lastBase: BaseRecord | undefined,
  signal: AbortSignal,
): Promise<Head> {
  const first = (await listPieces(place, signal)).at(-1);
  if (first === undefined) {
    return { key: "", sha256: "", index: lastBase?.index ?? 0, term: lastBase?.term ?? 0 };
  }
  const { key, piece, sha256 } = await readPiece(place, first, signal);
  const last = piece.entries.at(-1);
  return { key, sha256, index: last?.index ?? 0, term: last?.term ?? 0 };
}
