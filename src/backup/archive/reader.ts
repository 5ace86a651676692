import { messageOf } from "../../base/message_of.ts";
import { failedAs, ifThere } from "../../object_store/types.ts";
import type { Entry } from "../../raft/types.ts";
import { baseBytes, takeBase, type TakeBaseParts } from "./base_copy.ts";
import {
  ArchiveError,
  type ArchivePlace,
  type BaseRecord,
  listBases,
  listPieces,
  NoArchiveError,
  ownerKey,
  pieceKey,
  readBeginning,
  readRecord,
} from "./layout.ts";
import { type Piece, timeOf } from "./piece.ts";
import { readPiece, type StoredPiece } from "./stored_piece.ts";
import type { Archived } from "./types.ts";

/** Who sees the span of an archive sees so many base copies. */
const basesShown = 100;

/** Entries without a gap, as an archive has them. Times are the leaders', in ms since 1970 UTC. */
export interface Range {
  readonly first: number;
  readonly last: number;
  readonly pieces: number;
  readonly firstTime: number | undefined;
  readonly lastTime: number | undefined;
}

/** What an archive holds, and what is wrong with it. */
export interface Inventory {
  readonly cluster: string;
  readonly bases: readonly BaseRecord[];
  readonly ranges: readonly Range[];
  readonly faults: readonly string[];
}

/** Reads an archive; what it reads, it checks. */
export class ArchiveReader {
  readonly #place: ArchivePlace;
  readonly cluster: string;
  readonly bases: readonly BaseRecord[];
  /** The base copy that it begins with, by its index; 0 where nothing was removed. */
  readonly #begins: number;
  /** Of all pieces, in order. */
  readonly #firsts: readonly number[];

  private constructor(
    place: ArchivePlace,
    { cluster, begins, bases, firsts }: {
      readonly cluster: string;
      readonly begins: number;
      readonly bases: readonly BaseRecord[];
      readonly firsts: readonly number[];
    },
  ) {
    this.#place = place;
    this.cluster = cluster;
    this.#begins = begins;
    this.bases = bases;
    this.#firsts = firsts;
  }

  /** Throws an ArchiveError when there is no archive. */
  static async open(place: ArchivePlace): Promise<ArchiveReader> {
    const owner = await readRecord(place, ownerKey(place));
    if (owner === undefined) throw new NoArchiveError(`${place.name} is no archive`);
    const { cluster } = owner;
    const begins = await readBeginning(place, cluster);
    const bases = (await listBases(place))
      .filter((base) => base.cluster === cluster && base.index >= begins);
    const firsts = await listPieces(place);
    // Of what goes with the base copy it begins with, the first piece may begin before that.
    const from = Math.max(0, firsts.findLastIndex((first) => first <= begins + 1));
    return new ArchiveReader(place, { cluster, begins, bases, firsts: firsts.slice(from) });
  }

  get name(): string {
    return this.#place.name;
  }

  /** Makes a base copy a store's database. Throws an ArchiveError where it is not what it was, or gone. */
  async take(base: BaseRecord, parts: Omit<TakeBaseParts, "place">): Promise<void> {
    try {
      await takeBase({ ...parts, place: this.#place }, base);
    } catch (error) {
      throw failedAs("missing", error) ? await this.#gone(base.key) : error;
    }
  }

  /** The entries behind `index`, piece by piece, as far as the chain goes. */
  async *entriesBehind(index: number, signal?: AbortSignal): AsyncGenerator<readonly Entry[]> {
    let next = index + 1;
    let previous: string | undefined;
    for (let first = this.#pieceWith(next); first !== undefined;) {
      const { piece, sha256 } = await this.#readPiece(first, signal);
      // The first one's predecessor is not read: what it names is checked by -verify.
      if (previous !== undefined && piece.previous !== previous) throw this.#broken(first);
      const entries = piece.entries.filter((entry) => entry.index >= next);
      if (entries.length > 0) yield entries;
      next = first + piece.entries.length;
      previous = sha256;
      first = this.#firsts.includes(next) ? next : undefined;
    }
  }

  #broken(first: number): ArchiveError {
    return new ArchiveError(
      `${this.name}: the chain is broken: ${
        pieceKey(this.#place, first)
      } does not follow the piece before it`,
    );
  }

  /** The piece that may hold an entry, by the entry that it begins with. */
  #pieceWith(index: number): number | undefined {
    return this.#firsts.findLast((first) => first <= index);
  }

  /** What was there when this was opened is there no longer. */
  async #gone(key: string): Promise<ArchiveError> {
    const begins = await readBeginning(this.#place, this.cluster);
    const why = begins > this.#begins
      ? `: the archive begins at index ${begins} by now, and what is older is removed`
      : "";
    return new ArchiveError(`${this.name}: ${key} is gone${why}`);
  }

  async #readPiece(first: number, signal?: AbortSignal): Promise<StoredPiece> {
    const stored = await ifThere(readPiece(this.#place, first, signal));
    if (stored === undefined) throw await this.#gone(pieceKey(this.#place, first));
    const { key, piece } = stored;
    if (piece.cluster !== this.cluster || piece.entries[0]?.index !== first) {
      throw new ArchiveError(`${this.name}: ${key} is not what its name says`);
    }
    return stored;
  }

  /** What it can restore, by what it has first and last: the chain between is not read. */
  async span(): Promise<Archived> {
    const bases = this.bases.map(({ index, time, sizeBytes, sqlite }) => {
      return { index, time, bytes: sizeBytes, sqlite };
    });
    const [oldest] = bases;
    const newest = bases.at(-1);
    const lastPiece = this.#firsts.at(-1);
    const { last, lastTime } = lastPiece === undefined
      ? nothing
      : extended(nothing, (await this.#readPiece(lastPiece)).piece);
    return {
      cluster: this.cluster,
      bases: bases.slice(-basesShown).reverse(),
      firstIndex: oldest?.index ?? 0,
      lastIndex: Math.max(newest?.index ?? 0, last),
      firstTime: oldest?.time,
      lastTime: lastTime ?? newest?.time,
    };
  }

  /** Reads all pieces, and with `whole` all base copies: everything that could be wrong. */
  async inventory(whole: boolean): Promise<Inventory> {
    const faults: string[] = [];
    const ranges: Range[] = [];
    let previous = "";
    for (const first of this.#firsts) {
      try {
        const { piece, sha256 } = await this.#readPiece(first);
        const open = ranges.at(-1);
        if (open !== undefined && open.last + 1 === first && piece.previous === previous) {
          ranges[ranges.length - 1] = extended(open, piece);
        } else {
          const isFirst = this.#begins > 0 && first === this.#firsts[0];
          if (piece.previous !== "" && !isFirst) faults.push(this.#broken(first).message);
          ranges.push(extended({ ...nothing, first }, piece));
        }
        previous = sha256;
      } catch (error) {
        faults.push(messageOf(error));
        previous = "";
      }
    }
    for (const base of whole ? this.bases : []) {
      try {
        for await (const _ of baseBytes(this.#place, base)) { /* Its sum is checked at its end. */ }
      } catch (error) {
        faults.push(messageOf(error));
      }
    }
    return { cluster: this.cluster, bases: this.bases, ranges, faults };
  }
}

const nothing: Range = { first: 0, last: 0, pieces: 0, firstTime: undefined, lastTime: undefined };

function extended(range: Range, { entries }: Piece): Range {
  const times = entries.map(timeOf).filter((time) => time !== undefined);
  return {
    first: range.first,
    last: entries.at(-1)?.index ?? range.last,
    pieces: range.pieces + 1,
    firstTime: range.firstTime ?? times[0],
    lastTime: times.at(-1) ?? range.lastTime,
  };
}
