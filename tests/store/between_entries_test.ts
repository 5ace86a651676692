import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { Database, locationOf } from "../../src/sqlite/mod.ts";
import { createRaftTables } from "../../src/store/apply/raft_table.ts";
import { betweenEntries } from "../../src/store/copy/between_entries.ts";
import { type CopyReply, type CopyRequest, copyThread } from "../../src/store/copy/copy_thread.ts";
import { type ImageReply, imageThread } from "../../src/store/copy/image_thread.ts";
import { withDirectory } from "../directory.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library } from "../sqlite/fixture.ts";

const disk = new DenoDisk();
const limits = { grownBytesMax: 2 ** 30, heldMsMax: 1e9, editBytesMax: 1e6 };

/** A database whose entries are under way as the test says, and the threads that copy it. */
function subject(directory: string) {
  const path = `${directory}/db.sqlite`;
  const database = new Database(path, { library });
  database.exec("PRAGMA journal_mode = WAL");
  createRaftTables(database);
  database.exec("CREATE TABLE t (v)");
  const clock = new SimulatedClock();
  const replies: (CopyReply | ImageReply)[] = [];
  const post = (reply: CopyReply | ImageReply) => void replies.push(reply);
  const scope = { clock, disk, openLibrary: () => library, post, wait: () => {} };
  const start = { library: locationOf(library) };
  const copier = copyThread(scope);
  copier({ ...start, cancelled: new SharedArrayBuffer(4) });
  const images = imageThread(scope);
  images({ type: "start", ...start });
  const options = { path, restPath: `${path}-rest`, limits };
  return {
    path,
    clock,
    copy: (request: CopyRequest) => copier(request),
    openImage: (image: number) => {
      const content = { of: "user", journal: "wal" } as const;
      const request = { type: "open", image, options: { ...options, content } } as const;
      images({ type: "request", id: image, request });
    },
    closeImage: (image: number) =>
      images({ type: "request", id: image, request: { type: "close", image } }),
    /** Entry 7 is applied, and of the next one so much. */
    state: (statements: number) =>
      database.exec(
        `UPDATE sqlite_raft SET applied_index = 7, applied_term = 2, resume_statement = ${statements}`,
      ),
    /** Entry 8 is applied, too. */
    end: () => database.exec("UPDATE sqlite_raft SET applied_index = 8, resume_statement = 0"),
    spoil: () =>
      database.exec(
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'sqlite_raft'",
      ),
    /** The next answer, at whatever time of the clock it comes. */
    next: async () => {
      while (replies.length === 0) {
        await clock.advance(10);
        await new Promise((resolve) => setTimeout(resolve));
      }
      return replies.shift();
    },
    replies,
    [Symbol.dispose]: () => database.close(),
  };
}

type Subject = ReturnType<typeof subject>;

const target = (path: string) => `${path}-copy`;
const kinds: Readonly<Record<string, (subject: Subject) => void>> = {
  "the file's bytes": ({ openImage }) => openImage(1),
  "a copy": ({ copy, path }) =>
    copy({
      ...{ type: "backup", path, target: target(path) },
      options: { format: "delete", vacuum: true, tables: [] },
    }),
  "SQL": ({ copy, path }) =>
    copy({
      ...{ type: "backup", path, target: target(path) },
      options: { format: "sql", vacuum: false, tables: [] },
    }),
  "a pack": ({ copy, path }) =>
    copy({
      ...{ type: "pack", path, plain: `${path}-plain`, target: target(path), limits },
      options: { vacuum: false, compression: "none" },
    }),
};

for (const [kind, begin] of Object.entries(kinds)) {
  Deno.test(`a backup is taken between two entries: ${kind}`, () =>
    withDirectory(async (directory) => {
      using made = subject(directory);
      made.state(3);
      begin(made);
      await made.clock.advance(5_000);
      assert.deepEqual(made.replies, []);
      made.end();
      const reply = await made.next();
      assert(reply?.type === "answer", JSON.stringify(reply));
      const value = reply.value as { readonly position?: unknown };
      const { index, term } = (value.position ?? value) as Record<string, unknown>;
      assert.deepEqual([index, term], [8, 2]);
      made.closeImage(1);
      await made.next();
    }));
}

Deno.test("an entry that takes long is not waited for: the copy's index is that before it", () =>
  withDirectory(async (directory) => {
    using made = subject(directory);
    made.state(3);
    made.openImage(1);
    const reply = await made.next();
    assert(reply?.type === "answer");
    assert.deepEqual((reply.value as { position: unknown }).position, { index: 7, term: 2 });
    assert.ok(made.clock.now() >= 10_000);
    made.closeImage(1);
    assert.deepEqual((await made.next())?.type, "let_go");
  }));

Deno.test("an image that is closed while it is waited for is not opened any more", () =>
  withDirectory(async (directory) => {
    using made = subject(directory);
    made.state(3);
    made.openImage(1);
    await made.clock.advance(100);
    made.closeImage(1);
    const replies = [await made.next(), await made.next()];
    assert.deepEqual(replies.map((reply) => reply?.type).sort(), ["answer", "failed"]);
    assert.match(JSON.stringify(replies), /The copy is closed/);
  }));

Deno.test("what is opened between entries is not made again and again while one is under way", () =>
  withDirectory(async (directory) => {
    using made = subject(directory);
    made.state(3);
    const { clock, path } = made;
    let opened = 0;
    let state = 3;
    const opening = betweenEntries({
      ...{ clock, library, path },
      open: () => ({ number: ++opened, isWhole: state === 0 }),
      close: () => {},
      check: () => {},
    });
    await clock.advance(5_000);
    assert.equal(opened, 1);
    // One that has ended, and another that has begun when it is opened: that is waited for anew.
    made.state(0);
    await clock.advance(20);
    assert.equal(opened, 2);
    made.state(3);
    await clock.advance(1_000);
    assert.equal(opened, 2);
    made.state(0);
    state = 0;
    await clock.advance(20);
    assert.equal((await opening).number, 3);
  }));

for (const [kind, begin] of Object.entries(kinds)) {
  Deno.test(`a backup of a database that cannot be read holds nothing of it: ${kind}`, () =>
    withDirectory(async (directory) => {
      using made = subject(directory);
      const { size } = library.connections;
      made.spoil();
      begin(made);
      const reply = await made.next();
      assert(reply?.type === "failed", JSON.stringify(reply));

      assert.equal(library.connections.size, size);
    }));
}
