import { existsSync } from "node:fs";
import { checksum } from "../../src/base/checksum.ts";
import { type Engine, openers } from "../../src/member/openers.ts";
import {
  Database,
  findLibrary,
  type Library,
  openLibrary,
  PageSums,
} from "../../src/sqlite/mod.ts";
import type { StoreFailedError } from "../../src/store/failures.ts";
import { changesName, databaseName, openStore } from "../../src/store/store.ts";
import type { Results, Statement } from "../../src/store/types.ts";
import { diskRecorders, type DiskTrouble } from "../power/disk_recorder.ts";
import type { Remains } from "../power/volatile_files.ts";
import { DirectoryDisk } from "./directory_disk.ts";
import type { CheckedStore, Contents, StoreHome, StoreHomeParts, StoreKind } from "./store_home.ts";
import { SafetyViolation } from "./ledger.ts";
import { noteInstalled, ObservedStore, type Progress } from "./observed_store.ts";
import { StoreDirectory } from "./store_directory.ts";
import { SimulatedThreads } from "./threads.ts";
import type { SimulatedProcess } from "./virtual_clock.ts";

const library = openLibrary(await findLibrary());

/** All nodes have the same, so that it tells nothing. */
const profile = {
  version: library.version,
  sourceId: library.sourceId,
  compileOptions: [],
  probes: [],
  extensions: [],
  safeFunctions: [],
};

const recorders = await diskRecorders();

/** https://www.sqlite.org/c3ref/c_dbconfig_defensive.html */
const noCheckpointOnClose = 1006;

/** Small, so that checkpoints come in the few seconds of a run, in bytes. */
const walBytes = 64 * 1024;

/** How often the files of a program that has died are opened by another. */
const lookedInto = 0.1;

/** How much oftener than the log, which syncs all the time, a store meets a sync that fails. */
const syncFailures = 10;

/**
 * A directory with the real store in it. A program that dies leaves its files as they stand, a power
 * cut leaves of them what was synced, and of the rest what it likes.
 */
class SqliteHome implements StoreHome {
  readonly #parts: StoreHomeParts;
  readonly #progress: Progress = {
    appliedIndex: 0,
    durableIndex: 0,
    installedIndex: 0,
    acceptedIndex: 0,
  };
  readonly #directory: StoreDirectory;
  /** The one that the program runs with: knows its connections. */
  #library: Library | undefined;
  #disk: DirectoryDisk | undefined;
  /** The power is to go at one of the next syncs: how many are spared, and whom to tell. */
  #cut: { left: number; readonly gone: () => void } | undefined;
  /** What it has left, where it is gone and nobody knows yet. */
  #remains: Remains | undefined;
  #lostPower = false;
  #isOpen = false;

  constructor(parts: StoreHomeParts) {
    this.#parts = parts;
    this.#directory = new StoreDirectory(recorders, library.path, parts.random);
  }

  engine(process: SimulatedProcess, opened: (store: CheckedStore) => void): Engine {
    return {
      ...openers.engine,
      open: async (options) => {
        const store = await this.#open(process, options);
        opened(store);
        return { store, profile, libraryPath: library.path };
      },
    };
  }

  async #open(
    process: SimulatedProcess,
    options: Parameters<Engine["open"]>[0],
  ): Promise<ObservedStore> {
    const { queue, random, faults } = this.#parts;
    const delayMsMax = () => faults().applyMsMax;
    const own: Library = { ...library, connections: new Set(), clocks: new Set() };
    const carryOut = (work: () => void) => this.#carryOut(process, work);
    const pause = () =>
      new Promise<void>((resolve) =>
        queue.schedule(
          random.uint32() / 0x1_0000_0000 * delayMsMax(),
          () => process.run(() => carryOut(resolve)),
        )
      );
    const disk = new DirectoryDisk(pause, () => this.#directory.files);
    this.#library = own;
    this.#disk = disk;
    const { clock } = options;
    const parts = { queue, process, random, clock, disk, library: own, delayMsMax, carryOut };
    const store = await openStore({
      ...options,
      directory: this.#directory.path,
      disk,
      library: own,
      threads: new SimulatedThreads(parts),
      limits: { walBytes },
    });
    const { index } = store.applied;
    if (this.#lostPower) this.#checkLeft(index);
    this.#lostPower = false;
    this.#isOpen = true;
    this.#progress.appliedIndex = index;
    // The program died between the swap and the news of it.
    if (index === this.#progress.acceptedIndex) noteInstalled(this.#progress, index);
    this.#progress.acceptedIndex = 0;
    return new ObservedStore(store, this.#parts, this.#progress);
  }

  /**
   * What the program goes on with: a thread's message, or what waited for a file, and all that follows
   * at once. The disk may fail meanwhile, and the power go.
   */
  #carryOut(process: SimulatedProcess, work: () => void): void {
    const { queue } = this.#parts;
    this.#directory.settle();
    const trouble = this.#drawTrouble();
    if (trouble === undefined && this.#cut === undefined) return work();
    this.#directory.trouble(trouble);
    work();
    const { steps } = queue;
    queue.schedule(0, () => {
      this.#directory.trouble(undefined);
      if (process.alive && queue.steps === steps + 1) this.#mayCutPower();
    });
  }

  /** Nothing has left the program since the directory was settled. */
  #mayCutPower(): void {
    const cut = this.#cut;
    if (cut === undefined || !this.#directory.hasSynced || --cut.left > 0) return;
    this.#remains = this.#directory.cutPowerWithin();
    cut.gone();
  }

  /** What the disk is to fail at while a thread does something, if anything. */
  #drawTrouble(): DiskTrouble | undefined {
    const { random, diskFaults } = this.#parts;
    const { full, failed } = diskFaults();
    if (!this.#directory.losesPower) return undefined;
    if (full > 0 && random.chance(full)) {
      return { writesLeft: random.below(5), writesRefused: 1 + random.below(10) };
    }
    return failed > 0 && random.chance(Math.min(1, syncFailures * failed))
      ? { syncsLeft: random.below(3) }
      : undefined;
  }

  mayEnd({ message }: StoreFailedError): boolean {
    const { failures } = this.#directory;
    if (failures.has("sync_failed")) return true;
    // Without room a store that is open waits, unless what it is at cannot be taken up again.
    return failures.has("refused") && (!this.#isOpen || message.includes("is half applied"));
  }

  /** What was durable is there, and whole. */
  #checkLeft(index: number): void {
    const { durableIndex } = this.#progress;
    if (index < durableIndex) {
      const text = `A power cut took a state at ${durableIndex}, which was durable, to ${index}`;
      throw new SafetyViolation("Durability", text);
    }
    using database = this.#openToRead();
    const found = database.scalar("PRAGMA integrity_check");
    if (found !== "ok") throw new SafetyViolation("Durability", `A power cut left: ${found}`);
  }

  cutPowerSoon(gone: () => void): boolean {
    const { random } = this.#parts;
    if (!this.#directory.losesPower || this.#library === undefined || random.chance(0.3)) {
      return false;
    }
    this.#cut = { left: 1 + random.below(3), gone };
    return true;
  }

  keepPower(): void {
    this.#cut = undefined;
  }

  crash(kind: "process" | "power"): void {
    this.#cut = undefined;
    this.#isOpen = false;
    if (this.#library === undefined) return;
    const end = () => this.#end();
    if (kind === "process" || !this.#directory.losesPower) {
      this.#directory.killProcess(end);
      if (this.#parts.random.chance(lookedInto)) this.#lookIn();
      return;
    }
    this.#lostPower = true;
    this.#directory.losePower(end, this.#remains);
    this.#remains = undefined;
  }

  /** Somebody has a look by a program of SQLite's, which keeps no sums, and empties the WALs at its end. */
  #lookIn(): void {
    // In this order: what is in the database's file for good is to be in the change log's.
    for (const name of [changesName, databaseName]) {
      const path = `${this.#directory.path}/${name}`;
      if (!existsSync(path)) continue;
      using database = new Database(path, { library, create: false });
      database.scalar("SELECT count(*) FROM sqlite_schema");
    }
  }

  /** As the system would end them: what is not committed is gone, and the WAL stays as it is. */
  #end(): void {
    this.#disk?.closeAll();
    for (const connection of this.#library?.connections ?? []) {
      connection.config(noCheckpointOnClose, true);
      connection.close();
    }
    // One that is left is in SQLite's list of file systems for good, which it walks at each opening.
    for (const clock of this.#library?.clocks ?? []) clock.close();
    PageSums.abandon(library, this.#databasePath);
    this.#disk = this.#library = undefined;
  }

  get #databasePath(): string {
    return `${this.#directory.path}/${databaseName}`;
  }

  #openToRead(): Database {
    return new Database(this.#databasePath, { library, readonly: true });
  }

  get appliedIndex(): number {
    return this.#progress.appliedIndex;
  }

  get durableIndex(): number {
    return this.#progress.durableIndex;
  }

  get installedIndex(): number {
    return this.#progress.installedIndex;
  }

  contents(): Contents {
    using database = this.#openToRead();
    const lists = new Map<number, number[]>();
    using statement = database.prepare("SELECT key, value FROM lists ORDER BY id");
    for (const [key, value] of statement.values<[number, number]>()) {
      lists.set(key, [...lists.get(key) ?? [], value]);
    }
    return { lists, ...tablesOf(database) };
  }

  remove(): void {
    this.#end();
    this.#directory.remove();
  }
}

/** All rows, and a hash of the schema, of all rows of all tables, and of the requests that the store remembers. */
function tablesOf(database: Database): Pick<Contents, "tables" | "hash"> {
  using schema = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table'");
  const tables = schema.values<[string, string]>();
  const rowsByName = new Map<string, readonly (readonly unknown[])[]>();
  let hash = checksum(encoder.encode(JSON.stringify(tables)));
  for (const name of [...tables.map(([name]) => name), "sqlite_raft", "sqlite_raft_session"]) {
    using rows = database.prepare(`SELECT * FROM "${name}" ORDER BY 1`);
    const found = rows.values();
    rowsByName.set(name, found);
    for (const row of found) {
      hash = checksum(encoder.encode(JSON.stringify(row.map(plain))), hash);
    }
  }
  return { tables: rowsByName, hash };
}

/** A value as JSON has it; of bytes, which it would spell out one by one, their sum. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: value.length, sum: checksum(value) };
  return typeof value === "bigint" ? `${value}` : value;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const setup = [
  {
    sql: "CREATE TABLE IF NOT EXISTS lists (id INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER, " +
      "value INTEGER, at TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')), " +
      "chance INTEGER DEFAULT (random()), filling BLOB)",
  },
  { sql: "CREATE TABLE IF NOT EXISTS counts (key INTEGER PRIMARY KEY, count INTEGER)" },
  {
    sql: "CREATE TRIGGER IF NOT EXISTS counting AFTER INSERT ON lists BEGIN " +
      "INSERT INTO counts VALUES (new.key, 1) ON CONFLICT (key) DO UPDATE SET count = count + 1; END",
  },
];

/** A row, by one of the ways in which the store applies entries. */
function append(key: number, value: number): Statement[] {
  const positional = [key, value];
  const plain = { sql: "INSERT INTO lists (key, value) VALUES (?, ?)", positional };
  switch (value % 8) {
    case 0:
      // In a transaction of its own each, with a place to go on from in between.
      return [plain, { sql: "VACUUM" }, { sql: "UPDATE counts SET count = count" }];
    case 1:
      return [
        plain,
        { sql: `CREATE TABLE IF NOT EXISTS other_${key} (at TEXT, chance INTEGER)` },
        { sql: `INSERT INTO other_${key} VALUES (datetime('now'), random())` },
      ];
    case 2:
      return [{
        sql: "INSERT INTO lists (key, value, filling) VALUES (?, ?, randomblob(9000))",
        positional,
      }];
    case 3:
      return [plain, { sql: "INSERT INTO counts VALUES (NULL, 'no such', 'row')" }];
    default:
      return [plain];
  }
}

const wrong = "table counts has 2 columns but 3 values were supplied";

function lengthIn(results: Results): undefined {
  const text = typeof results === "string" ? results : decoder.decode(results);
  for (const { error } of JSON.parse(`[${text}]`)) {
    if (error !== undefined && error !== wrong) throw new Error(`An append failed: ${error}`);
  }
}

/** The whole answer, or what there is before the table is. */
function valuesIn(results: Uint8Array): number[] {
  const { error, values = [] } = JSON.parse(decoder.decode(results));
  if (error === "no such table: lists") return [];
  if (error !== undefined) throw new Error(`A read failed: ${error}`);
  return values.flat();
}

/** The program's own store with its commands, over real SQLite in real files. */
export const sqliteStores: StoreKind = {
  home: (parts) => new SqliteHome(parts),
  upkeep: { vacuumMs: 3_000, optimizeMs: 2_000, vacuumMode: "incremental" },
  // More than a run makes.
  changesBytes: 64 * 1024 * 1024,
  setup,
  append,
  list: (key) => ({ sql: "SELECT value FROM lists WHERE key = ? ORDER BY id", positional: [key] }),
  lengthIn,
  valuesIn,
};
