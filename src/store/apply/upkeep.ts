import { ByteReader } from "../../base/bytes.ts";
import { messageOf } from "../../base/message_of.ts";
import type { Clock } from "../../io/types.ts";
import { SqliteError } from "../../sqlite/mod.ts";
import type { CommandHeader } from "../codec/command_header.ts";
import { stampOf } from "../codec/stamp.ts";
import { readUpkeep } from "../codec/upkeep_codec.ts";
import { isFull, isOfThisMachine, unwritable } from "../failures.ts";
import type { UpkeepCommand, UpkeepWork } from "../types.ts";
import type { Answers } from "./answers.ts";
import type { BatchEntry } from "./apply_batch.ts";
import { createUpkeepTable, readUpkeepRecords, writeUpkeepRecord } from "./upkeep_table.ts";
import type { WriteConnection } from "./write_connection.ts";

/** Upkeep that this node has carried out. */
export interface UpkeepRun {
  readonly task: UpkeepWork;
  readonly durationMs: number;
  /** Undefined when it went well. */
  readonly failure: string | undefined;
}

/** Measures upkeep, and is told of it. */
export interface UpkeepWatch {
  readonly clock: Pick<Clock, "now">;
  ran(run: UpkeepRun): void;
}

/** Of PRAGMA optimize: what it does by default, and the bit for all tables. */
export const optimizeMask = 0xfffe;
export const allTablesMask = 0x1_0000;

/**
 * Carries out what a leader's timer has asked for, in an entry of its own. VACUUM gives new row ids
 * to tables that have no key, and statistics change plans, and with them the order of rows: so all
 * nodes do both, at the same place of the log.
 *
 * When two leaders have asked for the same, only the first is done: an entry says what its leader
 * knew, and counts for nothing once that has changed.
 */
export class UpkeepApplier {
  readonly #connection: WriteConnection;
  readonly #answers: Answers;
  readonly #commitEntry: (entry: BatchEntry, header: CommandHeader) => void;
  readonly #watch: UpkeepWatch | undefined;

  constructor(parts: {
    readonly connection: WriteConnection;
    readonly answers: Answers;
    readonly commitEntry: (entry: BatchEntry, header: CommandHeader) => void;
    readonly watch?: UpkeepWatch | undefined;
  }) {
    this.#connection = parts.connection;
    this.#answers = parts.answers;
    this.#commitEntry = parts.commitEntry;
    this.#watch = parts.watch;
  }

  apply(entry: BatchEntry, header: CommandHeader): void {
    const connection = this.#connection;
    const command = readUpkeep(new ByteReader(entry.data, header.offset));
    const { clock, seed } = stampOf(entry.view);
    const record = connection.own(() => {
      createUpkeepTable(connection.database);
      return readUpkeepRecords(connection.database)[command.task];
    });
    if ((record?.index ?? 0) !== command.after) {
      connection.begin();
      this.#commitEntry(entry, header);
      return;
    }
    const startedAt = this.#watch?.clock.now() ?? 0;
    connection.determinism.set(clock, seed, 0);
    const failure = this.#run(command);
    const durationMs = (this.#watch?.clock.now() ?? 0) - startedAt;
    if (connection.database.autocommit) connection.begin();
    if (failure === undefined && (command.last || command.step === "begin")) {
      connection.own(() =>
        writeUpkeepRecord(connection.database, command.task, {
          since: record?.since ?? clock,
          last: command.last ? clock : record?.last,
          index: entry.index,
        })
      );
    }
    if (failure !== undefined) this.#answers.error(failure, false);
    this.#commitEntry(entry, header);
    if (command.step !== "begin" && command.task !== "scrub") {
      this.#watch?.ran({ task: command.task, durationMs, failure });
    }
  }

  /** What is wrong on every node; undefined when it is done, and maybe not committed yet. */
  #run({ step, pages }: Omit<UpkeepCommand, "request">): string | undefined {
    try {
      switch (step) {
        case "begin":
        // What it marks is looked at by each node for itself.
        case "scrub":
          return undefined;
        case "vacuum":
          this.#vacuum();
          break;
        case "vacuum_to_incremental":
          this.#exec("PRAGMA auto_vacuum = INCREMENTAL");
          this.#vacuum();
          break;
        case "incremental_vacuum":
          this.#connection.begin();
          this.#exec(`PRAGMA incremental_vacuum(${pages})`);
          break;
        case "optimize":
          this.#optimize();
          break;
      }
      return undefined;
    } catch (error) {
      this.#throwIfLocal(error);
      this.#connection.rollbackStatements();
      return messageOf(error);
    }
  }

  /** Not in a transaction: a crash behind it, before the entry counts as applied, has it done once more. */
  #vacuum(): void {
    this.#exec("VACUUM");
    // It may give rows other ids.
    this.#connection.changes?.readAgainOutside("schema");
    this.#connection.noteSchemaChange();
  }

  #optimize(): void {
    const connection = this.#connection;
    connection.refreshSchema();
    connection.begin();
    this.#exec("ANALYZE sqlite_schema");
    this.#exec(`PRAGMA optimize(${optimizeMask | allTablesMask})`);
    connection.noteSchemaChange();
  }

  #exec(sql: string): void {
    const { own, database } = this.#connection;
    own(() => database.exec(sql));
  }

  #throwIfLocal(error: unknown): void {
    if (!(error instanceof SqliteError)) throw error;
    const { database } = this.#connection;
    if (isFull(error) || isOfThisMachine(error, database)) throw unwritable(database, error);
  }
}
