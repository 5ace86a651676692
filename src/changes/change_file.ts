import { assert } from "../base/assert.ts";
import { Database, DbConfig, type Library, type Statement } from "../sqlite/mod.ts";
import { changeSchema, positionQuery } from "./change_schema.ts";
import { type CommitPosition, comparePositions } from "./commit_position.ts";

/** What is to be delivered is kept up to so many times the log's size. */
const heldFactor = 16;

/** So much of the log's size goes at once. */
const trimmedPart = 32;

const noPosition: CommitPosition = { index: 0, statement: 0, offset: 0 };

/** A piece of the log: records of whole groups, or of a part of one. */
export interface Chunk {
  /** Of the first and the last group in it. */
  readonly first: number;
  readonly last: number;
  /** Number of its first change within the first group. */
  readonly change: number;
  readonly bytes: Uint8Array;
}

type ChunkRow = [number: number, last: number, change: number, start: number, size: number];

/**
 * The file of a change log, as whoever applies entries writes it: a SQLite database of its own, whose
 * transactions are those of the database and end just before them. So after a crash of the program it
 * is as far as the database, or further by what will be applied again; `goOn` takes that back. What a
 * power cut may do: wal_rewind.ts.
 *
 * One connection writes at a time; another may go on from there.
 */
export class ChangeFile {
  readonly #database: Database;
  readonly #bytesMax: number;
  readonly #statements;
  #inTransaction = false;
  /** How far the database was at the last commit. */
  #position = noPosition;
  /** Number of the last chunk, and where its bytes end, counted from the first ever. */
  #number = 0;
  #end = 0;
  /** Both at the last commit, by whichever connection. */
  #before = { number: 0, end: 0 };
  /** Where the bytes of the first chunk begin, counted likewise. */
  #start = 0;

  /** @param busyTimeoutMs How long a call may wait for another connection to the file. */
  constructor(library: Library, path: string, bytesMax: number, busyTimeoutMs = 0) {
    const database = this.#database = new Database(path, { library, busyTimeoutMs });
    this.#bytesMax = bytesMax;
    try {
      database.exec("PRAGMA journal_mode = WAL");
      database.exec("PRAGMA synchronous = NORMAL");
      database.exec("PRAGMA wal_autocheckpoint = 0");
      database.exec("PRAGMA journal_size_limit = 67108864");
      database.exec(changeSchema);
      this.#statements = prepareAll(database);
      this.#refresh();
    } catch (error) {
      database.close();
      throw error;
    }
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  #refresh(): void {
    this.#position = positionIn(this.#statements.state) ?? noPosition;
    this.#findEnd();
    this.#before = { number: this.#number, end: this.#end };
    this.#findStart();
  }

  #findStart(): void {
    this.#start = this.#statements.first.value<ChunkRow>()?.[3] ?? this.#end;
  }

  #findEnd(): void {
    const last = this.#statements.last.value<ChunkRow>();
    this.#number = last?.[0] ?? 0;
    this.#end = last === undefined ? 0 : last[3] + last[4];
  }

  /**
   * Goes on where the database is: what it has not committed is taken back, and if it has committed
   * what is not here, nothing of before is of use. Returns whether all is still there.
   */
  goOn(position: CommitPosition): boolean {
    this.#refresh();
    const order = comparePositions(this.#position, position);
    if (order === 0) return true;
    const { index, statement, offset } = position;
    // Of an entry that is half applied the first half is missing here.
    const next = statement === 0 && offset === 0 ? index + 1 : index + 2;
    this.#database.transaction(() => {
      if (order > 0) {
        this.#statements.dropBehind.run(index, statement, offset);
        this.#statements.lowerOldest.run(next);
      } else {
        this.#statements.dropAll.run();
        this.#statements.setOldest.run(next);
      }
      this.#statements.setState.run(index, statement, offset);
    });
    this.#refresh();
    return order > 0;
  }

  /** Adds a chunk to the transaction under way. */
  put(chunk: Chunk): void {
    this.#begin();
    this.#insert(chunk, noPosition);
  }

  /** @param to What the database is at behind it, where the chunk says that. */
  #insert({ first, last, change, bytes }: Chunk, to: CommitPosition): void {
    const { index, statement, offset } = this.#position;
    const start = this.#end;
    const number = this.#number + 1;
    const position = [index, statement, offset, to.index, to.statement, to.offset];
    this.#statements.put.run(
      ...[number, first, change, last, ...position, start, bytes.length, bytes],
    );
    this.#number = number;
    this.#end = start + bytes.length;
  }

  /** How many chunks the transaction under way has added. */
  get added(): number {
    return this.#number - this.#before.number;
  }

  /** Takes back all but the first `count` chunks that were added; returns the first of them. */
  takeBack(count: number): Uint8Array {
    assert(this.#inTransaction && count < this.added, "Chunks are taken back that are not there");
    const number = this.#before.number + count + 1;
    const bytes = this.addedChunk(count);
    this.#statements.dropFrom.run(number);
    this.#findEnd();
    return bytes;
  }

  /** The bytes of the chunk behind the first `count` that were added. */
  addedChunk(count: number): Uint8Array {
    const number = this.#before.number + count + 1;
    const [bytes] = this.#statements.bytes.value<[Uint8Array]>(number) ?? [];
    assert(bytes !== undefined, `Chunk ${number} of the change log is not there`);
    return bytes;
  }

  /** The chunks with something of an entry. */
  *chunksOf(index: number): Generator<Uint8Array> {
    for (const [number] of this.#statements.ofEntry.values<[number]>(index)) {
      const [bytes] = this.#statements.bytes.value<[Uint8Array]>(number) ?? [];
      if (bytes !== undefined) yield bytes;
    }
  }

  #begin(): void {
    if (this.#inTransaction) return;
    this.#statements.begin.run();
    this.#inTransaction = true;
  }

  /**
   * Commits what was added, just before the database does so at `position`. What is too much goes,
   * the oldest first; groups with indexes from `keepFrom` on only once they are many times too much.
   */
  commit(position: CommitPosition, keepFrom: number, chunk: Chunk | undefined): void {
    const bytes = this.#end - this.#start + (chunk?.bytes.length ?? 0);
    // Usually a single statement says all, and is a transaction by itself: that takes half as long.
    if (!this.#inTransaction && bytes <= this.#bytesMax) {
      if (chunk === undefined) this.#setState(position);
      else this.#insert(chunk, position);
    } else {
      if (chunk !== undefined) this.put(chunk);
      else this.#begin();
      if (bytes > this.#bytesMax) this.#trim(keepFrom);
      this.#setState(position);
      this.#statements.commit.run();
      this.#inTransaction = false;
    }
    this.#before = { number: this.#number, end: this.#end };
    this.#position = position;
  }

  #setState({ index, statement, offset }: CommitPosition): void {
    this.#statements.setState.run(index, statement, offset);
  }

  #trim(keepFrom: number): void {
    let oldest: number | undefined;
    for (;;) {
      const [chunk, next] = this.#statements.first.values<ChunkRow>();
      if (chunk === undefined || next === undefined) break;
      const [number, last, , start] = chunk;
      const inGroup = next[2] > 0;
      const bytes = this.#end - start;
      const bytesMax = last < keepFrom ? this.#bytesMax : this.#bytesMax * heldFactor;
      // More than need be, so that not each commit has to.
      const isTooMuch = bytes > bytesMax - bytesMax / trimmedPart;
      // A group goes as a whole: what is left of one that has lost its first part is of no use.
      if (!isTooMuch && !(oldest !== undefined && chunk[2] > 0)) break;
      this.#statements.drop.run(number);
      oldest = inGroup ? last : last + 1;
    }
    if (oldest === undefined) return;
    this.#statements.setOldest.run(oldest);
    this.#findStart();
  }

  /** Takes back what was added since the last commit. */
  rollback(): void {
    if (!this.#inTransaction) return;
    this.#inTransaction = false;
    if (this.#database.inTransaction) this.#statements.rollback.run();
    this.#number = this.#before.number;
    this.#end = this.#before.end;
    this.#findStart();
  }

  close(): void {
    this.#database.close();
  }
}

/** How far a change log is, read without changing anything; undefined where it says nothing. */
export function recordedPosition(library: Library, path: string): CommitPosition | undefined {
  using database = new Database(path, { library, create: false });
  database.config(DbConfig.noCheckpointOnClose, true);
  const exists = database.scalar("SELECT 1 FROM sqlite_schema WHERE name = 'state'") === 1;
  if (!exists) return undefined;
  using state = database.prepare(positionQuery);
  return positionIn(state);
}

/** Has a change log, which nobody writes now, hold nothing, and begin at an index; whatever it was behind. */
export function forgetRecorded(library: Library, path: string, oldest: number): void {
  using database = new Database(path, { library, create: false, busyTimeoutMs: 5_000 });
  database.transaction(() => {
    database.exec("DELETE FROM chunk");
    database.exec("UPDATE state SET applied = 0, statement = 0, offset = 0, oldest = ?", oldest);
  });
}

/** @param state That of `positionQuery`. */
function positionIn(state: Statement): CommitPosition | undefined {
  const row = state.value<[index: number, statement: number, offset: number]>();
  if (row === undefined) return undefined;
  const [index, statement, offset] = row;
  return { index, statement, offset };
}

function prepareAll(database: Database) {
  const prepare = (sql: string): Statement => database.prepare(sql, { persistent: true });
  const chunk = "SELECT number, last, change, start, size FROM chunk ORDER BY number";
  return {
    begin: prepare("BEGIN IMMEDIATE"),
    commit: prepare("COMMIT"),
    rollback: prepare("ROLLBACK"),
    state: prepare(positionQuery),
    setState: prepare("UPDATE state SET applied = ?, statement = ?, offset = ?"),
    setOldest: prepare("UPDATE state SET oldest = ?"),
    lowerOldest: prepare("UPDATE state SET oldest = min(oldest, ?)"),
    put: prepare("INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    bytes: prepare("SELECT bytes FROM chunk WHERE number = ?"),
    ofEntry: prepare("SELECT number FROM chunk WHERE ? BETWEEN first AND last ORDER BY number"),
    first: prepare(`${chunk} LIMIT 2`),
    last: prepare(`${chunk} DESC LIMIT 1`),
    drop: prepare("DELETE FROM chunk WHERE number = ?"),
    dropFrom: prepare("DELETE FROM chunk WHERE number >= ?"),
    dropAll: prepare("DELETE FROM chunk"),
    // A chunk is of a transaction that began where it says, and so ended behind that.
    dropBehind: prepare(
      "DELETE FROM chunk WHERE (applied, statement, offset) >= (?, ?, ?)",
    ),
  };
}
