import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { DiskError, type DiskFile } from "../../src/io/types.ts";
import { Database, DbConfig, type Library, locationOf } from "../../src/sqlite/mod.ts";
import { createRaftTables } from "../../src/store/apply/raft_table.ts";
import {
  type CheckedPages,
  type CopyReply,
  type CopyRequest,
  copyThread,
} from "../../src/store/copy/copy_thread.ts";
import { withDirectory } from "../directory.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library } from "./fixture.ts";

/** SQLITE_FULL, SQLITE_IOERR and SQLITE_DONE. */
const [full, broken, done] = [13, 10, 101];

/** A database, and the copier's program in the test's own thread, over an SQLite and a disk that the test has a say in. */
class Subject implements Disposable {
  readonly path: string;
  readonly database: Database;
  readonly clock = new SimulatedClock();
  /** What SQLite says of its next step; and then works again. */
  stepFails: number | undefined;
  /** Called with what a step of a copy has come to. */
  copied = (_code: number) => {};
  /** Called before each write of the disk's. */
  writes = () => {};
  readonly #replies: CopyReply[] = [];
  readonly #cancelled = new Int32Array(new SharedArrayBuffer(4));
  readonly #receive: ReturnType<typeof copyThread>;

  constructor(directory: string, ...schema: readonly string[]) {
    this.path = `${directory}/db.sqlite`;
    this.database = new Database(this.path, { library });
    this.database.config(DbConfig.noCheckpointOnClose, true);
    this.database.exec("PRAGMA synchronous = OFF");
    for (const sql of schema) this.database.exec(sql);
    this.database.exec("PRAGMA journal_mode = WAL");
    createRaftTables(this.database);
    const symbols = this.#symbols();
    this.#receive = copyThread({
      clock: this.clock,
      disk: this.#disk(),
      openLibrary: () => ({ ...library, symbols }),
      post: (reply) => void this.#replies.push(reply),
      wait: () => assert.fail("It waits for no memory"),
    });
    const cancelled = this.#cancelled.buffer as SharedArrayBuffer;
    this.#receive({ library: locationOf(library), cancelled });
  }

  #symbols(): Library["symbols"] {
    const { sqlite3_step, sqlite3_backup_step } = library.symbols;
    return {
      ...library.symbols,
      sqlite3_step: (statement) => {
        const { stepFails } = this;
        this.stepFails = undefined;
        return stepFails ?? sqlite3_step(statement);
      },
      sqlite3_backup_step: (backup, pages) => {
        const code = sqlite3_backup_step(backup, pages);
        this.copied(code);
        return code;
      },
    };
  }

  #disk(): DenoDisk {
    const before = () => this.writes();
    return new class extends DenoDisk {
      override async open(path: string, options: { create: boolean }): Promise<DiskFile> {
        const file = await super.open(path, options);
        const write = file.write.bind(file);
        file.write = (offset, bytes) => {
          before();
          return write(offset, bytes);
        };
        return file;
      }
    }();
  }

  /** Nobody wants what is made, or the next. */
  cancel(isCancelled = true): void {
    Atomics.store(this.#cancelled, 0, isCancelled ? 1 : 0);
  }

  async reply(request: CopyRequest): Promise<CopyReply> {
    this.#receive(request);
    while (this.#replies.length === 0) {
      await this.clock.advance(1000);
      await new Promise((resolve) => setTimeout(resolve));
    }
    return this.#replies.shift() ?? assert.fail("It says nothing");
  }

  async ask<Value>(request: CopyRequest): Promise<Value> {
    const reply = await this.reply(request);
    assert.ok(reply.type === "answer", JSON.stringify(reply));
    return reply.value as Value;
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}

const limits = { grownBytesMax: 2 ** 30, heldMsMax: 1e9, editBytesMax: 1e6 };
const target = (path: string) => `${path}-copy`;

function backup(path: string, format: "binary" | "delete" | "sql", vacuum = false): CopyRequest {
  const options = { format, vacuum, tables: [] };
  return { type: "backup", path, target: target(path), options };
}

function pack(path: string, options: { vacuum?: boolean; content?: "all" } = {}): CopyRequest {
  const { vacuum = false } = options;
  return {
    ...{ type: "pack", path, plain: `${path}-plain`, target: target(path), limits },
    options: { ...options, vacuum, compression: "none" },
  };
}

/** Some 5 MB: more pages than are copied between two looks whether to give up. */
const large = [
  "CREATE TABLE t (v)",
  "INSERT INTO t VALUES (randomblob(5000000))",
];

/** What is at work when nobody wants it any more. */
const moments: Readonly<Record<string, (s: Subject) => CopyRequest>> = {
  "a copy is begun": (s) => {
    s.cancel();
    return backup(s.path, "binary");
  },
  "some pages are copied": (s) => {
    s.copied = (code) => {
      assert.notEqual(code, done, "It goes on");
      s.cancel();
    };
    return backup(s.path, "binary");
  },
  "all pages are copied": (s) => {
    s.copied = (code) => s.cancel(code === done);
    return backup(s.path, "binary", true);
  },
  "SQL is written": (s) => {
    s.writes = () => s.cancel();
    return backup(s.path, "sql");
  },
  "a pack is written": (s) => {
    s.writes = () => s.cancel();
    return pack(s.path);
  },
  "a vacuumed pack is made": (s) => {
    s.copied = () => s.cancel();
    return pack(s.path, { vacuum: true });
  },
  "a backup is checked": (s) => {
    s.database.exec(`VACUUM INTO '${s.path}-backup'`);
    s.cancel();
    return { type: "restore", path: `${s.path}-backup`, target: target(s.path) };
  },
  "pages are read": (s) => {
    s.cancel();
    return { type: "check_pages", path: s.path, from: 0, bytesMax: 1e6 };
  },
};

for (const [moment, begin] of Object.entries(moments)) {
  Deno.test(`a copier gives up what nobody wants, holds nothing, and does the next: ${moment}`, () =>
    withDirectory(async (directory) => {
      using s = new Subject(directory, ...large);
      const { size } = library.connections;
      const reply = await s.reply(begin(s));
      assert.ok(reply.type === "failed", JSON.stringify(reply));
      assert.match(reply.message, /^Copy given up: nobody wants it any more/);
      assert.equal(reply.cause, "other");
      assert.equal(library.connections.size, size);
      s.cancel(false);
      s.copied = s.writes = () => {};
      const request = { type: "check_pages", path: s.path, from: 0, bytesMax: 1e9 } as const;
      assert.equal((await s.ask<CheckedPages>(request)).next, undefined);
    }));
}

Deno.test("a copier says whether it lacked room, or met a disk that fails", () =>
  withDirectory(async (directory) => {
    using s = new Subject(directory, "CREATE TABLE t (v)");
    const { size } = library.connections;
    for (const [code, cause] of [[full, "full"], [broken, "disk"], [1, "other"]] as const) {
      s.stepFails = code;
      const reply = await s.reply(backup(s.path, "binary"));
      assert.equal(reply.type === "failed" && reply.cause, cause);
      assert.equal(library.connections.size, size);
    }
  }));

Deno.test("a copy of all has whole entries only, and one of the users' data what there is", () =>
  withDirectory(async (directory) => {
    using s = new Subject(directory, "CREATE TABLE t (v)");
    s.database.exec("UPDATE sqlite_raft SET applied_index = 7, resume_statement = 3");
    const reply = await s.reply(pack(s.path, { content: "all" }));
    assert.ok(reply.type === "failed");
    assert.match(
      reply.message,
      /^The copy holds a part of an entry: try again when that is applied/,
    );
    const { position } = await s.ask<{ position: unknown }>(pack(s.path));
    assert.deepEqual(position, { index: 7, term: 0 });
  }));

Deno.test("of a database of which too much is the store's own a pack is a copy, with the same content", () =>
  withDirectory(async (directory) => {
    // What is behind the store's pages moves into their places.
    using s = new Subject(directory, "PRAGMA auto_vacuum = FULL");
    s.database.exec(
      "INSERT INTO sqlite_raft_load (offset, load_id, bytes) VALUES (0, 1, zeroblob(2000000))",
    );
    s.database.exec("CREATE TABLE t (v)");
    s.database.exec("INSERT INTO t VALUES (zeroblob(2000000)), ('last')");
    let copies = 0;
    s.copied = () => copies++;
    const { contentSha256 } = await s.ask<{ contentSha256: string }>(pack(s.path));
    assert.ok(copies > 0);
    assert.match(contentSha256, /^[0-9a-f]{64}$/);
    using copy = new Database(target(s.path), { library });
    assert.equal(copy.scalar("SELECT group_concat(name) FROM sqlite_schema"), "t");
    assert.equal(copy.scalar("SELECT v FROM t WHERE rowid = 2"), "last");
    assert.equal(copy.scalar("PRAGMA integrity_check"), "ok");
  }));

Deno.test("a backup that is damaged is no failure of the copier's, and one that cannot be opened is", () =>
  withDirectory(async (directory) => {
    using s = new Subject(directory);
    const restore = { type: "restore", path: `${s.path}-backup`, target: target(s.path) } as const;
    await Deno.writeTextFile(restore.path, "no database");
    assert.deepEqual(await s.ask(restore), { damage: "it is not a SQLite file" });
    await Deno.remove(restore.path);
    const reply = await s.reply(restore);
    assert.ok(reply.type === "failed" && reply.cause === "other", JSON.stringify(reply));
  }));

const small = ["CREATE TABLE t (v)", "INSERT INTO t VALUES (randomblob(20000))"];

/** A backup of the database's, as a file. */
async function backedUp(s: Subject, change: (bytes: Uint8Array) => void = () => {}) {
  const restore = { type: "restore", path: `${s.path}-backup`, target: target(s.path) } as const;
  s.database.exec(`VACUUM INTO '${restore.path}'`);
  const bytes = await Deno.readFile(restore.path);
  change(bytes);
  await Deno.writeFile(restore.path, bytes);
  return restore;
}

Deno.test("a backup that finds no room where it is unpacked is no damaged one", () =>
  withDirectory(async (directory) => {
    using s = new Subject(directory, ...small);
    const restore = await backedUp(s);
    await Deno.writeFile(restore.path, gzipSync(await Deno.readFile(restore.path)));
    s.writes = () => {
      throw new DiskError("full", restore.target, "No room");
    };
    const reply = await s.reply(restore);
    assert.deepEqual(reply, { type: "failed", message: "No room", cause: "full" });
    s.writes = () => {};
    assert.ok("sizeBytes" in await s.ask<object>(restore));
  }));

Deno.test("a backup that SQLite cannot read at all is a damaged one", () =>
  withDirectory(async (directory) => {
    using s = new Subject(directory, ...small);
    // The format of its schema is of a version that is not known.
    const restore = await backedUp(s, (bytes) => bytes.fill(0xff, 44, 48));
    const { damage } = await s.ask<{ damage: string }>(restore);
    assert.match(damage, /^it is damaged: unsupported file format/);
  }));

Deno.test("a copy that was received is verified: its pages, whose it is, and what it holds", () =>
  withDirectory(async (directory) => {
    using s = new Subject(directory, ...small);
    s.database.exec("UPDATE sqlite_raft SET applied_index = 7, applied_term = 2");
    const verify = { type: "verify", path: `${s.path}-received` } as const;
    const receive = async (change: (bytes: Uint8Array) => void) => {
      s.database.checkpoint("truncate");
      const bytes = await Deno.readFile(s.path);
      change(bytes);
      await Deno.writeFile(verify.path, bytes);
      return await s.reply(verify);
    };
    const sound = await receive(() => {});
    assert.deepEqual(sound, { type: "answer", value: { index: 7, term: 2 } });
    // The last page, of a row that is longer than one, or of the table.
    const damaged = await receive((bytes) => bytes.fill(0, bytes.length - 4096));
    const isTold = damaged.type === "failed" && /^The copy is damaged: /.test(damaged.message);
    assert.ok(isTold, JSON.stringify(damaged));
    await Deno.remove(verify.path);
    {
      using other = new Database(verify.path, { library });
      other.exec("CREATE TABLE t (v)");
    }
    const reply = await s.reply(verify);
    assert.ok(reply.type === "failed");
    assert.equal(reply.message, "The copy does not say which entries it holds");
  }));

Deno.test("pages are read a bounded part at a time, up to the last", () =>
  withDirectory(async (directory) => {
    using s = new Subject(directory, ...large);
    const parts: number[] = [];
    for (let from: number | undefined = 0; from !== undefined;) {
      const { next, sizeBytes }: CheckedPages = await s.ask({
        ...{ type: "check_pages", path: s.path, from, bytesMax: 2_000_000 },
      });
      parts.push((next ?? sizeBytes) - from);
      from = next;
    }
    assert.deepEqual(parts.slice(0, 2), [1_998_848, 1_998_848]);
    assert.equal(parts.length, 3);
  }));
