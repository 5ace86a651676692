import { ByteReader } from "../base/bytes.ts";
import { ColumnType, type Database, PreupdateHook, RowOperation } from "../sqlite/mod.ts";
import type { ChangeFile } from "./change_file.ts";
import { type ChunkMark, ChunkWriter } from "./chunk_writer.ts";
import type { CommitPosition } from "./commit_position.ts";
import { whatBecameOf } from "./failed_statement.ts";
import { decodeStored, RecordType, writeReadAgain } from "./group_codec.ts";
import { nextValue } from "./value_codec.ts";
import { type TableShape, TableShapes } from "./table_shapes.ts";
import type { ReadAgain } from "./types.ts";

/** How far an entry has come. */
interface Progress {
  /** Changes that it has made, and SQL transactions that have ended behind one. */
  readonly change: number;
  readonly transaction: number;
  /** Something has changed since the last of those. */
  readonly changed: boolean;
  /** What it takes in the log. */
  readonly bytes: number;
}

const atStart: Progress = { change: 0, transaction: 0, changed: false, bytes: 0 };

/** A place in what was recorded, to go back to. */
export interface ChangeMark {
  readonly progress: Progress;
  readonly chunks: ChunkMark;
  /** The SQL transaction of the last record. */
  readonly written: number;
}

/**
 * Records what is done to the rows of a connection, entry by entry, and puts it into the change log's
 * file in the transaction that it was done in. SQLite tells of rows that it takes back again: so
 * whoever has it take something back tells the recorder, by the mark of where that began.
 */
export class ChangeRecorder {
  readonly #database: Database;
  readonly #within: <Result>(body: () => Result) => Result;
  readonly #shapes: TableShapes;
  readonly #hook: PreupdateHook;
  readonly #file: ChangeFile;
  readonly #chunks: ChunkWriter;
  #entry: { readonly index: number; readonly time: number } | undefined;
  #change = 0;
  #transaction = 0;
  #changed = false;
  #bytes = 0;
  /** The SQL transaction of the last record. */
  #written = 0;
  /** Of the entry, at the last commit. */
  #committed = atStart;
  /** The entry changed more than the log may hold: nothing more of it is recorded. */
  #isTooLarge = false;
  /** To be told of once a transaction has begun: it happened outside of any. */
  #outside: ReadAgain["reason"] | undefined;
  /** Nothing is recorded: what happens is only tried. */
  paused = false;

  /** @param within Runs the store's own SQL, also within a statement of a client's. */
  constructor(
    database: Database,
    file: ChangeFile,
    within: <Result>(body: () => Result) => Result,
  ) {
    this.#database = database;
    this.#within = within;
    this.#file = file;
    this.#chunks = new ChunkWriter(file);
    this.#shapes = new TableShapes(database, within);
    this.#hook = new PreupdateHook(database, (operation, schema, table, oldRowId, newRowId) => {
      // What SQLite and the store keep for themselves is nobody's data.
      if (this.paused || schema !== "main" || table.startsWith("sqlite_")) return;
      this.#row(operation, table, oldRowId, newRowId);
    });
  }

  /** To be called when the connection is closed. */
  end(): void {
    this.#shapes.forget();
  }

  /** To be called before and after whatever may change the schema. */
  forgetTables(): void {
    this.#shapes.forget();
  }

  /**
   * Whether a statement deletes all rows of a table in one instruction where nobody is told of rows.
   * Here it takes them one by one; so that it ends the same, no limit on instructions may hold for it.
   * https://www.sqlite.org/lang_delete.html#the_truncate_optimization
   */
  clearsAtOnce(sql: string): boolean {
    if (!/\bdelete\b/i.test(sql)) return false;
    return this.#within(() =>
      this.#hook.without(() => {
        using program = this.#database.prepare(`EXPLAIN ${sql}`);
        return program.values<[number, string]>().some(([, opcode]) => opcode === "Clear");
      })
    );
  }

  /** What changes from now on is this entry's; `resumed` when a part of it was applied before a crash. */
  beginEntry(index: number, time: number, resumed: boolean): void {
    this.#entry = { index, time };
    this.#committed = resumed ? this.#progressOf(index) : atStart;
    this.#setProgress(this.#committed);
    this.#isTooLarge = false;
    this.#chunks.endGroup();
  }

  #setProgress({ change, transaction, changed, bytes }: Progress): void {
    this.#change = change;
    this.#transaction = transaction;
    this.#changed = changed;
    this.#bytes = bytes;
  }

  get #progress(): Progress {
    const [change, transaction] = [this.#change, this.#transaction];
    return { change, transaction, changed: this.#changed, bytes: this.#bytes };
  }

  #progressOf(index: number): Progress {
    let progress = atStart;
    for (const chunk of this.#file.chunksOf(index)) {
      // Behind a damaged one nobody reads on in this entry, whatever its changes are numbered.
      for (const { index: of, first, changes } of decodeStored(chunk) ?? []) {
        const last = changes[changes.length - 1];
        if (of !== index || last === undefined) continue;
        // Each commit within an entry is the end of an SQL transaction.
        progress = {
          change: first + changes.length,
          transaction: last.transaction + 1,
          changed: false,
          bytes: progress.bytes + chunk.length,
        };
      }
    }
    return progress;
  }

  /** A transaction of the database begins; what SQLite has rolled back by itself is forgotten. */
  begin(): void {
    this.rollback();
  }

  /** What was recorded since the last commit was taken back. */
  rollback(): void {
    this.#chunks.clear();
    this.#setProgress(this.#committed);
    this.#isTooLarge = false;
  }

  /**
   * Puts what was recorded into the file, just before the database commits it at `position`. Groups
   * from `keepFrom` on stay, however many they are. Throws what went wrong since the last time.
   */
  commit(position: CommitPosition, keepFrom: number): void {
    this.#hook.rethrow();
    if (this.#outside !== undefined) this.readAgain(this.#outside);
    this.#outside = undefined;
    this.#chunks.commit(position, keepFrom);
    this.#committed = this.#progress;
  }

  /** The database has not committed what was put into the file for it, and is where it was before. */
  takeBackCommit(position: CommitPosition): void {
    this.#file.goOn(position);
  }

  mark(): ChangeMark {
    return { progress: this.#progress, chunks: this.#chunks.mark(), written: this.#written };
  }

  /** What was recorded since `mark` was taken back. */
  rollbackTo({ progress, chunks, written }: ChangeMark): void {
    // What tells that it was too much stays, unless all that was is taken back.
    if (this.#isTooLarge && progress.change > 0) return;
    this.#isTooLarge = false;
    this.#chunks.rewind(chunks);
    this.#setProgress(progress);
    this.#written = written;
  }

  /** A statement has failed: forgets what SQLite has taken back of it, which may be all or nothing. */
  settleFailed(mark: ChangeMark): void {
    const isNothing = this.#change === mark.progress.change;
    // SQLite has rolled back everything, as the next `begin` finds.
    if (isNothing || this.#isTooLarge || this.#database.autocommit) return;
    const since = () => this.#chunks.since(mark.chunks);
    const outcome = this.#within(() => whatBecameOf(this.#database, since));
    if (outcome === "kept") return;
    this.rollbackTo(mark);
    if (outcome === "unknown") this.readAgain("unknown");
  }

  /** An SQL transaction of the entry has ended; "committed" when its changes have been, too. */
  endTransaction(how?: "committed"): void {
    if (this.#changed) this.#transaction++;
    this.#changed = false;
    if (how === "committed") this.#committed = this.#progress;
  }

  /** Something has changed that tells of no rows. */
  readAgain(reason: ReadAgain["reason"]): void {
    if (this.#entry === undefined || this.#isTooLarge) return;
    this.#begin();
    writeReadAgain(this.#chunks.records, reason);
    this.#change++;
    this.#changed = true;
  }

  /** The same, where no transaction is under way: it is recorded with the next one's commit. */
  readAgainOutside(reason: ReadAgain["reason"]): void {
    this.#outside = reason;
  }

  /** Has the next record stand in the entry's group, and in its SQL transaction. */
  #begin(): void {
    const { index = 0, time = 0 } = this.#entry ?? {};
    const transaction = this.#transaction;
    const first = this.#change;
    if (this.#chunks.inGroup({ index, time, first, transaction })) this.#written = transaction;
    for (; this.#written < transaction; this.#written++) {
      this.#chunks.records.uint8(RecordType.transaction);
    }
  }

  #row(operation: number, name: string, oldRowId: bigint, newRowId: bigint): void {
    if (this.#entry === undefined) {
      this.#outside = "unknown";
      return;
    }
    if (this.#isTooLarge) return;
    if (this.#hook.isBlobWrite) return this.readAgain("unknown");
    const shape = this.#shapes.of(name);
    this.#begin();
    const { records } = this.#chunks;
    const before = records.length;
    const table = this.#chunks.numberOf(shape);
    records.uint8(RecordType.row);
    records.uint8(operation);
    records.uint32(table);
    const [isInsert, isDelete] = [
      operation === RowOperation.insert,
      operation === RowOperation.delete,
    ];
    if (shape.table.hasRowId) {
      if (!isInsert) records.int64(oldRowId);
      if (!isDelete) records.int64(newRowId);
    }
    if (!isInsert) this.#values("old", shape);
    if (!isDelete) this.#values("new", shape);
    this.#change++;
    this.#changed = true;
    this.#bytes += records.length - before;
    if (this.#bytes > this.#file.bytesMax) this.#giveUp();
  }

  #values(which: "old" | "new", { table, places, virtual }: TableShape): void {
    const { records } = this.#chunks;
    const start = records.length;
    for (const { column, isReal } of places) {
      this.#hook.writeValue(which, column, isReal, records);
    }
    if (virtual === undefined) return;
    const stored = records.view().slice(start);
    records.truncate(start);
    const others = virtual.valuesFor(stored);
    const [storedReader, otherReader] = [stored, others].map((bytes) =>
      bytes && new ByteReader(bytes)
    );
    for (const { generated } of table.columns) {
      const reader = generated === "virtual" ? otherReader : storedReader;
      // What SQLite cannot work out nobody can read.
      if (reader === undefined) records.uint8(ColumnType.null);
      else records.raw(nextValue(reader));
    }
  }

  /** Keeps nothing of the entry, as far as it is not committed, but that it was too much. */
  #giveUp(): void {
    this.#chunks.dropGroup();
    this.#setProgress(this.#committed);
    this.readAgain("too_large");
    this.#isTooLarge = true;
  }
}
