import assert from "node:assert/strict";
import { type ChangeLog, ChangesTruncatedError } from "../../src/changes/types.ts";
import { ChangeReader } from "../../src/changes/change_reader.ts";
import { changesName } from "../../src/store/store.ts";
import { library, TestStore } from "../store/fixture.ts";

const mib = 1024 * 1024;

function logOf({ store }: TestStore): ChangeLog {
  const { changes } = store;
  assert.ok(changes !== undefined);
  return changes;
}

/** What is told from an index on, call by call. */
function all(log: ChangeLog, index: number, bytesMax: number) {
  const groups = [];
  let from = { index, change: 0 };
  for (;;) {
    const read = log.read(from, bytesMax);
    groups.push(...read.groups);
    if (read.next.index === from.index && read.next.change === from.change) return groups;
    from = read.next;
  }
}

const insertBlobs = (count: number, bytes: number) =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) ` +
  `INSERT INTO t SELECT zeroblob(${bytes}) FROM n`;

Deno.test("ChangeLog keeps as much as it may, and says from where on", async () => {
  await using store = await TestStore.open({ changesBytes: mib });
  await store.execute(["CREATE TABLE t (v)"]);
  for (let i = 0; i < 40; i++) await store.execute([insertBlobs(1, 100_000)]);
  const log = logOf(store);
  const { oldest, last, bytes, bytesMax } = log.status;
  assert.equal(last, 41);
  assert.ok(bytes <= bytesMax && bytes > mib / 2, `${bytes} bytes are kept`);
  assert.throws(() => log.read({ index: oldest - 1, change: 0 }), ChangesTruncatedError);
  const indexes = all(log, oldest, 1).map(({ index }) => index);
  assert.deepEqual(indexes, Array.from({ length: 42 - oldest }, (_, i) => oldest + i));
});

Deno.test("ChangeLog tells of entries that came together from any of them on, and of none that is not applied", async () => {
  await using store = await TestStore.open({ changesBytes: mib });
  await store.execute(["CREATE TABLE t (v)"]);
  const inserts = [2, 3, 4, 5, 6].map((v) =>
    store.entries.execute([`INSERT INTO t VALUES (${v})`])
  );
  await store.apply(...inserts);
  const told = (log: ChangeLog, from: number) =>
    all(log, from, mib).map(({ index, changes }) => [index, changes.length]);
  const expected = [[2, 1], [3, 1], [4, 1], [5, 1], [6, 1]];
  for (let from = 2; from <= 7; from++) {
    assert.deepEqual(told(logOf(store), from), expected.slice(from - 2));
  }
  // As for a moment behind the commit of a batch, until it is reported.
  let applied = 2;
  const path = `${store.directory}/${changesName}`;
  const waits = { wait: () => Promise.resolve() };
  const log = new ChangeReader({ library, path, bytesMax: mib, applied: () => applied, waits });
  try {
    for (; applied <= 6; applied++) {
      assert.deepEqual(told(log, 2), expected.slice(0, applied - 1));
    }
  } finally {
    log.end(new Error("The test is over"));
  }
});

Deno.test("ChangeLog keeps what is to be delivered beyond that, until it is", async () => {
  await using store = await TestStore.open({ changesBytes: mib, changesHeld: true });
  await store.execute(["CREATE TABLE t (v)"]);
  for (let i = 0; i < 40; i++) await store.execute([insertBlobs(1, 100_000)]);
  assert.equal(logOf(store).status.oldest, 1);
  assert.equal(store.store.changesDelivered, undefined);
  const cursor = { type: "changes_cursor", request: undefined } as const;
  await store.apply(store.entries.command({ ...cursor, delivered: 38 }));
  await store.apply(store.entries.command({ ...cursor, delivered: 30 }));
  assert.equal(store.store.changesDelivered, 38);
  await store.execute([insertBlobs(1, 10)]);
  assert.ok(logOf(store).status.bytes <= mib);
  await store.restart();
  assert.equal(store.store.changesDelivered, 38);
  for (let i = 0; i < 20; i++) await store.execute([insertBlobs(1, 900_000)]);
  const { bytes } = logOf(store).status;
  assert.ok(bytes > 14 * mib && bytes <= 16 * mib, `${bytes} bytes are kept`);
});

Deno.test("ChangeLog tells a large entry in parts, each change once, and nothing of one that is too large", async () => {
  await using store = await TestStore.open({ changesBytes: 4 * mib });
  await store.execute(["CREATE TABLE t (v)"]);
  await store.execute(["INSERT INTO t VALUES (1)", insertBlobs(3_000, 1_000)]);
  const log = logOf(store);
  const parts = all(log, 2, 1);
  assert.ok(parts.length > 5, `${parts.length} parts`);
  const changes = parts.flatMap(({ changes }) => changes);
  assert.equal(changes.length, 3_001);
  assert.deepEqual(parts.map(({ complete }) => complete).indexOf(true), parts.length - 1);
  assert.equal(changes.at(-1)?.transaction, 1);
  const [, middle] = parts;
  assert.deepEqual(
    log.read({ index: 2, change: (middle?.first ?? 0) + 3 }, 1).groups[0]?.changes[0],
    middle?.changes[3],
  );
  await store.execute([insertBlobs(10, 10), insertBlobs(6_000, 1_000), insertBlobs(1, 1)]);
  assert.deepEqual(
    all(log, 3, mib).map(({ changes }) => changes),
    [[{ type: "read_again", reason: "too_large", transaction: 0 }]],
  );
});

Deno.test("ChangeLog tells nothing of a long statement that failed, right behind a restart", async () => {
  await using store = await TestStore.open({ changesBytes: 16 * mib });
  await store.execute(["CREATE TABLE t (v UNIQUE)"]);
  for (let i = 1; i <= 10; i++) await store.execute([`INSERT INTO t VALUES (${i})`]);
  await store.restart();
  // Several chunks of the log were written before the last row fails.
  const fails = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) " +
    "INSERT INTO t SELECT CASE WHEN i = 1000 THEN 1 ELSE i || zeroblob(1000) END FROM n";
  const index = store.entries.index + 1;
  const results = await store.execute(["INSERT INTO t VALUES (11)", fails, "DELETE FROM t"]);
  assert.match(results, /UNIQUE constraint failed/);
  const changes = all(logOf(store), index, mib).flatMap(({ changes }) => changes);
  assert.deepEqual(
    changes.map((change) => change.type === "row" && change.operation),
    ["insert", ...Array.from({ length: 11 }, () => "delete")],
  );
});

Deno.test("ChangeLog tells of a load, and begins anew where the database comes as a whole", async () => {
  await using store = await TestStore.open({ changesBytes: 4 * mib });
  await using other = await TestStore.open({ changesBytes: 4 * mib });
  await store.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (1)"]);
  const snapshot = await store.store.openSnapshot();
  await other.store.installSnapshot(snapshot.body);
  await snapshot.close();
  const log = logOf(other);
  assert.equal(log.status.oldest, 2);
  assert.throws(() => log.read({ index: 1, change: 0 }), ChangesTruncatedError);
  assert.deepEqual(log.read({ index: 2, change: 0 }), {
    groups: [],
    next: { index: 2, change: 0 },
  });
  const waiting = log.wait(2);
  other.entries.index = 1;
  await other.execute(["INSERT INTO t VALUES (2)"]);
  await waiting;
  assert.deepEqual(log.read({ index: 2, change: 0 }).groups.map(({ index }) => index), [2]);
});

Deno.test("ChangeLog tells nothing that was recorded of a damaged copy once another of the same entry is in its place", async () => {
  await using store = await TestStore.open({ changesBytes: 4 * mib });
  await store.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (1)"]);
  const log = logOf(store);
  assert.equal(log.read({ index: 1, change: 0 }).groups.length, 1);
  const snapshot = await store.store.openSnapshot();
  await store.store.installSnapshot(snapshot.body, undefined, { setAside: true });
  await snapshot.close();
  assert.throws(() => log.read({ index: 1, change: 0 }), ChangesTruncatedError);
  await store.execute(["INSERT INTO t VALUES (2)"]);
  assert.deepEqual(log.read({ index: 2, change: 0 }).groups.map(({ index }) => index), [2]);
});

Deno.test("ChangeLog is gone once it is not asked for, and then begins anew", async () => {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-store-" });
  const before = await TestStore.open({ changesBytes: mib, directory });
  await before.execute(["CREATE TABLE t (v)"]);
  await before.store.close();
  const without = await TestStore.open({ directory }, before.entries);
  assert.equal(without.store.changes, undefined);
  await without.execute(["INSERT INTO t VALUES (1)"]);
  await without.store.close();
  await using again = await TestStore.open({ changesBytes: mib, directory }, before.entries);
  assert.equal(logOf(again).status.oldest, 3);
  await again.execute(["INSERT INTO t VALUES (2)"]);
  const [group] = logOf(again).read({ index: 3, change: 0 }).groups;
  assert.deepEqual(group?.changes.map((change) => change.type === "row" && change.after), [[2n]]);
});

Deno.test("ChangeLog that is damaged is begun anew, and ends no node", async () => {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-store-" });
  const before = await TestStore.open({ changesBytes: mib, directory });
  await before.execute(["CREATE TABLE t (v)"]);
  await before.store.close();
  await Deno.writeTextFile(`${directory}/changes.sqlite`, "no database".repeat(1000));
  await using after = await TestStore.open({ changesBytes: mib, directory }, before.entries);
  assert.equal(logOf(after).status.oldest, 2);
  await after.execute(["INSERT INTO t VALUES (2)"]);
  assert.equal(logOf(after).read({ index: 2, change: 0 }).groups.length, 1);
});
