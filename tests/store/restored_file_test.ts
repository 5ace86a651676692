import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { hasZstd } from "../../src/base/zstd.ts";
import { DamagedBackupError } from "../../src/store/types.ts";
import { sqlite3, TestStore } from "./fixture.ts";

async function fileOf(...statements: string[]): Promise<Uint8Array> {
  const path = await Deno.makeTempFile({ prefix: "raftlite-test-" });
  try {
    assert.equal(sqlite3(path, statements.join(";")), "");
    return await Deno.readFile(path);
  } finally {
    await Deno.remove(path);
  }
}

const sound = await fileOf(
  "CREATE TABLE t (a INTEGER PRIMARY KEY, b)",
  "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500) " +
    "INSERT INTO t SELECT n, hex(zeroblob(100)) || n FROM c",
  "CREATE INDEX i ON t (b)",
);

/** A stream in pieces of an odd size. */
async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 4999) yield bytes.subarray(at, at + 4999);
}

function changed(at: number, ...values: number[]): Uint8Array {
  const bytes = sound.slice();
  bytes.set(values, at);
  return bytes;
}

function temporaries(s: TestStore): string[] {
  return [...Deno.readDirSync(s.directory)].map((f) => f.name).filter((n) => n.includes(".tmp-"));
}

Deno.test("Store.check takes a sound backup, compressed or not, in WAL mode or not", async () => {
  await using s = await TestStore.open();
  const wal = changed(18, 2, 2);
  const contents = new Set<string>();
  const forms = [sound, gzipSync(sound), ...(hasZstd() ? [zstdCompressSync(sound)] : [])];
  for (const bytes of forms) {
    const checked = await s.store.check(streamOf(new Uint8Array(bytes)));
    assert.equal(checked.sizeBytes, sound.length);
    const restored = await new Response(
      ReadableStream.from(checked.body()).pipeThrough(
        new TransformStream({ transform: (piece, out) => out.enqueue(new Uint8Array(piece)) }),
      ),
    ).bytes();
    assert.deepEqual(restored, sound);
    contents.add(checked.contentSha256);
    await checked.close();
  }
  assert.equal(contents.size, 1);
  await (await s.store.check(streamOf(wal))).close();
  assert.deepEqual(temporaries(s), []);
});

Deno.test("Store.check names what is wrong with a backup, and touches nothing", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE mine (v)"]);
  const pages = sound.length / 4096;
  const cases: [string, Uint8Array, RegExp][] = [
    ["empty", new Uint8Array(), /^it is empty$/],
    ["a text", new TextEncoder().encode("SELECT 1;".repeat(100)), /^it is not a SQLite file$/],
    ["half a header", sound.slice(0, 60), /^it is cut short after 60 bytes$/],
    [
      "a page less",
      sound.slice(0, -4096),
      new RegExp(`^it is cut short: its header says ${pages} pages of 4096 bytes`),
    ],
    ["half a page less", sound.slice(0, -2000), /^it is cut short: its header says/],
    [
      "a page more",
      new Uint8Array([...sound, ...new Uint8Array(4096)]),
      /^its page count is wrong: its header says/,
    ],
    ["no pages", changed(16, 0, 7), /^its header names pages of 7 bytes$/],
    ["a damaged page", changed(4096 * 2, ...new Uint8Array(3000).fill(0xee)), /^it is damaged: /],
    ["gzip cut short", gzipSync(sound).subarray(0, -20), /^its gzip is damaged or cut short: /],
    ["gzip in gzip", gzipSync(gzipSync(sound)), /^it is gzip within gzip, compressed twice/],
    ["gzip of a text", gzipSync("hello"), /^it is not a SQLite file$/],
  ];
  for (const [what, bytes, message] of cases) {
    await assert.rejects(
      s.store.check(streamOf(new Uint8Array(bytes))),
      (error) =>
        error instanceof DamagedBackupError && message.test(error.message) ||
        assert.fail(`${what}: ${error}`),
    );
  }
  assert.deepEqual(temporaries(s), []);
  assert.match(await s.query("SELECT name FROM sqlite_schema WHERE name = 'mine'"), /mine/);
});

Deno.test("Store.check finds a row that its index has otherwise", async () => {
  const broken = await fileOf(
    "CREATE TABLE t (a)",
    "INSERT INTO t VALUES ('needle')",
    "CREATE INDEX i ON t (a)",
  );
  const text = new TextDecoder("latin1").decode(broken);
  broken[text.indexOf("needle")] = "N".charCodeAt(0);
  await using s = await TestStore.open();
  await assert.rejects(s.store.check(streamOf(broken)), /it is damaged: .*index i/);
});
