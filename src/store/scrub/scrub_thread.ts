import { assert } from "../../base/assert.ts";
import { messageOf } from "../../base/message_of.ts";
import { Database, type LibraryLocation } from "../../sqlite/mod.ts";
import { readRaftState } from "../apply/raft_table.ts";
import { isDamaged, isInterrupt, isPassing, reasonOf } from "../failures.ts";
import type { CopyDigest, RowChunk, TableDigest, UnreadTable } from "../scrub_types.ts";
import type { ThreadScope } from "../threads.ts";
import { rowSum, type ScrubbedTable, scrubbedTables, SequenceSum } from "./row_sums.ts";
import { ScrubWord, Throttle } from "./throttle.ts";

/** What the main thread asks; each is answered once, under its number. */
export type ScrubRequest =
  /** Holds what is committed now, and says its index. */
  | { readonly type: "hold" }
  | { readonly type: "digest"; readonly after: string }
  | { readonly type: "chunks"; readonly table: string }
  | {
    readonly type: "rows";
    readonly table: string;
    readonly from: number;
    readonly count: number;
  }
  /** Lets go of it, and of the file. */
  | { readonly type: "end" };

export interface ScrubStart {
  readonly type: "start";
  readonly library: LibraryLocation;
  readonly path: string;
  /** One of {@linkcode ScrubWord}. */
  readonly word: SharedArrayBuffer;
  /** What it may take of a core. */
  readonly share: number;
}

export interface NumberedScrubRequest {
  readonly type: "request";
  readonly id: number;
  readonly request: ScrubRequest;
}

export type ScrubReply =
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "failed"; readonly id: number; readonly message: string };

/** Instructions of SQLite's between two looks whether to rest: some tens of microseconds. */
const instructionsPerLook = 2_000;
/** A chunk ends with a row whose sum is a multiple of this, or after so many rows. */
const chunkDivisor = 512;
const chunkRowsMax = 4_096;
/** How many chunks are remembered, of all tables. */
const chunksMax = 500_000;
/** How much is told of what SQLite's check finds. */
const findingsMax = 10;
/** What a virtual table says whose content cannot be checked here, as its tokenizer is unknown. */
const notChecked = /^unable to validate/;

const busyTimeoutMs = 5_000;

/** Reads one copy of the database at one index, on a connection of its own. */
class Scrub {
  readonly #scope: ThreadScope<ScrubReply>;
  readonly #start: ScrubStart;
  readonly #throttle: Throttle;
  readonly #chunks = new Map<string, RowChunk[]>();
  #chunkCount = 0;
  #database: Database | undefined;
  #tables: readonly ScrubbedTable[] = [];
  #index = 0;
  #word: number = ScrubWord.goOn;
  /** SQLite's check runs, which is cut short by its end. */
  #checking = false;

  constructor(scope: ThreadScope<ScrubReply>, start: ScrubStart) {
    this.#scope = scope;
    this.#start = start;
    this.#throttle = new Throttle(scope, new Int32Array(start.word), start.share);
  }

  handle(request: ScrubRequest): unknown {
    this.#throttle.begin();
    switch (request.type) {
      case "hold":
        return this.#hold();
      case "digest":
        return this.#digest(request.after);
      case "chunks":
        return this.#chunks.get(request.table) ?? [];
      case "rows":
        return this.#rows(request.table, request.from, request.count);
      case "end":
        return this.#end();
    }
  }

  #hold(): number {
    this.#end();
    const { library, path } = this.#start;
    const opened = this.#scope.openLibrary(library);
    const database = new Database(path, { library: opened, readonly: true, busyTimeoutMs });
    this.#database = database;
    database.setProgressHandler(instructionsPerLook, () => {
      const word = this.#look();
      return word === ScrubWord.end || (this.#checking && word !== ScrubWord.goOn);
    });
    database.exec("BEGIN");
    this.#index = readRaftState(database).index;
    return this.#index;
  }

  #look(): number {
    return this.#word = this.#throttle.look();
  }

  get #held(): Database {
    if (this.#database === undefined) throw new Error("The copy is held no more");
    return this.#database;
  }

  #digest(after: string): CopyDigest {
    const database = this.#held;
    const tables: TableDigest[] = [];
    const unread: UnreadTable[] = [];
    const damage: string[] = [];
    this.#tables = scrubbedTables(database);
    const first = this.#tables.findIndex(({ name }) => name === after) + 1;
    let complete = true;
    for (const table of this.#tables.slice(first)) {
      // The first one is tried in any case: else the next comparison would be no further.
      if (this.#look() !== ScrubWord.goOn && tables.length + unread.length > 0) {
        complete = false;
        break;
      }
      try {
        tables.push(this.#read(database, table));
      } catch (error) {
        if (isInterrupt(error)) throw error;
        const isLate = error instanceof CutShortError;
        // The next comparison begins with it; where it is the first one, that would be in vain again.
        if (!isLate || tables.length + unread.length === 0) {
          const cutShort = isLate || isPassing(error);
          unread.push({ name: table.name, why: reasonOf(error), cutShort });
        }
        if (isLate) {
          complete = false;
          break;
        }
        if (isDamaged(error)) {
          damage.push(`${table.name}: ${reasonOf(error)}`);
        }
      }
    }
    const findings = complete ? this.#findings(database) : undefined;
    // The next comparison has only the check left; where this one had, that would be in vain again.
    if (findings === undefined && tables.length + unread.length > 0) complete = false;
    damage.push(...findings ?? []);
    const checked = findings !== undefined;
    return { index: this.#index, tables, unread, damage, checked, complete };
  }

  #read(database: Database, { name, query }: ScrubbedTable): TableDigest {
    using statement = database.prepare(query);
    const chunks: RowChunk[] = [];
    const all = new SequenceSum();
    let rows = 0;
    let chunk = new SequenceSum();
    let chunkRows = 0;
    const endChunk = () => {
      const { text: sum } = chunk;
      if (this.#chunkCount + chunks.length < chunksMax) chunks.push({ rows: chunkRows, sum });
      chunk = new SequenceSum();
      chunkRows = 0;
    };
    while (statement.step()) {
      if (this.#word === ScrubWord.cutShort) throw new CutShortError();
      const sum = rowSum(statement);
      rows++;
      chunkRows++;
      all.add(sum);
      chunk.add(sum);
      if (sum % chunkDivisor === 0 || chunkRows >= chunkRowsMax) endChunk();
    }
    if (chunkRows > 0) endChunk();
    this.#chunkCount += chunks.length;
    this.#chunks.set(name, chunks);
    return { name, rows, sum: all.text };
  }

  /**
   * Also that each index has the rows of its table; nothing where SQLite cannot be asked, and
   * undefined where there was no time for it.
   */
  #findings(database: Database): string[] | undefined {
    if (this.#look() === ScrubWord.cutShort) return undefined;
    this.#checking = true;
    try {
      using statement = database.prepare(`PRAGMA integrity_check(${findingsMax})`);
      const found = statement.values<[string]>().map(([line]) => line);
      return found.filter((line) => line !== "ok" && !notChecked.test(line));
    } catch (error) {
      if (isInterrupt(error) && this.#word !== ScrubWord.end) return undefined;
      if (isInterrupt(error)) throw error;
      if (isPassing(error)) return undefined;
      // The schema may name a function, or a collation, of an application's own.
      return isDamaged(error) ? [reasonOf(error)] : [];
    } finally {
      this.#checking = false;
    }
  }

  #rows(name: string, from: number, count: number): number[] {
    const table = this.#tables.find((table) => table.name === name);
    if (table === undefined) throw new Error(`Table ${name} was not read`);
    using statement = this.#held.prepare(`${table.query} LIMIT ${count} OFFSET ${from}`);
    const sums: number[] = [];
    while (statement.step()) sums.push(rowSum(statement));
    return sums;
  }

  #end(): void {
    this.#chunks.clear();
    this.#chunkCount = 0;
    this.#tables = [];
    this.#database?.close();
    this.#database = undefined;
  }
}

class CutShortError extends Error {
  override name = "CutShortError";

  constructor() {
    super("too much was written meanwhile to hold it any longer");
  }
}

/** The thread that reads a copy to be compared: one request after the other. */
export function scrubThread(
  scope: ThreadScope<ScrubReply>,
): (message: ScrubStart | NumberedScrubRequest) => void {
  let scrub: Scrub | undefined;
  return (message) => {
    if (message.type === "start") {
      scrub = new Scrub(scope, message);
      return;
    }
    const { id, request } = message;
    try {
      assert(scrub !== undefined, "A thread that compares copies was not told how to begin");
      scope.post({ type: "answer", id, value: scrub.handle(request) });
    } catch (error) {
      scope.post({ type: "failed", id, message: messageOf(error) });
    }
  };
}
