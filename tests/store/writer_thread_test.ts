import assert from "node:assert/strict";
import { checksum } from "../../src/base/checksum.ts";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { type Disk, DiskError, type DiskFile } from "../../src/io/types.ts";
import { Database, type Library, locationOf } from "../../src/sqlite/mod.ts";
import { receivedAnswers } from "../../src/store/apply/answers.ts";
import { encodeBatch } from "../../src/store/apply/apply_batch.ts";
import type {
  WriterApplied,
  WriterReply,
  WriterRequest,
} from "../../src/store/apply/writer_messages.ts";
import { writerThread } from "../../src/store/apply/writer_thread.ts";
import { scriptOf } from "../../src/store/codec/script_codec.ts";
import type { ApplyEntry } from "../../src/store/types.ts";
import { withDirectory } from "../directory.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { Entries, library, stepOf, text, until } from "./fixture.ts";

/** SQLITE_FULL and SQLITE_IOERR. */
const [full, broken] = [13, 10];

/** The writer's program in the test's own thread, over an SQLite and a disk that fail when told to. */
class Subject {
  readonly path: string;
  readonly entries = new Entries();
  readonly clock = new SimulatedClock();
  readonly replies: WriterReply[] = [];
  /** What SQLite says of its next step; and then works again. */
  stepFails: number | undefined;
  /** What a sync fails with. */
  syncFails: DiskError | undefined;
  readonly #receive: ReturnType<typeof writerThread>;
  readonly #changes: boolean;
  #last = 0;

  constructor(directory: string, changes = false) {
    this.path = `${directory}/db.sqlite`;
    this.#changes = changes;
    const failing = this.#failing();
    this.#receive = writerThread({
      clock: this.clock,
      disk: this.#disk(),
      openLibrary: () => failing,
      post: (reply) => void this.replies.push(reply),
      wait: () => assert.fail("It waits for no memory"),
    });
  }

  #failing(): Library {
    const { sqlite3_step } = library.symbols;
    const step: typeof sqlite3_step = (statement) => {
      const { stepFails } = this;
      this.stepFails = undefined;
      return stepFails ?? sqlite3_step(statement);
    };
    return { ...library, symbols: { ...library.symbols, sqlite3_step: step } };
  }

  #disk(): Disk {
    const failure = () => this.syncFails;
    return new class extends DenoDisk {
      override async open(path: string, options: { create: boolean }): Promise<DiskFile> {
        const file = await super.open(path, options);
        const sync = file.sync.bind(file);
        file.sync = () => {
          const error = failure();
          return error === undefined ? sync() : Promise.reject(error);
        };
        return file;
      }
    }();
  }

  post(request: WriterRequest): number {
    this.#receive({ id: ++this.#last, request });
    return this.#last;
  }

  /** What it says next, without time passing. */
  async next(): Promise<WriterReply> {
    await until(() => this.replies.length > 0);
    return this.replies.shift() ?? assert.fail("It says nothing");
  }

  async ask<Value = unknown>(request: WriterRequest): Promise<Value> {
    const id = this.post(request);
    const reply = await this.next();
    if (reply.type !== "answer") throw new Error(`${reply.type}: ${JSON.stringify(reply)}`);
    assert.equal(reply.id, id);
    return reply.value as Value;
  }

  open(): Promise<unknown> {
    const changes = this.#changes
      ? { path: `${this.path}-changes`, bytesMax: 1e6, held: false }
      : undefined;
    return this.ask({
      ...{ type: "open", library: locationOf(library), path: this.path },
      ...{ foreignKeys: false, slow: undefined, changes },
    });
  }

  postBatch(...entries: ApplyEntry[]): number {
    return this.post({ type: "apply", entries: encodeBatch(entries) });
  }

  async apply(...entries: ApplyEntry[]): Promise<string[]> {
    this.postBatch(...entries);
    return answersOf(await this.next(), entries.length);
  }

  execute(...sql: string[]): Promise<string[]> {
    return this.apply(this.entries.execute(sql));
  }

  rehearse(sql: string): WriterRequest {
    return {
      ...{ type: "rehearse", appliedIndex: this.entries.index, id: 1, done: 0, count: 1 },
      ...{ script: scriptOf([stepOf(sql)]), rights: undefined, foreignKeys: false },
    };
  }

  release(purpose: "end" | "exchange" | "set_aside" = "end"): WriterRequest {
    return { type: "release", purpose };
  }
}

function answersOf(reply: WriterReply, count: number): string[] {
  assert.ok(reply.type === "answer", JSON.stringify(reply));
  const { answers } = reply.value as WriterApplied;
  return receivedAnswers(answers, count).map(text);
}

/** Runs `body` with a writer that has opened a database with a table. */
function withWriter(
  body: (subject: Subject) => Promise<void>,
  options: { readonly changes?: boolean } = {},
): Promise<void> {
  return withDirectory(async (directory) => {
    const subject = new Subject(directory, options.changes);
    await subject.open();
    await subject.execute("CREATE TABLE t (v)");
    await body(subject);
    subject.syncFails = undefined;
    for (const connection of [...library.connections]) connection.close();
  });
}

Deno.test("the writer waits for room, answers questions meanwhile, and applies what waited in its order", () =>
  withWriter(async (w) => {
    w.stepFails = full;
    const first = w.postBatch(w.entries.execute(["INSERT INTO t VALUES (1)"]));
    const said = await w.next();
    assert.ok(said.type === "full" && said.message !== undefined);
    const second = w.postBatch(w.entries.execute(["INSERT INTO t VALUES (2)"]));
    await w.ask({ type: "status" });
    assert.deepEqual(w.replies, []);
    await w.clock.advance(500);
    const replies = [await w.next(), await w.next(), await w.next()];
    assert.deepEqual(replies[0], { type: "full", message: undefined });
    const ids = replies.slice(1).map((reply) => reply.type === "answer" ? reply.id : reply);
    assert.deepEqual(ids, [first, second]);
    assert.match(answersOf(replies[2] ?? said, 1)[0] ?? "", /"last_insert_id":2/);
  }));

Deno.test("a batch that waits for room is given up with the database, whatever comes of its room", () =>
  withWriter(async (w) => {
    w.stepFails = full;
    w.postBatch(w.entries.execute(["INSERT INTO t VALUES (1)"]));
    assert.equal((await w.next()).type, "full");
    await w.ask(w.release());
    await w.clock.advance(500);
    const reply = await w.next();
    assert.ok(reply.type === "failed");
    assert.match(reply.message, /The store is closed/);
  }));

Deno.test("a transaction that is rehearsed without room is refused, and the writer goes on", () =>
  withWriter(async (w) => {
    w.stepFails = full;
    w.post(w.rehearse("INSERT INTO t VALUES (1)"));
    assert.equal((await w.next()).type, "refused");
    const rehearsed = await w.ask<{ type: string }>(w.rehearse("INSERT INTO t VALUES (1)"));
    assert.equal(rehearsed.type, "same");
    assert.match((await w.execute("INSERT INTO t VALUES (1)"))[0] ?? "", /"last_insert_id":1/);
  }));

for (
  const [what, request] of Object.entries({
    "a transaction is rehearsed": (w: Subject) => w.rehearse("INSERT INTO t VALUES (1)"),
    "a batch is applied": (w: Subject) => ({
      ...{ type: "apply" as const, entries: encodeBatch([w.entries.execute(["DELETE FROM t"])]) },
    }),
  })
) {
  Deno.test(`a disk that fails while ${what} ends the writer, which lets go of the file`, () =>
    withWriter(async (w) => {
      const { size } = library.connections;
      w.stepFails = broken;
      w.post(request(w));
      const reply = await w.next();
      assert.ok(reply.type === "failed" && !reply.damaged, JSON.stringify(reply));
      assert.equal(library.connections.size, size - 1);
    }));
}

Deno.test("a checkpoint before whose changes a sync fails fails the writer; one without room does nothing", () =>
  withWriter(async (w) => {
    await w.execute("INSERT INTO t VALUES (1)");
    w.syncFails = new DiskError("full", "/changes", "no room");
    assert.equal(await w.ask({ type: "checkpoint", truncate: true }), false);
    w.syncFails = new DiskError("failed", "/changes", "input/output error");
    w.post({ type: "checkpoint", truncate: true });
    const reply = await w.next();
    assert.ok(reply.type === "failed");
    assert.match(
      reply.message,
      /takes no more writes: it could not be synced: input\/output error/,
    );
  }, { changes: true }));

Deno.test("a checkpoint says whether all of the WAL is in the file", () =>
  withWriter(async (w) => {
    await w.execute("INSERT INTO t VALUES (1)");
    using reader = new Database(w.path, { library, readonly: true });
    reader.exec("BEGIN");
    reader.scalar("SELECT count(*) FROM t");
    await w.execute("INSERT INTO t VALUES (2)");
    assert.equal(await w.ask({ type: "checkpoint", truncate: false }), false);
    reader.exec("COMMIT");
    assert.equal(await w.ask({ type: "checkpoint", truncate: true }), true);
    assert.equal((await Deno.stat(`${w.path}-wal`)).size, 0);
  }));

Deno.test("the file is let go of at the end though there is no room to bring all into it, and keeps its WAL aside", () =>
  withWriter(async (w) => {
    await w.execute("INSERT INTO t VALUES (1)");
    w.syncFails = new DiskError("full", "/changes", "no room");
    await w.ask(w.release());
    w.syncFails = undefined;
    await w.open();
    await w.execute("INSERT INTO t VALUES (2)");
    await w.ask(w.release("set_aside"));
    assert.ok((await Deno.stat(`${w.path}-wal`)).size > 0);
    await w.ask(w.release());
    await w.open();
    assert.match((await w.execute("INSERT INTO t VALUES (3)"))[0] ?? "", /"last_insert_id":3/);
    w.syncFails = new DiskError("failed", "/changes", "input/output error");
    w.post(w.release());
    assert.equal((await w.next()).type, "failed");
  }, { changes: true }));

Deno.test("an exchange of the file waits for room, and what opens behind it too", () =>
  withWriter(async (w) => {
    await w.execute("INSERT INTO t VALUES (1)");
    w.syncFails = new DiskError("full", "/changes", "no room");
    const released = w.post(w.release("exchange"));
    assert.equal((await w.next()).type, "full");
    w.syncFails = undefined;
    await w.clock.advance(500);
    assert.deepEqual(await w.next(), { type: "full", message: undefined });
    assert.deepEqual(await w.next(), { type: "answer", id: released, value: undefined });
    w.stepFails = full;
    const opening = w.open();
    await assert.rejects(opening, /^Error: full: /);
    await w.clock.advance(500);
    assert.deepEqual(await w.next(), { type: "full", message: undefined });
    assert.equal((await w.next()).type, "answer");
  }, { changes: true }));

Deno.test("a file that another program reads is not exchanged", () =>
  withWriter(async (w) => {
    using reader = new Database(w.path, { library, readonly: true });
    reader.exec("BEGIN");
    reader.scalar("SELECT count(*) FROM t");
    await w.execute("INSERT INTO t VALUES (1)");
    w.post(w.release("exchange"));
    const reply = await w.next();
    assert.ok(reply.type === "failed");
    assert.match(reply.message, /is read by another process: end that/);
  }));

Deno.test("a load's last command that is damaged is answered as any other, and changes nothing", () =>
  withWriter(async (w) => {
    const [chunk, commit] = w.entries.load(new Uint8Array(5));
    assert.ok(chunk !== undefined && commit !== undefined);
    const data = commit.entry.data.slice(0, -1);
    const damaged = { ...commit, entry: { ...commit.entry, data, checksum: checksum(data) } };
    const insert = w.entries.execute(["INSERT INTO t VALUES (1)"]);
    const answers = await w.apply(chunk, damaged, insert);
    assert.match(answers[1] ?? "", /^\{"error":".*damaged: its checksum does not match"\}$/);
    assert.match(answers[2] ?? "", /"last_insert_id":1/);
  }));

Deno.test("a writer that has opened nothing has no figures, and refuses what needs the database", () =>
  withDirectory(async (directory) => {
    const w = new Subject(directory);
    assert.deepEqual(await w.ask({ type: "statements" }), []);
    w.post({ type: "status" });
    const refused = await w.next();
    assert.ok(refused.type === "refused");
    assert.match(refused.message, /has no open database/);
    w.postBatch(w.entries.noop());
    assert.equal((await w.next()).type, "failed");
  }));
