import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { hasZstd } from "../../src/base/zstd.ts";
import type { PackedBackup, PackOptions } from "../../src/store/types.ts";
import { sqlite3, TestStore } from "./fixture.ts";

async function bytesOf(packed: PackedBackup): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(packed.sizeBytes);
  for (let at = 0; at < bytes.length;) {
    const piece = await packed.read(at, 10_000);
    assert(piece.length > 0);
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

const unpack = {
  none: (bytes: Uint8Array) => bytes,
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
};

const compressions = ["none", "gzip", ...(hasZstd() ? ["zstd"] as const : [])] as const;

/** Packs, looks at what is promised of the file, and runs `sql` on the database in it. */
async function packed(s: TestStore, options: PackOptions, sql: string) {
  const packed = await s.store.pack(options);
  const bytes = await bytesOf(packed);
  assert.deepEqual(packed.position, s.store.applied);
  assert.equal(packed.sha256, createHash("sha256").update(bytes).digest("hex"));
  assert.equal(packed.md5, createHash("md5").update(bytes).digest("base64"));
  const content = unpack[options.compression](bytes);
  const path = `${s.directory}/unpacked`;
  await Deno.writeFile(path, content);
  const answer = sqlite3(path, `PRAGMA integrity_check; ${sql}`);
  for (const suffix of ["", "-wal", "-shm"]) await Deno.remove(path + suffix).catch(() => {});
  await packed.close();
  return { answer, contentSha256: packed.contentSha256, sizeBytes: content.length };
}

const rows = "SELECT count(*), sum(length(v)) FROM t";
const tables = "SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table'";

Deno.test("Store.pack makes files that SQLite's own tool opens once they are unpacked, with true sums", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  await s.execute([
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) " +
    "INSERT INTO t SELECT printf('%.*c', 200, 'x') FROM n",
  ]);
  const sums = new Set<string>();
  for (const compression of compressions) {
    const found = await packed(s, { vacuum: false, compression }, `${rows}; ${tables}`);
    assert.equal(found.answer, "ok\n500|100000\nt\n");
    sums.add(found.contentSha256);
  }
  assert.equal(sums.size, 1, "what is in them is the same");
  await s.execute(["INSERT INTO t VALUES ('y')"]);
  const later = await packed(s, { vacuum: false, compression: "gzip" }, rows);
  assert.equal(later.answer, "ok\n501|100001\n");
  assert(!sums.has(later.contentSha256));
  const left = [...Deno.readDirSync(s.directory)].filter(({ name }) => name.includes(".tmp-"));
  assert.deepEqual(left, []);
});

Deno.test("Store.pack leaves out what is deleted, and has the journal that is asked for", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  await s.execute(["INSERT INTO t VALUES (zeroblob(2000000)), ('kept')"]);
  await s.execute(["DELETE FROM t WHERE v <> 'kept'"]);
  const mode = "PRAGMA journal_mode; SELECT v FROM t";
  const none = { compression: "none" } as const;
  const whole = await packed(s, { ...none, vacuum: false }, mode);
  assert.equal(whole.answer, "ok\nwal\nkept\n");
  assert(whole.sizeBytes > 1_000_000);
  const rollback = await packed(s, { ...none, vacuum: false, journal: "delete" }, mode);
  assert.equal(rollback.answer, "ok\ndelete\nkept\n");
  const small = await packed(s, { ...none, vacuum: true }, mode);
  assert.equal(small.answer, "ok\ndelete\nkept\n");
  assert(small.sizeBytes < 100_000, `${small.sizeBytes}`);
  const all = await packed(s, { ...none, vacuum: false, content: "all" }, tables);
  assert.match(all.answer, /^ok\n.*sqlite_raft/, "to go on from it the store needs its own tables");
});
