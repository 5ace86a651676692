import { strict as assert } from "node:assert";
import { Database, findLibrary, openLibrary } from "../../src/sqlite/mod.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

interface Report {
  readonly state: string;
  readonly message: string;
  readonly index: number;
  readonly rows: number;
  readonly copies: Readonly<
    Record<string, {
      readonly verdict: string;
      readonly why?: string;
      readonly tables?: Readonly<Record<string, { readonly rows_differing: number | null }>>;
    }>
  >;
}

/** Has the copies compared, and waits for what comes of it. */
async function verify(node: NodeProcess): Promise<Report> {
  const begun = await node.fetch("/verify", { method: "POST" });
  assert.equal(begun.status, 200, begun.body);
  return await eventually("the comparison to end", async () => {
    const { status, body } = await node.fetch("/verify");
    assert.equal(status, 200, body);
    const report = JSON.parse(body) as Report;
    return report.state !== "running" && report.state !== "none" && report;
  });
}

const many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) ";

/** Changes the database of a node that is stopped, as nothing of its own would. */
async function tamper(node: NodeProcess, statements: readonly string[]): Promise<void> {
  const library = openLibrary(await findLibrary({}));
  using database = new Database(`${node.directory}/db.sqlite`, { library, create: false });
  for (const sql of statements) database.exec(sql);
  database.close();
  // Of a program that wrote it and is not the node, the sums of its pages would tell.
  await Deno.remove(`${node.directory}/db.sqlite-sums`);
}

const rows = [
  "SELECT * FROM t",
  "SELECT * FROM w",
  "SELECT count(*) FROM t INDEXED BY tv WHERE v > ''",
];

Deno.test("copies of the database are compared, and one that differs is replaced by the leader's", async () => {
  // No election, on a busy machine either: one breaks a comparison off.
  await using cluster = await Cluster.start({ flags: ["-raft-heartbeat-timeout", "20s"] });
  const leader = await cluster.leader();
  const other = await cluster.follower();
  await leader.execute([
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v, r REAL)",
    "CREATE TABLE w (k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID",
    "CREATE INDEX tv ON t (v)",
    `${many} INSERT INTO t SELECT i, printf('row %d', i), i / 7.0 FROM n`,
    `${many} INSERT INTO w SELECT 'key ' || i, CAST(i AS BLOB) FROM n`,
  ]);
  const sound = await verify(other);
  assert.equal(sound.state, "done", sound.message);
  assert.match(
    sound.message,
    /^3 copies of the database are alike \(2 tables, 2000 rows, at index /,
  );

  // Content that SQLite finds nothing wrong with.
  await other.kill("SIGTERM");
  await tamper(other, [
    "UPDATE t SET v = 'another' WHERE id IN (5, 700)",
    "DELETE FROM t WHERE id = 900",
    "UPDATE w SET v = x'00' WHERE k = 'key 3'",
  ]);
  other.start();
  await other.ready();
  const report = await verify(leader);
  assert.equal(report.state, "done", report.message);
  const { verdict, tables } = report.copies[other.id] ?? assert.fail(report.message);
  assert.equal(verdict, "differs");
  assert.deepEqual(tables, { t: { rows_differing: 3 }, w: { rows_differing: 1 } });
  assert.match(
    report.message,
    /^Copies of the database differ from most .*table t \(3 rows\), table w \(1 row\) differ/,
  );
  await eventually(
    () => `the copy to be replaced\n${other.log}`,
    () => /Snapshot at index \d+ installed/.test(other.log),
  );
  await other.ready();
  await other.logs(/This node's copy of the database is damaged: table t \(3 rows\)/);
  assert.deepEqual(await other.query(rows[0] ?? "", "none"), await leader.query(rows[0] ?? ""));
  assert.ok((await Deno.stat(`${other.directory}/damaged/db.sqlite`)).isFile);
  await cluster.converged(rows);
  const after = await verify(leader);
  assert.match(after.message, /^3 copies of the database are alike/);
});
