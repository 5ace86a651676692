/**
 * Runs clusters with published extensions of SQLite, as their package managers hand them out:
 * `deno task test:extensions`. A package that cannot be had here is named and left out. Ends with
 * `N passed, N failed`.
 */
import { strict as assert } from "node:assert";
import { print } from "../../../src/cli/output.ts";
import { commandLine } from "../../../tools/command_line.ts";
import { Cluster, type NodeProcess } from "../../cluster/harness.ts";
import { fetching } from "../../fetching.ts";

/** Longest time for one package. */
const fetchTimeoutMs = 120_000;

interface Package {
  readonly name: string;
  /** Run in a folder of the package's own. */
  readonly fetch: readonly (readonly string[])[];
  /** Where its libraries are then. */
  readonly libraries: string;
  readonly safe?: string;
  readonly test: (cluster: Cluster) => Promise<void>;
}

const packages: readonly Package[] = [
  {
    name: "sqlite-vec-linux-x64@0.1.9",
    fetch: [
      ["npm", "pack", "--silent", "sqlite-vec-linux-x64@0.1.9"],
      ["tar", "xzf", "sqlite-vec-linux-x64-0.1.9.tgz"],
    ],
    libraries: "package",
    test: vectors,
  },
  {
    name: "sqlite-regex-linux-x64@0.2.3",
    fetch: [
      ["npm", "pack", "--silent", "sqlite-regex-linux-x64@0.2.3"],
      ["tar", "xzf", "sqlite-regex-linux-x64-0.2.3.tgz"],
    ],
    libraries: "package/lib/regex0.so",
    test: expressions,
  },
  {
    name: "sqlite-sqlean==0.1",
    fetch: [
      [
        ...["python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check"],
        ...["--no-deps", "--only-binary", ":all:", "sqlite-sqlean==0.1"],
      ],
      // A wheel is a zip file; extensions of a zip must lie at its top.
      [
        "python3",
        "-m",
        "zipfile",
        "-e",
        "sqlite_sqlean-0.1-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.manylinux1_x86_64.whl",
        ".",
      ],
      // It makes a table by being loaded.
      ["rm", "sqlite_sqlean/define.so"],
      ["tar", "czf", "sqlean.tar.gz", "-C", "sqlite_sqlean", "."],
    ],
    libraries: "sqlean.tar.gz",
    safe: "median,nlower",
    test: sqlean,
  },
];

async function errorOf(node: NodeProcess, sql: string): Promise<string> {
  return await node.execute([sql]).then(() => "", (error) => (error as Error).message);
}

/** sqlite-vec: a virtual table that keeps its content in others, written on every node. */
async function vectors(cluster: Cluster): Promise<void> {
  const [first] = cluster.nodes;
  assert.ok(first);
  await first.execute([
    "CREATE VIRTUAL TABLE v USING vec0(id INTEGER PRIMARY KEY, e FLOAT[3], tag TEXT)",
    "CREATE TABLE plain (id INTEGER PRIMARY KEY, e BLOB)",
    "CREATE TRIGGER pv AFTER INSERT ON plain BEGIN INSERT INTO v VALUES (new.id, new.e, 't'); END",
  ]);
  for (let i = 0; i < 60; i++) {
    const node = cluster.nodes[i % cluster.nodes.length];
    await node?.execute([["INSERT INTO plain VALUES (?, vec_f32(?))", i, `[${i}, ${i * i}, 1]`]]);
  }
  await first.execute([
    "DELETE FROM v WHERE id % 7 = 0",
    "UPDATE v SET e = '[9, 9, 9]' WHERE id = 8",
  ]);
  assert.match(await errorOf(first, "INSERT INTO v VALUES (1000, '[1, 2]', 'x')"), /dimension/i);
  const [, nearest] = await cluster.converged([
    "SELECT id, vec_to_json(e), tag FROM v ORDER BY id",
    "SELECT id FROM v WHERE e MATCH '[5, 25, 1]' ORDER BY distance LIMIT 3",
    "SELECT value FROM vec_each(vec_f32('[1, 2]'))",
    "SELECT hex(vectors) FROM v_vector_chunks00",
  ]);
  assert.deepEqual(nearest, [[5], [4], [6]]);
  // A copy is rebuilt with it, checked and loaded.
  const file = await (await fetch(`${first.url}/db/backup?vacuum`)).bytes();
  const headers = { "content-type": "application/octet-stream" };
  assert.equal(
    (await first.fetch("/db/load", { method: "POST", headers, body: file })).status,
    200,
  );
  await cluster.nodes[1]?.execute(["INSERT INTO v VALUES (500, '[0, 0, 0]', 'late')"]);
  await cluster.converged([
    "SELECT id, vec_to_json(e) FROM v ORDER BY id",
    "PRAGMA integrity_check",
  ]);
}

/** sqlite-regex: functions and tables of functions, written in Rust. */
async function expressions(cluster: Cluster): Promise<void> {
  const [first] = cluster.nodes;
  assert.ok(first);
  await first.execute([
    "CREATE TABLE t (v, w AS (regex_replace('[0-9]+', v, '#')) STORED)",
    "INSERT INTO t (v) VALUES ('a1'), ('b22')",
    "INSERT INTO t (v) SELECT 'c' || v FROM t WHERE v REGEXP '^b'",
  ]);
  assert.match(
    await errorOf(first, "INSERT INTO t (v) SELECT v FROM t WHERE v REGEXP '('"),
    /regex/i,
  );
  const [rows] = await cluster.converged(["SELECT w FROM t ORDER BY rowid"]);
  assert.deepEqual(rows, [["a#"], ["b#"], ["cb#"]]);
  assert.equal((await first.query("SELECT * FROM regex_find_all('[ab]', 'aXbX')")).length, 2);
}

/** sqlean: what replaces SQLite's own functions, what draws by itself, what reads files. */
async function sqlean(cluster: Cluster): Promise<void> {
  const [first] = cluster.nodes;
  assert.ok(first);
  await first.execute([
    "CREATE TABLE t (v)",
    "INSERT INTO t VALUES (1), (2), (10)",
    "CREATE TABLE m AS SELECT median(v) AS v, nlower('ÄB') AS l, log(100) AS g FROM t",
    "INSERT INTO t SELECT 3 WHERE 'abc' REGEXP 'b.'",
  ]);
  const refused = /is refused in writes/;
  for (
    const sql of ["INSERT INTO t VALUES (uuid4())", "CREATE TABLE x AS SELECT stddev(v) FROM t"]
  ) {
    assert.match(await errorOf(first, sql), refused, sql);
  }
  await first.execute(["CREATE TABLE u (v DEFAULT (uuid4()))"]);
  assert.match(await errorOf(first, "INSERT INTO u DEFAULT VALUES"), refused);
  assert.match(
    await errorOf(first, "INSERT INTO t SELECT name FROM lsdir('/')"),
    /lsdir is refused/,
  );
  // The pattern is none: SQLite is told that there is no memory, which ends no node.
  assert.notEqual(await errorOf(first, "INSERT INTO t SELECT 4 WHERE 'abc' REGEXP '('"), "");
  const [made, rows] = await cluster.converged([
    "SELECT * FROM m",
    "SELECT v FROM t ORDER BY rowid",
  ]);
  assert.deepEqual(made, [[2, "äb", 2]]);
  assert.deepEqual(rows, [[1], [2], [10], [3]]);
  assert.equal((await first.query("SELECT uuid4()")).length, 1);
  assert.ok(cluster.nodes.every(({ running }) => running));
}

/** Why a package cannot be had; undefined when it is there. */
async function fetchInto(
  directory: string,
  commands: Package["fetch"],
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(fetchTimeoutMs);
  for (const [command = "", ...args] of commands) {
    try {
      const { success, stderr } = await new Deno.Command(command, {
        args,
        cwd: directory,
        stdin: "null",
        signal,
      }).output();
      if (!success) return `${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`;
    } catch (error) {
      return `${command}: ${error}`;
    }
  }
  return undefined;
}

const usage = `Usage: deno task test:extensions

Runs clusters with published extensions of SQLite: sqlite-vec, sqlite-regex, sqlean.`;

async function main(): Promise<number> {
  commandLine(usage, {});
  let passed = 0;
  let failed = 0;
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    print("Left out: the packages are for Linux on x86-64\n0 passed, 0 failed\n");
    return 0;
  }
  for (const { name, fetch, libraries, safe, test } of packages) {
    const directory = await Deno.makeTempDir({ prefix: "raftlite-published-" });
    try {
      const reason = await fetching(
        () => fetchInto(directory, fetch),
        (reason) => reason === undefined,
      );
      if (reason !== undefined) {
        print(`== ${name}: left out, as it cannot be had here: ${reason}\n`);
        continue;
      }
      const flags = ["-extensions-path", `${directory}/${libraries}`];
      if (safe !== undefined) flags.push("-extensions-safe", safe);
      await using cluster = await Cluster.start({ flags });
      await test(cluster);
      print(`ok ${name}\n`);
      passed++;
    } catch (error) {
      print(`FAILED ${name}: ${error instanceof Error ? error.stack : error}\n`);
      failed++;
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }
  print(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

Deno.exit(await main());
