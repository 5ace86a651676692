import { takeBase } from "../backup/archive/base_copy.ts";
import {
  ArchiveError,
  type ArchivePlace,
  type BaseRecord,
  headKey,
  type HeadRecord,
  listBases,
  listPieces,
  ownerKey,
  readRecord,
} from "../backup/archive/layout.ts";
import { type Piece, timeOf } from "../backup/archive/piece.ts";
import { readPiece, type StoredPiece } from "../backup/archive/stored_piece.ts";
import { formatDuration } from "../base/duration.ts";
import { formatGoBytes } from "../base/go_bytes.ts";
import { messageOf } from "../base/message_of.ts";
import { ifThere } from "../object_store/types.ts";
import type { Transfers } from "../io/transfers.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import type { Entry } from "../raft/types.ts";
import type { Store } from "../store/types.ts";
import type { StandbyFigures } from "./types.ts";

export interface FollowerParts {
  readonly place: ArchivePlace;
  /** The cluster whose archive it must be. */
  readonly cluster: string;
  readonly store: Pick<Store, "apply" | "applied" | "check" | "install">;
  /** Of this node; a base copy of another one is refused, unless they may differ. */
  readonly sqliteVersion: string;
  readonly permitsMismatch: boolean;
  /** Between two looks at an archive that had nothing new, in ms. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Shows long transfers; undefined: nobody looks. */
  readonly transfers?: Transfers | undefined;
}

/** Before the first try after a failure, in ms; doubled with each, up to the second. */
const firstRetryMs = 500;
const retryMsMax = 30_000;

type Counts = { -readonly [Name in keyof StandbyFigures]: StandbyFigures[Name] };

/**
 * Brings a store forward by an archive, piece by piece, and by a base copy where pieces are missing:
 * at the beginning, behind a gap, and where those that it needed were removed. All that it has to
 * know is in the store, which says how far it is; a crash at any moment costs nothing.
 */
export class ArchiveFollower {
  readonly #parts: FollowerParts;
  readonly #counts: Omit<Counts, "index" | "entriesBehind" | "msBehind">;
  readonly #ending = new AbortController();
  /** Up to where the archive is known to go. */
  #known = 0;
  /** When it had nothing that was not applied; undefined: never yet. */
  #levelAt: number | undefined;
  /** The piece that ends with the last entry applied, by its SHA-256; undefined where that is not known. */
  #previous: string | undefined;
  /** The entry that was looked for among all pieces, in vain. */
  #searchedAt: number | undefined;
  #ownerIsChecked = false;
  /** What is applied here is what the archive has. */
  #historyIsChecked = false;
  #timer: Timer | undefined;
  #state: "following" | "finishing" | "still" = "still";
  #run = Promise.resolve();
  #changing = Promise.resolve();
  /** Those who wait for an index to be applied. */
  readonly #waiting = new Set<{ readonly index: number; readonly reached: () => void }>();

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#counts = {
      target: parts.place.name,
      cluster: parts.cluster,
      lastWriteTime: undefined,
      piecesApplied: 0,
      bytesFetched: 0,
      basesTaken: 0,
      failing: undefined,
      damage: undefined,
      copiesReplaced: 0,
    };
  }

  get figures(): StandbyFigures {
    const { store, clock } = this.#parts;
    const { index } = store.applied;
    return {
      ...this.#counts,
      index,
      entriesBehind: Math.max(0, this.#known - index),
      msBehind: this.#levelAt === undefined ? undefined : clock.now() - this.#levelAt,
    };
  }

  /** The copy is damaged: the archive's newest base copy takes its place, and what is behind that. */
  replaceCopy(reason: string): void {
    if (this.#counts.damage !== undefined) return;
    this.#counts.damage = reason;
    this.#log(
      "ERROR",
      `this copy of the database is damaged: ${reason}; nothing is read from it any more, and a base copy of ${this.#parts.place.name} takes its place`,
    );
  }

  /** To be called once, and behind a `finish` whose outcome was not good enough. */
  start(): void {
    this.#state = "following";
    // What hangs at a target that does not answer goes on with it.
    void this.#run.then(() => this.#wait(0));
  }

  /** Gives up what is under way. */
  async stop(): Promise<void> {
    this.#state = "still";
    this.#ending.abort(new Error("The standby is stopping"));
    this.#timer?.cancel();
    await this.#run;
  }

  /**
   * Applies all that the archive has by now, and nothing more from then on. Resolves with why it came
   * not so far; undefined when it did.
   */
  async finish(timeoutMs: number): Promise<string | undefined> {
    this.#state = "finishing";
    this.#timer?.cancel();
    const rest = async () => {
      await this.#run;
      this.#searchedAt = undefined;
      while (this.#state === "finishing") {
        // The copy may be found damaged in the last look, too.
        if (!await this.#advance() && this.#counts.damage === undefined) break;
      }
    };
    const reached = rest().then(() => undefined, messageOf);
    this.#run = reached.then(() => {});
    const late = Promise.withResolvers<string>();
    const timer = this.#parts.clock.after(timeoutMs, () => {
      late.resolve(`it is not at the end of the archive after ${formatDuration(timeoutMs)}`);
    });
    const failure = await Promise.race([reached, late.promise]);
    timer.cancel();
    this.#state = "still";
    await this.#changing;
    if (this.#counts.damage === undefined) return failure;
    const damage = `this copy is damaged: ${this.#counts.damage}`;
    return failure === undefined ? damage : `${failure} (${damage})`;
  }

  #wait(delayMs: number): void {
    if (this.#state !== "following") return;
    this.#timer = this.#parts.clock.after(delayMs, () => {
      this.#run = this.#turn().then((delayMs) => this.#wait(delayMs));
    });
  }

  /** Changes the store, unless it is to stay as it is by now. */
  #change<T>(change: () => Promise<T>): Promise<T> {
    if (this.#state === "still") throw new Error("The standby goes no further");
    const changing = change();
    this.#changing = changing.then(() => {}, () => {});
    return changing;
  }

  /** One piece, or a look in vain; resolves with how long to wait then, in ms. */
  async #turn(): Promise<number> {
    try {
      const advanced = await this.#advance();
      if (this.#counts.failing !== undefined) {
        this.#log("INFO", "the archive can be followed again");
      }
      this.#counts.failing = undefined;
      return advanced ? 0 : this.#parts.pollMs;
    } catch (error) {
      if (this.#state !== "following") return 0;
      const message = messageOf(error);
      this.#ownerIsChecked = false;
      const times = (this.#counts.failing?.times ?? 0) + 1;
      this.#counts.failing = { times, message };
      this.#log("ERROR", `the archive cannot be followed (${times} in a row): ${message}`);
      return Math.min(retryMsMax, firstRetryMs * 2 ** Math.min(times - 1, 10));
    }
  }

  /** Applies what comes next in the archive; false when all that it has is applied. */
  async #advance(): Promise<boolean> {
    await this.#checkOwner();
    const { store, clock } = this.#parts;
    if (store.applied.index === 0 || this.#counts.damage !== undefined) {
      await this.#takeBase();
      return true;
    }
    const lookedAt = clock.now();
    const next = await this.#next();
    if (next === "gap") await this.#takeBase();
    else if (next === undefined) {
      this.#levelAt = lookedAt;
      return false;
    } else if (await this.#continuesHere(next)) await this.#apply(next);
    else await this.#takeBase();
    return true;
  }

  /**
   * Whether a piece is of the history that is applied here: where a cluster was recovered without those
   * who had its last entries, another archive has others at their indexes, under the same cluster's id.
   * False where the archive does not tell; throws an ArchiveError where it tells of another.
   */
  async #continuesHere({ piece }: StoredPiece): Promise<boolean> {
    if (this.#historyIsChecked) return true;
    const { index, term } = this.#parts.store.applied;
    const archived = entryIn(piece, index)?.term ?? await this.#archivedTerm(index);
    if (archived === undefined) return false;
    if (archived !== term) throw this.#otherHistory(index);
    return this.#historyIsChecked = true;
  }

  /** Of the entry there, by the piece that has it or a base copy that ends with it. */
  async #archivedTerm(index: number): Promise<number | undefined> {
    const { place } = this.#parts;
    const { signal } = this.#ending;
    const around = await this.#pieceAround(index, await listPieces(place, signal));
    const entry = around && entryIn(around.piece, index);
    if (entry !== undefined) return entry.term;
    return (await listBases(place, signal)).find((base) => base.index === index)?.term;
  }

  /** The last of those pieces that begins no later than at an entry; undefined for none. */
  async #pieceAround(index: number, firsts: readonly number[]): Promise<StoredPiece | undefined> {
    const first = firsts.findLast((first) => first <= index);
    if (first === undefined) return undefined;
    return await readPiece(this.#parts.place, first, this.#ending.signal);
  }

  #otherHistory(index: number): ArchiveError {
    return new ArchiveError(
      `${this.#parts.place.name} has not entry ${index} as it is here, as that of a cluster that was recovered without its last entries: a standby of it needs an empty directory`,
    );
  }

  /** What was put in the archive's place is another cluster's history. */
  async #checkOwner(): Promise<void> {
    if (this.#ownerIsChecked) return;
    const { place, cluster } = this.#parts;
    const owner = await readRecord(place, ownerKey(place), this.#ending.signal);
    if (owner?.cluster !== cluster) {
      throw new ArchiveError(
        owner === undefined
          ? `${place.name} is no archive any more`
          : `${place.name} is the archive of cluster ${owner.cluster} now, not of ${cluster}: a standby of that one needs an empty directory`,
      );
    }
    this.#ownerIsChecked = true;
  }

  /** The piece with the next entry; undefined when there is none yet, "gap" when there never will be. */
  async #next(): Promise<StoredPiece | "gap" | undefined> {
    const { place, cluster, store } = this.#parts;
    const { signal } = this.#ending;
    const index = store.applied.index + 1;
    const right = await ifThere(readPiece(place, index, signal));
    if (right !== undefined) return right;
    const head = await readRecord<HeadRecord>(place, headKey(place), signal);
    // A disk that is not mounted is empty, and not at its end.
    if (head?.cluster !== cluster) {
      this.#ownerIsChecked = false;
      await this.#checkOwner();
    }
    this.#known = Math.max(this.#known, head?.index ?? 0);
    if (this.#known < index && this.#searchedAt === index) return undefined;
    // A base copy may end in the middle of a piece, which may be one that nobody has noted.
    const firsts = await listPieces(place, signal);
    const around = await this.#pieceAround(index, firsts);
    const end = around?.piece.entries.at(-1)?.index ?? 0;
    if (end >= index) return around;
    if (Math.max(end, head?.index ?? 0) < index - 1) throw this.#otherHistory(index - 1);
    this.#searchedAt = index;
    const isBeyond = this.#known >= index || (firsts.at(-1) ?? 0) > index;
    return isBeyond ? "gap" : undefined;
  }

  async #apply({ key, piece, sha256, sizeBytes }: StoredPiece): Promise<void> {
    const { place, cluster, store } = this.#parts;
    const { index, term } = store.applied;
    const entries = piece.entries.filter((entry) => entry.index > index);
    const [first] = entries;
    const continues = this.#previous === undefined || piece.previous === this.#previous;
    if (
      piece.cluster !== cluster || first?.index !== index + 1 || first.term < term || !continues
    ) {
      throw new ArchiveError(
        `${place.name}: ${key} does not follow entry ${index} of term ${term}: the archive is damaged, or of another history`,
      );
    }
    const applying = entries.map((entry) => ({ entry, answer: undefined }));
    await this.#change(() => store.apply(applying));
    this.#previous = sha256;
    // Behind the end of a piece there is nothing but a piece that begins there, or a gap.
    this.#searchedAt = store.applied.index + 1;
    this.#counts.piecesApplied++;
    this.#counts.bytesFetched += sizeBytes;
    const time = entries.map(timeOf).findLast((stamped) => stamped !== undefined);
    this.#counts.lastWriteTime = time ?? this.#counts.lastWriteTime;
    this.#reached();
  }

  async #takeBase(): Promise<void> {
    const { place, store } = this.#parts;
    const { signal } = this.#ending;
    // What is older does for a damaged copy: the pieces behind it follow.
    const index = this.#counts.damage === undefined ? store.applied.index : 0;
    const base = await this.#newestBase(index);
    if (base === undefined) {
      throw new ArchiveError(
        index === 0
          ? `${place.name} has no base copy${this.#counts.damage === undefined ? " yet" : ""}`
          : `${place.name} has not the entries behind ${index} any more, and no base copy of later ones`,
      );
    }
    const what = `base copy of ${formatGoBytes(base.sizeBytes)} at index ${base.index}`;
    const why = index === 0 ? "" : `: the entries behind ${index} are not in ${place.name}`;
    this.#log(index === 0 ? "INFO" : "WARN", `Taking the ${what}${why}`);
    await takeBase({
      place,
      store: {
        check: (body, signal) => store.check(body, signal),
        install: (copy) => this.#change(() => store.install(copy)),
      },
      signal,
      counted: (body, { sizeBytes: totalBytes }) => {
        const { transfers } = this.#parts;
        return transfers?.counted("standby-base", { what, totalBytes }, body) ?? body;
      },
    }, base);
    this.#previous = undefined;
    this.#historyIsChecked = true;
    this.#searchedAt = undefined;
    if (this.#counts.damage !== undefined) {
      this.#counts.copiesReplaced++;
      // It may have gone back: what it once had of the archive, it has again only at its end.
      this.#levelAt = undefined;
    }
    this.#counts.damage = undefined;
    this.#counts.basesTaken++;
    this.#counts.bytesFetched += base.sizeBytes;
    this.#counts.lastWriteTime = base.time;
    this.#log("INFO", `The ${what} is the database now`);
    this.#reached();
  }

  /** The newest one, of a later entry than that. */
  async #newestBase(index: number): Promise<BaseRecord | undefined> {
    const { place, cluster, sqliteVersion, permitsMismatch } = this.#parts;
    const base = (await listBases(place, this.#ending.signal)).at(-1);
    if (base === undefined || base.cluster !== cluster || base.index <= index) return;
    if (base.sqlite !== sqliteVersion && !permitsMismatch) {
      throw new ArchiveError(
        `${base.key} was made by SQLite ${base.sqlite}, this is ${sqliteVersion}, by which rows may come out otherwise: use the cluster's, or give -allow-sqlite-mismatch`,
      );
    }
    return base;
  }

  #reached(): void {
    const { index } = this.#parts.store.applied;
    this.#known = Math.max(this.#known, index);
    for (const waiter of this.#waiting) if (waiter.index <= index) waiter.reached();
  }

  /** Waits until an entry is applied; false when it was not in time. */
  async reaches(index: number, timeoutMs: number): Promise<boolean> {
    const { store, clock } = this.#parts;
    if (store.applied.index >= index) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { index, reached: () => resolve(true) };
    const timer = clock.after(timeoutMs, () => resolve(false));
    this.#waiting.add(waiter);
    return await promise.finally(() => {
      timer.cancel();
      this.#waiting.delete(waiter);
    });
  }

  #log(level: "INFO" | "WARN" | "ERROR", message: string): void {
    this.#parts.logger.log(level, "standby", message);
  }
}

function entryIn({ entries }: Piece, index: number): Entry | undefined {
  return entries.find((entry) => entry.index === index);
}
