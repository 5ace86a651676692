import { strict as assert } from "node:assert";
import { ChangesLost, Client, Refused, type RowChange } from "@raftlite/client";
import { Cluster } from "../cluster/harness.ts";

function rowChanges(changes: readonly { readonly op: string }[]): readonly RowChange[] {
  return changes.filter((change): change is RowChange => change.op !== "read_again");
}

Deno.test("The changes of a cluster come once each, in order, though the node that tells them is killed", async () => {
  await using cluster = await Cluster.start({ flags: ["-changes-size", "16MiB"] });
  const urls = cluster.nodes.map(({ url }) => url);
  await using db = new Client(urls, { timeoutMs: 120_000 });
  await db.batch(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "CREATE TABLE u (v)"]);
  // So that what is followed is another node's than what is written to.
  const followed = cluster.nodes.at(-1);
  assert(followed);
  await using follower = new Client([followed.url, ...urls], { timeoutMs: 120_000 });
  const rows = 200;
  const writing = async () => {
    for (let id = 1; id <= rows; id++) {
      await db.batch([
        { sql: "INSERT INTO t VALUES (?, ?)", params: [id, id] },
        { sql: "INSERT INTO u VALUES (?)", params: [id] },
      ]);
      if (id === 80) await followed.kill("SIGKILL");
      if (id === 140) {
        followed.start();
        await followed.ready();
      }
    }
  };
  let written: Promise<void> | undefined;
  let next: string | undefined;
  const seen: unknown[] = [];
  const controller = new AbortController();
  const { signal } = controller;
  const first = await db.execute("INSERT INTO t VALUES (0, 0)");
  assert.equal(first.rowsAffected, 1);
  for await (
    const group of follower.changes({ tables: ["t"], from: String(db.seenIndex), signal })
  ) {
    written ??= writing();
    next = group.next;
    for (const { op, table, newRowId, before, after } of rowChanges(group.changes)) {
      assert.deepEqual([op, table, before], ["insert", "t", undefined]);
      assert.deepEqual(after, { id: newRowId, v: newRowId });
      seen.push(newRowId);
    }
    assert(follower.seenIndex >= group.index);
    if (seen.length > rows) break;
  }
  await written;
  assert.deepEqual(seen, Array.from({ length: rows + 1 }, (_, id) => id));

  // Another program goes on, and sees every value as it is.
  const values = [null, 2n ** 62n, 0.5, "é\u0000", new Uint8Array([0, 255]), Infinity, 7];
  for (const value of values) await db.execute("UPDATE t SET v = ? WHERE id = 0", [value]);
  await db.execute("DELETE FROM t WHERE id = 1");
  assert(next);
  const changes: RowChange[] = [];
  for await (const group of follower.changes({ tables: ["t"], from: next })) {
    changes.push(...rowChanges(group.changes));
    if (changes.length > values.length) break;
  }
  assert.deepEqual(changes.slice(0, -1).map(({ after }) => after?.["v"]), values);
  assert.deepEqual(changes.map(({ before }) => before?.["v"]), [0, ...values.slice(0, -1), 1]);
  assert.equal(changes.at(-1)?.op, "delete");

  controller.abort(new Error("enough"));
  await assert.rejects(async () => {
    for await (const _ of follower.changes({ signal })) break;
  }, /enough/);
});

Deno.test("Changes that are not kept, and a cluster that keeps none, are told from each other", async () => {
  await using cluster = await Cluster.start({ size: 1, flags: ["-changes-size", "1MiB"] });
  await using bare = await Cluster.start({ size: 1 });
  const follow = async ({ nodes: [node] }: Cluster, from: string) => {
    assert(node);
    await using db = new Client(node.url, { timeoutMs: 120_000 });
    await db.execute("CREATE TABLE IF NOT EXISTS t (v)");
    const text = "x".repeat(100_000);
    for (let i = 0; i < 40; i++) await db.execute("INSERT INTO t VALUES (?)", [text]);
    for await (const _ of db.changes({ from })) break;
  };
  await assert.rejects(follow(cluster, "3"), ChangesLost);
  await assert.rejects(follow(bare, "3"), (error) => {
    assert(error instanceof Refused);
    assert.match(error.message, /keeps no changes/);
    return true;
  });
});
