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
import { databaseName, openStore } from "../../src/store/store.ts";
import type {
  AppliedEntry,
  AppliedPosition,
  ApplyEntry,
  BackupOptions,
  CheckedBackup,
  PackOptions,
  ReadRequest,
  Results,
  Statement,
  Statements,
  Store,
} from "../../src/store/types.ts";
import { DirectoryDisk } from "./directory_disk.ts";
import type { CheckedStore, Contents, StoreHome, StoreHomeParts, StoreKind } from "./store_home.ts";
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

/** In memory where the system has room there for files, as SQLite syncs them: no power is ever cut. */
const memoryFiles = "/dev/shm";
const place = existsSync(memoryFiles) ? { dir: memoryFiles } : {};

function makeDirectory(): string {
  return Deno.makeTempDirSync({ prefix: "raftlite-simulation-", ...place });
}

/** All but the WAL's index, of which the first connection makes a new one. */
function copyFiles(from: string, to: string): void {
  for (const { name } of Deno.readDirSync(from)) {
    if (!name.endsWith("-shm")) Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

/** https://www.sqlite.org/c3ref/c_dbconfig_defensive.html */
const noCheckpointOnClose = 1006;

/** Small, so that checkpoints come in the few seconds of a run, in bytes. */
const walBytes = 64 * 1024;

/** How far the node has come that a home belongs to. */
interface Progress {
  /** The last entry that was handed over to be applied, or was found applied. */
  appliedIndex: number;
  durableIndex: number;
  installedIndex: number;
  /** Of a state that is being put in the place of the one that is there; 0 for none. */
  acceptedIndex: number;
}

function noteInstalled(progress: Progress, index: number): void {
  Object.assign(progress, {
    appliedIndex: index,
    durableIndex: Math.max(progress.durableIndex, index),
    installedIndex: index,
    acceptedIndex: 0,
  });
}

/** The store, and how far it was brought. */
class ObservedStore implements CheckedStore {
  readonly stateHash = 0;
  readonly #store: Store;
  readonly #parts: StoreHomeParts;
  readonly #progress: Progress;

  constructor(store: Store, parts: StoreHomeParts, progress: Progress) {
    this.#store = store;
    this.#parts = parts;
    this.#progress = progress;
  }

  get applied(): AppliedPosition {
    return this.#store.applied;
  }

  get full(): string | undefined {
    return this.#store.full;
  }

  get outsideReaders() {
    return this.#store.outsideReaders;
  }

  get changes() {
    return this.#store.changes;
  }

  get changesDelivered() {
    return this.#store.changesDelivered;
  }

  get failed(): Promise<never> {
    return this.#store.failed;
  }

  statements() {
    return this.#store.statements();
  }

  apply(entries: readonly ApplyEntry[]): Promise<AppliedEntry[]> {
    for (const { entry } of entries) {
      this.#progress.appliedIndex = entry.index;
      this.#parts.applied(entry, this.stateHash);
    }
    return this.#store.apply(entries);
  }

  async checkpoint(): Promise<AppliedPosition> {
    const position = await this.#store.checkpoint();
    this.#progress.durableIndex = Math.max(this.#progress.durableIndex, position.index);
    return position;
  }

  openSnapshot() {
    return this.#store.openSnapshot();
  }

  liveRead(...asked: Parameters<Store["liveRead"]>) {
    return this.#store.liveRead(...asked);
  }

  waitApplied(...asked: Parameters<Store["waitApplied"]>) {
    return this.#store.waitApplied(...asked);
  }

  hold() {
    return this.#store.hold();
  }

  get distrusted() {
    return this.#store.distrusted;
  }

  /** Nothing here damages a page. */
  onDamage() {
    this.#store.onDamage((reason) => {
      throw new Error(`A page as it was written was called a wrong one: ${reason}`);
    });
  }

  distrust() {
    this.#store.distrust();
  }

  prepareCopy() {
    this.#store.prepareCopy();
  }

  holdCopy() {
    return this.#store.holdCopy();
  }

  rehearsal(rights: string | undefined) {
    return this.#store.rehearsal(rights);
  }

  async installSnapshot(
    body: AsyncIterable<Uint8Array>,
    accept?: (position: AppliedPosition) => Promise<void>,
  ): Promise<AppliedPosition> {
    const position = await this.#store.installSnapshot(this.#onTheWay(body), async (accepted) => {
      await accept?.(accepted);
      this.#progress.acceptedIndex = accepted.index;
    });
    noteInstalled(this.#progress, position.index);
    return position;
  }

  /** Sometimes a bit of it turns over. */
  async *#onTheWay(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { random, faults } = this.#parts;
    for await (const chunk of body) {
      if (!random.chance(faults().damage)) yield chunk;
      else {
        const damaged = chunk.slice();
        const at = random.below(damaged.length);
        damaged[at] = (damaged[at] ?? 0) ^ 1;
        yield damaged;
      }
    }
  }

  read(request: ReadRequest, signal?: () => AbortSignal) {
    return this.#store.read(request, signal);
  }

  inspect(statements: Statements) {
    return this.#store.inspect(statements);
  }

  backup(options: BackupOptions, signal?: AbortSignal) {
    return this.#store.backup(options, signal);
  }

  pack(options: PackOptions, signal?: AbortSignal) {
    return this.#store.pack(options, signal);
  }

  check(body: AsyncIterable<Uint8Array>, signal?: AbortSignal) {
    return this.#store.check(body, signal);
  }

  install(copy: CheckedBackup) {
    return this.#store.install(copy);
  }

  status() {
    return this.#store.status();
  }

  shrink(): void {
    this.#store.shrink();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

/**
 * A directory with the real store in it. A program that dies leaves its files as they stand: they
 * are copied, its connections are closed, and they are made what they were for the next one.
 */
class SqliteHome implements StoreHome {
  readonly #parts: StoreHomeParts;
  readonly #progress: Progress = {
    appliedIndex: 0,
    durableIndex: 0,
    installedIndex: 0,
    acceptedIndex: 0,
  };
  #directory = makeDirectory();
  /** The one that the program runs with: knows its connections. */
  #library: Library | undefined;
  #disk: DirectoryDisk | undefined;

  constructor(parts: StoreHomeParts) {
    this.#parts = parts;
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
    const own: Library = { ...library, connections: new Set() };
    const disk = new DirectoryDisk(() =>
      new Promise((resolve) =>
        queue.schedule(random.uint32() / 0x1_0000_0000 * delayMsMax(), () => process.run(resolve))
      )
    );
    this.#library = own;
    this.#disk = disk;
    const { clock } = options;
    const parts = { queue, process, random, clock, disk, library: own, delayMsMax };
    const store = await openStore({
      ...options,
      directory: this.#directory,
      disk,
      library: own,
      threads: new SimulatedThreads(parts),
      limits: { walBytes },
    });
    const { index } = store.applied;
    this.#progress.appliedIndex = index;
    // The program died between the swap and the news of it.
    if (index === this.#progress.acceptedIndex) noteInstalled(this.#progress, index);
    this.#progress.acceptedIndex = 0;
    return new ObservedStore(store, this.#parts, this.#progress);
  }

  crash(): void {
    if (this.#library === undefined) return;
    const left = makeDirectory();
    copyFiles(this.#directory, left);
    this.#end();
    for (const { name } of Deno.readDirSync(this.#directory)) {
      if (!existsSync(`${left}/${name}`)) Deno.removeSync(`${this.#directory}/${name}`);
    }
    // Into the same files: whoever looks whether they are others sees none.
    copyFiles(left, this.#directory);
    Deno.removeSync(left, { recursive: true });
  }

  /** As the system would end them: what is not committed is gone, and the WAL stays as it is. */
  #end(): void {
    this.#disk?.closeAll();
    for (const connection of this.#library?.connections ?? []) {
      connection.config(noCheckpointOnClose, true);
      connection.close();
    }
    PageSums.abandon(library, `${this.#directory}/${databaseName}`);
    this.#disk = this.#library = undefined;
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
    using database = new Database(`${this.#directory}/${databaseName}`, {
      library,
      readonly: true,
    });
    const lists = new Map<number, number[]>();
    using statement = database.prepare("SELECT key, value FROM lists ORDER BY id");
    for (const [key, value] of statement.values<[number, number]>()) {
      lists.set(key, [...lists.get(key) ?? [], value]);
    }
    return { lists, ...tablesOf(database) };
  }

  remove(): void {
    this.#end();
    Deno.removeSync(this.#directory, { recursive: true });
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
      const text = JSON.stringify(
        row,
        (_, value) => typeof value === "bigint" ? `${value}` : value,
      );
      hash = checksum(encoder.encode(text), hash);
    }
  }
  return { tables: rowsByName, hash };
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
