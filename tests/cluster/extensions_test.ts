import { strict as assert } from "node:assert";
import { hasCompiler, makeProbe, suffix, withProbe } from "../extensions/probe.ts";
import { basic } from "./basic.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

const directory = await Deno.makeTempDir({ prefix: "raftlite-probe-" });
globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

/** The same extension, another build of it, and one that fails. */
const probe = `${directory}/probe.${suffix}`;
const otherBuild = `${directory}/other/probe.${suffix}`;
const writing = `${directory}/writing/probe.${suffix}`;
const failing = `${directory}/failing/probe.${suffix}`;
if (hasCompiler) {
  for (const name of ["other", "failing", "writing"]) await Deno.mkdir(`${directory}/${name}`);
  await makeProbe(probe);
  await makeProbe(otherBuild, "-DOTHER=1", "-g");
  await makeProbe(failing, "-DFAILS");
  await makeProbe(writing, "-DWRITES");
}

/** Of each statement of a write, its error or "". */
async function errors(node: NodeProcess, statements: readonly unknown[]): Promise<string[]> {
  const answer = await node.fetch("/db/execute", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(statements),
  });
  const { results } = JSON.parse(answer.body) as { results: { error?: string }[] };
  return results.map(({ error = "" }) => error);
}

async function statusPart(node: NodeProcess, key: string): Promise<unknown> {
  return JSON.parse((await node.fetch(`/status?key=${key}`)).body);
}

Deno.test({
  ...withProbe(
    "extensions serve writes and reads of every kind alike, on every node, and what is uncertain in reads only",
  ),
  async fn() {
    await using cluster = await Cluster.start({ flags: ["-extensions-path", probe] });
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    await leader.execute([
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT COLLATE backwards, w AS (twice(v)) STORED)",
      "CREATE INDEX ti ON t (twice(v))",
      "CREATE TABLE log (x CHECK (twice(x) > 0))",
      "CREATE TRIGGER tt AFTER INSERT ON t BEGIN INSERT INTO log VALUES (twice(new.v)); END",
    ]);
    for (const node of cluster.nodes) {
      for (let i = 1; i <= 5; i++) await node.execute([["INSERT INTO t (v) VALUES (?)", `${i}`]]);
    }
    const [rows] = await cluster.converged([
      "SELECT v, w FROM t ORDER BY v, id",
      "SELECT sum(x) FROM log",
      "SELECT id FROM t WHERE twice(v) = 6 ORDER BY id",
      "SELECT length('abc') FROM t WHERE id = 1",
      "PRAGMA integrity_check",
    ]);
    assert.deepEqual(rows?.[0], ["5", 10]);
    // SQLite's own length() has been replaced, for the fastest reads and writes too.
    assert.deepEqual(await leader.query("SELECT length(v) FROM t WHERE id = 1", "none"), [[42]]);
    await follower.execute([["INSERT INTO log VALUES (length(?))", "abc"]]);
    assert.deepEqual(await leader.query("SELECT max(x) FROM log"), [[42]]);

    const refused = /^draw\(\) is refused in writes: its extension does not say .*-extensions-safe/;
    const [created, ...others] = await errors(follower, [
      "CREATE TABLE d (x, y DEFAULT (draw()), z AS (draw()))",
      "INSERT INTO t (v) VALUES (draw())",
      "INSERT INTO d (x) VALUES (1)",
      "SELECT draw()",
    ]);
    assert.match(created ?? "", /non-deterministic functions prohibited in generated columns/);
    assert.match(others[0] ?? "", refused);
    const [, byDefault] = await errors(leader, [
      "CREATE TABLE d (x, y DEFAULT (draw()))",
      "INSERT INTO d (x) VALUES (1)",
    ]);
    assert.match(byDefault ?? "", refused);
    assert.equal((await follower.query("SELECT draw()")).length, 1);
    assert.match(
      (await errors(leader, [`SELECT load_extension('${probe}')`]))[0] ?? "",
      /load_extension\(\) is refused: extensions are loaded when a node starts/,
    );
    await assert.rejects(
      follower.query(`SELECT load_extension('${probe}')`),
      /load_extension\(\) is refused/,
    );
    // What it runs itself is refused as what anybody runs.
    assert.deepEqual(await leader.query("SELECT run_sql('ATTACH ''x'' AS y')"), [[23]]);
    await leader.execute(["SELECT run_sql('INSERT INTO log VALUES (7)')"]);

    // "Out of memory" that an extension says is a statement's error, on every node, and ends none.
    for (
      const sql of ["INSERT INTO log VALUES (claim())", "UPDATE t SET v = claim() WHERE id = 1"]
    ) {
      assert.match((await errors(leader, [sql]))[0] ?? "", /out of memory/);
    }
    await leader.execute(["INSERT INTO log VALUES (8)"]);
    await cluster.converged(["SELECT * FROM log", "SELECT * FROM t", "SELECT * FROM d"]);
    for (const node of cluster.nodes) {
      assert.ok(node.running);
      const { sha256, ...shown } = await statusPart(node, "extensions") as Record<string, object>;
      assert.deepEqual(shown, {
        dir: `${node.directory}/extensions`,
        names: [`probe.${suffix}`],
        refused_in_writes: ["draw"],
        safe: [],
      });
      assert.deepEqual(Object.keys(sha256 ?? {}), [`probe.${suffix}`]);
      assert.deepEqual(await statusPart(node, "store.sqlite3.extensions"), [`probe.${suffix}`]);
    }
    // Copies: what SQLite itself must understand of the schema it does.
    for (const path of ["/db/backup?vacuum", "/db/backup"]) {
      const { body: _, ...answer } = await follower.fetch(path);
      assert.equal(answer.status, 200, path);
    }
    const file = await (await fetch(`${follower.url}/db/backup`)).bytes();
    const headers = { "content-type": "application/octet-stream" };
    const loaded = await leader.fetch("/db/load", { method: "POST", headers, body: file });
    assert.equal(loaded.status, 200, loaded.body);
    await leader.execute(["INSERT INTO t (v) VALUES (3)", "VACUUM"]);
    await cluster.converged(["SELECT * FROM t", "PRAGMA integrity_check"]);
  },
});

Deno.test({
  ...withProbe(
    "a node whose extensions are others is not let in, nor back in, and each says what differs",
  ),
  async fn() {
    await using cluster = await Cluster.start({ size: 2, flags: ["-extensions-path", probe] });
    const [first, second] = cluster.nodes;
    assert.ok(first && second);
    const cases: readonly [RegExp, ...string[]][] = [
      [/extensions only there: probe\./, "-extensions-path="],
      [
        /extension probe\.\w+ is SHA-256 \w{12}… here, \w{12}… there/,
        "-extensions-path",
        otherBuild,
      ],
      [/safe functions only here: draw/, "-extensions-safe", "draw"],
    ];
    for (const [why, ...flags] of cases) {
      const node = cluster.create(flags);
      node.start(["-join", first.raftAddress]);
      assert.equal((await node.exited()).code, 1);
      assert.match(node.log.slice(node.log.lastIndexOf("fatal: ")), why);
    }
    await second.kill("SIGTERM");
    second.start(["-extensions-path="]);
    await eventually("the two to refuse each other", () => {
      return /ERROR \[sqlite\] .*extensions only here: probe/.test(first.log) &&
        /ERROR \[sqlite\] .*extensions only there: probe/.test(second.log);
    });
    const other = /Extensions are others than at the last start \(before: probe\.\w+; now: none\)/;
    await second.logs(other);
    await second.kill();
    second.start();
    await second.ready();
    await second.logs(/\(before: none; now: probe\.\w+\)/);
    assert.doesNotMatch(first.log, /Extensions are others/);
    await first.execute(["CREATE TABLE t AS SELECT twice(21) AS x"]);
    await cluster.converged(["SELECT x FROM t"]);
  },
});

Deno.test({
  ...withProbe("functions that are listed as safe serve writes"),
  async fn() {
    const flags = ["-extensions-path", probe, "-extensions-safe", "DRAW"];
    await using cluster = await Cluster.start({ size: 1, flags });
    const [node] = cluster.nodes;
    await node?.execute([
      "CREATE TABLE t (x DEFAULT (draw() > 0))",
      "INSERT INTO t DEFAULT VALUES",
    ]);
    assert.deepEqual(await node?.query("SELECT x FROM t"), [[1]]);
  },
});

Deno.test({
  ...withProbe("users of some tables call no function of an extension that may look at others"),
  async fn() {
    const users = `${directory}/users.json`;
    await Deno.writeTextFile(
      users,
      JSON.stringify([
        { username: "admin", password: "a", perms: ["all"] },
        {
          username: "bob",
          password: "b",
          perms: ["query", "execute"],
          tables: { read: ["own"], write: ["own"] },
        },
      ]),
    );
    await using cluster = await Cluster.start({
      size: 1,
      flags: ["-extensions-path", probe, "-auth", users],
      authorization: basic("admin", "a"),
    });
    const [node] = cluster.nodes;
    assert.ok(node);
    await node.execute(["CREATE TABLE own (x)", "CREATE TABLE secret (x)"]);
    const ask = async (path: string, sql: string) => {
      const headers = { "content-type": "application/json", "authorization": basic("bob", "b") };
      const body = JSON.stringify([sql]);
      return (await node.fetch(path, { method: "POST", headers, body })).body;
    };
    for (const path of ["/db/query", "/db/execute", "/db/request"]) {
      const answer = await ask(path, "SELECT run_sql('SELECT * FROM secret') FROM own");
      assert.match(answer, /run_sql\(\) is prohibited: it is for users of all tables/, path);
      assert.doesNotMatch(await ask(path, "SELECT twice(x) FROM own"), /error/, path);
    }
    const written = await ask(
      "/db/execute",
      "INSERT INTO own VALUES (run_sql('DELETE FROM secret'))",
    );
    assert.match(written, /run_sql\(\) is prohibited/);
  },
});

Deno.test({
  ...withProbe(
    "a node does not start with an extension that cannot be loaded, and does without what is none",
  ),
  async fn() {
    await using cluster = await Cluster.start({ size: 0 });
    const node = cluster.create();
    const broken = `${directory}/broken.${suffix}`;
    const bytes = await Deno.readFile(probe);
    await Deno.writeFile(broken, bytes.subarray(0, 2_000));
    const cases: readonly [RegExp, ...string[]][] = [
      [/SQLite extension probe\.\w+ cannot be loaded: .*boom from init/, failing],
      [/SQLite extension probe\.\w+ cannot be used: it writes into the database/, writing],
      [/Extension broken\.\w+ of .* is cut short: copy it again/, broken],
      [/extension path does not exist: \/nosuch/, "/nosuch"],
      [
        /No extension has a function nosuch, which is listed as safe/,
        probe,
        "-extensions-safe=nosuch",
      ],
    ];
    for (const [why, path, ...flags] of cases) {
      const before = node.log.length;
      node.start(["-extensions-path", path ?? "", ...flags]);
      assert.equal((await node.exited()).code, 1);
      assert.match(node.log.slice(node.log.indexOf("fatal: ", before)), why);
    }
    const text = `${directory}/README.md`;
    await Deno.writeTextFile(text, "This is no library, and long enough to be read as one.");
    node.start(["-extensions-path", `${text},${probe}`]);
    await node.ready();
    await node.logs(/WARN {2}\[extensions\] README.md of .* is left out: it is no library/);
    await node.logs(/loaded extensions: probe\./);
    assert.deepEqual(await node.query("SELECT twice(4)"), [[8]]);
  },
});
