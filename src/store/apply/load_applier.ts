import { ByteReader } from "../../base/bytes.ts";
import type { Disk } from "../../io/types.ts";
import { malformedCommand, readHeader, verifyEntry } from "../codec/command_header.ts";
import { stampOf } from "../codec/stamp.ts";
import type { Answers } from "./answers.ts";
import type { BatchEntry } from "./apply_batch.ts";
import type { GatheredFile } from "./gathered_file.ts";
import { KeyRows } from "./key_table.ts";
import { buildLoadedFile } from "./load_file.ts";
import { withSmallCache } from "./load_memory.ts";
import { type LoadTable, PieceReader } from "./load_table.ts";
import { resumeAtStart } from "./raft_table.ts";
import type { WriteConnection } from "./write_connection.ts";

interface Parts {
  readonly connection: WriteConnection;
  /** What has come of a load. */
  readonly table: LoadTable;
  readonly gathered: GatheredFile;
  readonly answers: Answers;
  readonly disk: Disk;
  /** Puts the file in the database's place; resolves once that is open, by another connection. */
  readonly exchange: (file: string) => Promise<void>;
}

/** Applies the last entry of a load of a SQLite file, which makes the file the database. */
export class LoadApplier {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Once what has arrived of a load is answered: makes it a part of the file that it is to be. */
  async follow(): Promise<void> {
    const { table, gathered } = this.#parts;
    if (table.takeChanged()) await gathered.follow(() => this.#pieces);
  }

  get #pieces(): PieceReader {
    const { connection } = this.#parts;
    return new PieceReader(connection.database, (body) => connection.own(body));
  }

  /** Exchanges the database for the loaded file, or answers why not. */
  async apply(entry: BatchEntry): Promise<void> {
    const { connection, table, gathered, answers, exchange } = this.#parts;
    verifyEntry(entry, connection.committed.index + 1);
    answers.begin(entry.format);
    const malformed = malformedCommand(entry);
    if (malformed !== undefined) {
      answers.error(malformed, false);
      answers.end();
      return this.#commit(entry);
    }
    const { request, offset } = readHeader(entry);
    if (request !== undefined && connection.sessions.admit(request) !== "new") {
      answers.endDuplicate();
      return this.#commit(entry);
    }
    if (request !== undefined) connection.sessions.record(request, entry.index);
    const reader = new ByteReader(entry.data, offset);
    const error = await withSmallCache(connection, () => this.#build(entry, reader));
    if (error !== undefined) {
      this.#commit(entry, () => connection.own(() => table.clear()));
      answers.error(error, false);
    } else {
      connection.noteLoad(entry.index, stampOf(entry.view).clock);
      await exchange(gathered.path);
    }
    answers.end();
  }

  #commit({ index, term }: BatchEntry, body = () => {}): void {
    const { connection } = this.#parts;
    connection.begin();
    body();
    connection.commit(index, term, resumeAtStart);
  }

  /** Returns why the file cannot be loaded. */
  #build({ index, term }: BatchEntry, command: ByteReader): Promise<string | undefined> {
    const { connection, table, gathered, disk } = this.#parts;
    const { database, sessions } = connection;
    const loadId = command.uint64();
    const size = command.integer();
    const arrived = connection.own(() => table.sizeOf(loadId));
    if (arrived === undefined) {
      return Promise.resolve("Load failed: another load took its place, send the file again");
    }
    return buildLoadedFile({
      library: database.library,
      disk,
      pieces: this.#pieces,
      gathered,
      size,
      checksum: command.uint32(),
      index,
      term,
      sessions,
      keys: connection.policy.trusted(() => new KeyRows(database)),
      foreignKeys: connection.pragmas.setting,
      delivered: connection.delivered,
    });
  }
}
