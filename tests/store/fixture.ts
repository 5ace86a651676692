import { checksum } from "../../src/base/checksum.ts";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { removeIfThere } from "../../src/io/remove_if_there.ts";
import { encodeConfiguration } from "../../src/raft/configuration.ts";
import { EntryType } from "../../src/raft/types.ts";
import { findLibrary, openLibrary } from "../../src/sqlite/mod.ts";
import { encodeCommand } from "../../src/store/codec/command_codec.ts";
import { encodeStep, type ScriptStep } from "../../src/store/codec/script_codec.ts";
import { stampCommand } from "../../src/store/codec/stamp.ts";
import type { LifeCycle } from "../../src/store/life_cycle.ts";
import type { QuickParts } from "../../src/store/quick_connection.ts";
import type { StoreOptions } from "../../src/store/options.ts";
import { openStore } from "../../src/store/store.ts";
import { WorkerThreads } from "../../src/store/worker_threads.ts";
import {
  type Answer,
  type AnswerFormat,
  type ApplyEntry,
  type Command,
  type IdempotencyKey,
  plainFormat,
  type ReadRequest,
  type RequestId,
  type SqlValue,
  type Statement,
  type Store,
} from "../../src/store/types.ts";
import { StatementMeter } from "../../src/store/statements/statement_meter.ts";
import { SimulatedClock } from "../simulation/clock.ts";

export const plain = plainFormat;

/** One request of a transaction. */
export function stepOf(
  sql: string | readonly string[],
  options: Partial<ScriptStep> = {},
): Uint8Array {
  return encodeStep({
    statements: [sql].flat().map((sql) => ({ sql })),
    clock: 1_700_000_000_000,
    seed: 7n,
    atomic: false,
    unified: true,
    readOnly: false,
    timeoutMs: 0,
    format: { ...plain, unified: true },
    ...options,
  });
}

export const library = openLibrary(await findLibrary());

export const silent = { log: () => {} };

/** Parts of a connection of the main thread for which time stands still: no machine is too slow for it. */
export function quickParts(path: string, foreignKeys: boolean, life: LifeCycle): QuickParts {
  const clock = new SimulatedClock();
  return {
    library,
    path,
    foreignKeys,
    life,
    quickSwitch: { isOn: () => true, took: () => {} },
    clock,
    meter: new StatementMeter({ clock, slow: undefined, report: () => {} }),
  };
}

/** How many handles this process has on `path` and what is named after it; undefined where the system does not say. */
export function openFiles(path: string): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith(path)) count++;
    } catch {
      // It was the handle of this very list.
    }
  }
  return count;
}

/** Resolves when `condition` holds; fails after three minutes at least. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 18_000; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("Waited in vain");
}

export interface ExecuteOptions {
  readonly transaction?: boolean;
  readonly unified?: boolean;
  readonly timeoutMs?: number;
  readonly request?: RequestId;
  readonly rights?: string | undefined;
  readonly key?: IdempotencyKey | undefined;
  /** Nobody waits for the answer. */
  readonly unawaited?: boolean;
}

/** The time of the entry at an index, where a test sets no other. */
export function clockOf(index: number): number {
  return 1_700_000_000_000 + index * 1000;
}

/** What the random numbers of the entry at an index come of. */
export function seedOf(index: number): bigint {
  return BigInt(index) * 7919n;
}

/** Makes entries with ascending indexes. */
export class Entries {
  index = 0;
  term = 1;
  /** What the clock of the leader that makes them shows. */
  clock = () => clockOf(this.index);
  /** What the leader that makes them was started with. */
  foreignKeys: boolean;

  constructor(foreignKeys = false) {
    this.foreignKeys = foreignKeys;
  }

  /** `null`: nobody waits for the answer. */
  command(command: Command, format: AnswerFormat | null = plain): ApplyEntry {
    this.index++;
    const stamp = { clock: this.clock(), seed: seedOf(this.index) };
    const data = stampCommand(encodeCommand(command), stamp, this.foreignKeys);
    return this.#entry(data, format ?? undefined);
  }

  noop(): ApplyEntry {
    this.index++;
    return this.#entry(new Uint8Array(0), undefined, EntryType.noop);
  }

  /** A change of members: of so many, then. */
  configuration(members: number): ApplyEntry {
    this.index++;
    const data = encodeConfiguration({
      members: Array.from({ length: members }, (_, at) => ({
        id: `${at}/00000000`,
        address: `a:${at}`,
        httpAddress: "",
        suffrage: "voter" as const,
      })),
    });
    return this.#entry(data, undefined, EntryType.configuration);
  }

  /** Those that make a user's file the database. */
  load(bytes: Uint8Array, loadId = 1n): ApplyEntry[] {
    const load = { loadId, request: undefined };
    const { length: size } = bytes;
    return [
      this.command({ type: "load_chunk", ...load, offset: 0, bytes }),
      this.command({ type: "load_commit", ...load, size, checksum: checksum(bytes) }),
    ];
  }

  #entry(
    data: Uint8Array,
    answer: AnswerFormat | undefined,
    type: EntryType = EntryType.command,
  ): ApplyEntry {
    const { index, term } = this;
    return { entry: { index, term, type, data, checksum: checksum(data) }, answer };
  }

  execute(statements: readonly (string | Statement)[], options: ExecuteOptions = {}): ApplyEntry {
    const { transaction = false, unified = false, timeoutMs = 0, request, rights, key } = options;
    return this.command({
      type: "execute",
      statements: statements.map((s) => typeof s === "string" ? { sql: s } : s),
      transaction,
      unified,
      timeoutMs,
      request,
      rights,
      key,
    }, options.unawaited ? null : { ...plain, unified });
  }
}

export function text(answer: Answer): string {
  if (typeof answer === "symbol") return answer.description ?? "";
  return answer instanceof Uint8Array ? new TextDecoder().decode(answer) : String(answer);
}

/** What a store of the program has around it. */
function defaults() {
  return {
    clock: new DenoClock(),
    disk: new DenoDisk(),
    threads: new WorkerThreads(),
    library,
    logger: silent,
    readers: 2,
  };
}

/** A store with the entries to feed it. */
export class TestStore {
  store: Store;
  readonly directory: string;
  readonly entries: Entries;
  readonly #options: Partial<StoreOptions>;

  private constructor(
    store: Store,
    directory: string,
    entries: Entries,
    options: Partial<StoreOptions>,
  ) {
    this.store = store;
    this.directory = directory;
    this.entries = entries;
    this.#options = options;
  }

  static async open(
    options: Partial<StoreOptions> = {},
    entries = new Entries(options.foreignKeys),
  ): Promise<TestStore> {
    const directory = options.directory ?? await Deno.makeTempDir({ prefix: "raftlite-store-" });
    const store = await openStore({ ...defaults(), ...options, directory });
    return new TestStore(store, directory, entries, options);
  }

  get path(): string {
    return `${this.directory}/db.sqlite`;
  }

  async restart(): Promise<void> {
    await this.store.close();
    this.store = await openStore({
      ...defaults(),
      ...this.#options,
      directory: this.directory,
    });
  }

  async apply(...entries: ApplyEntry[]): Promise<string[]> {
    return (await this.store.apply(entries)).map(({ answer }) => text(answer));
  }

  /** One entry of its own. */
  async execute(
    statements: readonly (string | Statement)[],
    options: ExecuteOptions = {},
  ): Promise<string> {
    const [answer] = await this.apply(this.entries.execute(statements, options));
    return answer ?? "";
  }

  /** SQL text as /db/load takes it. */
  async load(sql: string): Promise<string> {
    const bytes = new TextEncoder().encode(sql);
    const command = { type: "load_sql", sql: bytes, request: undefined } as const;
    const [answer] = await this.apply(this.entries.command(command));
    return answer ?? "";
  }

  async query(
    sql: string,
    positional: readonly SqlValue[] = [],
    format: Partial<AnswerFormat> = {},
    rights?: string,
  ): Promise<string> {
    const answer = await this.read({
      statements: [{ sql, positional }],
      transaction: false,
      format: { ...plain, ...format },
      timeoutMs: 0,
      rights,
    });
    return answer instanceof Uint8Array ? text(answer) : await new Response(answer).text();
  }

  /** As Store.read, always with a promise. */
  async read(
    request: ReadRequest,
    signal?: () => AbortSignal,
  ): Promise<Uint8Array | ReadableStream<Uint8Array>> {
    return await this.store.read(request, signal);
  }

  /**
   * Closes the store and has its file changed behind it, together with what goes with it: sums of
   * pages would tell of the change.
   */
  async edit(change: (path: string) => void): Promise<void> {
    await this.store.close();
    change(this.path);
    await removeIfThere(new DenoDisk(), `${this.path}-sums`);
  }

  async close(): Promise<void> {
    await this.store.close();
    await Deno.remove(this.directory, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Runs the system's own sqlite3 on a file. */
export function sqlite3(path: string, sql: string): string {
  const { stdout, stderr } = new Deno.Command("sqlite3", { args: [path, sql] }).outputSync();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** The file that the system's own sqlite3 makes by that. */
export async function sqliteFile(sql: string): Promise<Uint8Array<ArrayBuffer>> {
  const path = await Deno.makeTempFile();
  sqlite3(path, sql);
  const bytes = await Deno.readFile(path);
  await Deno.remove(path);
  return bytes;
}
