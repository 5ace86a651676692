import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { programCommand, runProgram, runShell } from "./shell_program.ts";

/** A cluster, and a folder for files. */
async function withCluster(
  size: number,
  test: (cluster: Cluster, folder: string) => Promise<void>,
): Promise<void> {
  await using cluster = await Cluster.start({ size });
  await withDirectory((folder) => test(cluster, folder));
}

const port = (node: NodeProcess) => ["-p", String(node.httpPort)];

/** Imports a file of this content, and returns what was said; `failure`: what it is to say instead. */
async function importText(
  node: NodeProcess,
  path: string,
  content: string | Uint8Array,
  flags: readonly string[],
  failure?: RegExp,
): Promise<string> {
  if (typeof content === "string") await Deno.writeTextFile(path, content);
  else await Deno.writeFile(path, content);
  const { code, stdout, stderr } = await runProgram(
    ["import", path, ...flags, "-y", ...port(node)],
    "",
  );
  if (failure === undefined) assert.deepEqual([code, stderr], [0, ""]);
  else {
    assert.match(stderr, failure);
    assert.equal(code, 1);
  }
  return stdout;
}

async function exactly(node: NodeProcess, sql: string): Promise<string> {
  const { body } = await node.fetch(`/db/query?exact&q=${encodeURIComponent(sql)}`);
  return JSON.stringify(JSON.parse(body).results[0].values);
}

Deno.test("raftlite import reads CSV, NDJSON and SQLite files as they are", async (t) => {
  await withCluster(1, async ({ nodes: [node] }, folder) => {
    assert(node);
    const file = (name: string) => join(folder, name);

    await t.step(
      "CSV, by RFC 4180: an empty value is NULL, two quotes are an empty text",
      async () => {
        const text = '\ufeffid,zip,note\r\n1,007,"a ""b"",\r\nc"\r\n9223372036854775807,,""\r\n';
        const said = await importText(node, file("a.csv"), text, ["-table", "a b"]);
        assert.match(said, /^.*a\.csv \(CSV, \d+ B\) to table a b\nThe table is made:\n/);
        assert.match(
          said,
          /"id" INTEGER,\n {2}"zip" TEXT,\n {2}"note" TEXT\n\)\n2 rows added to a b in /,
        );
        const rows = '[[1,"007","a \\"b\\",\\r\\nc"],[9223372036854776000,null,""]]';
        assert.equal(await exactly(node, 'SELECT * FROM "a b"'), rows);
      },
    );

    await t.step(
      "CSV without a header, with another separator, types given, rows passed over",
      async () => {
        const flags = [
          "-table",
          "b",
          "-no-header",
          "-separator",
          ";",
          "-types",
          "c1=TEXT",
          "-skip",
          "1",
        ];
        await importText(node, file("b.csv"), "0;0\n1;1.5\n2;2\n", flags);
        assert.equal(await exactly(node, "SELECT * FROM b"), '[["1",1.5],["2",2]]');
        await importText(node, file("c.csv"), "3;4\n", [
          "-table",
          "b",
          "-no-header",
          "-separator",
          ";",
        ]);
        await importText(node, file("d.csv"), "C2,c1\n6,5\n", ["-table", "b"]);
        assert.equal(await exactly(node, "SELECT * FROM b WHERE c2 >= 4"), '[["3",4],["5",6]]');
      },
    );

    await t.step(
      "NDJSON: numbers to the last digit, arrays as their JSON, what is missing as NULL",
      async () => {
        const text =
          '{"n":9007199254740993,"r":1.0,"s":"x","l":[1,{"a":null}]}\n\n{"n":2,"b":true}';
        await importText(node, file("e.ndjson"), text, ["-table", "e"]);
        const sql = "SELECT CAST(n AS TEXT), r, typeof(r), s, l, b FROM e";
        const rows =
          '[["9007199254740993",1,"real","x","[1,{\\"a\\":null}]",null],["2",null,"null",null,null,1]]';
        assert.equal(await exactly(node, sql), rows);
      },
    );

    await t.step("SQLite files, with blobs and reals", async () => {
      const made = await new Deno.Command(Deno.execPath(), {
        args: [
          "eval",
          `import { DatabaseSync } from "node:sqlite";
           const db = new DatabaseSync(Deno.args[0]);
           db.exec("CREATE TABLE t (k TEXT PRIMARY KEY, v, g AS (k || 1)); CREATE TABLE u (x)");
           db.exec("INSERT INTO t VALUES ('a', 1.0), ('b', x'00ff'), ('c', NULL), ('d', 1)");`,
          file("f.db"),
        ],
      }).output();
      assert(made.success, new TextDecoder().decode(made.stderr));
      const bytes = await Deno.readFile(file("f.db"));
      await importText(
        node,
        file("g.db"),
        bytes,
        ["-table", "g"],
        /several tables: name one by -from: t, u/,
      );
      await importText(node, file("g.db"), bytes, ["-table", "g", "-from", "t"]);
      const rows = '[["a","real",1],["b","blob",[0,255]],["c","null",null],["d","integer",1]]';
      assert.equal(await exactly(node, "SELECT k, typeof(v), v FROM g"), rows);
      const again = [...["-table", "g", "-from", "t", "-again"], "-on-conflict", "ignore"];
      const said = await importText(node, file("g.db"), bytes, again);
      assert.match(said, /\n0 rows added to g .*; 4 passed over, as their keys are there\n$/);
    });

    await t.step(
      "the same file adds nothing a second time, unless that is asked for or the table was dropped",
      async () => {
        const text = "n\n1\n2\n";
        const add = (...flags: string[]) =>
          importText(node, file("r.csv"), text, ["-table", "r", ...flags]);
        assert.match(await add(), /\n2 rows added to r in [^;]*\n$/);
        assert.match(
          await add(),
          /\n0 rows added to r in .*; 2 were there from an import of the same/,
        );
        assert.match(await add("-again"), /\n2 rows added to r in [^;]*\n$/);
        assert.match(await add(), /\n0 rows added to r in .*; 2 were there/);
        assert.equal(await exactly(node, "SELECT count(*) FROM r"), "[[4]]");
        await node.execute(["DROP TABLE r"]);
        assert.match(await add(), /\n2 rows added to r in [^;]*\n$/);
        assert.match(await add(), /\n0 rows added to r in .*; 2 were there/);
      },
    );

    await t.step("errors name the line and the column", async () => {
      await node.execute(["CREATE TABLE k (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"]);
      const many = Array.from({ length: 20_000 }, (_, i) => `${i},${i}\n`).join("");
      const cases:
        readonly (readonly [content: string | Uint8Array, error: RegExp, name?: string])[] = [
          ["id,n\n1,2\n3\n", /^Error: Line 3 has 1 value, and the first one 2\n$/],
          [
            'id,n\n1,2\n3,"4" x\n',
            /^Error: Line 3, column 2: something stands behind a closing quote\n$/,
          ],
          [
            'id,n\n1,2\n3,"4\n5,6\n',
            /^Error: Line 3, column 2: a quote is opened that nothing closes\n$/,
          ],
          [
            "id,n\n1,2\n2,x\n",
            /^Error: Line 3, column "n": "x" is no INTEGER, as its column is\n$/,
          ],
          ["id,n\n1,2\n1,3\n", /^Error: Line 3: UNIQUE constraint failed: k\.id\n$/],
          ["id,n\n1,2\n2,\n", /^Error: Line 3: NOT NULL constraint failed: k\.n\n$/],
          ["id,x\n1,2\n", /^Error: Table k has no column "x", which the file has: id, n\n$/],
          ["id,ID\n1,2\n", /^Error: Two columns are called "id"\n$/],
          [
            `id,n\n${many}7,7\n`,
            /^Error: Line 20002: UNIQUE .*\nThe first 20000 rows are in k: go on by -skip 20000 once/,
          ],
          [
            Uint8Array.of(0x69, 0x64, 0x0a, 0xff),
            /^Error: Line 2 is no UTF-8: convert .* with iconv/,
          ],
          ["", /^Error: File .* is empty\n$/],
          ['{"id":1}\n{"id":\n', /^Error: Line 2 is not JSON: /, "x.ndjson"],
          [Uint8Array.of(0x0a, 0x22, 0xff, 0x22), /^Error: Line 2 is no UTF-8/, "x.ndjson"],
          ['{"id":1}\n[1]\n', /^Error: Line 2 is no JSON object\n$/, "x.ndjson"],
        ];
      for (const [content, error, name = "x.csv"] of cases) {
        await importText(node, file(name), content, ["-table", "k"], error);
      }
      await importText(
        node,
        file("x"),
        "a\n",
        ["-table", "k"],
        /no name that says what it is: give -format/,
      );
      await importText(
        node,
        file("x.db"),
        "SQLite format 3\0 or not",
        ["-table", "k"],
        /^Error: File .*x\.db cannot be read: /,
      );
      const missing = await runProgram(["import", file("none.csv"), "-table", "k", "-y"], "");
      assert.match(missing.stderr, /^Error: File .*none\.csv cannot be read: /);
      for (
        const [args, said] of [
          [["-table", "k"], /No FILE is given/],
          [["f.csv"], /Flag -table is missing/],
          [["f.csv", "-table", "k", "-on-conflict", "x"], /-on-conflict: fail, ignore, replace/],
          [["f.csv", "-table", "k", "-types", "a"], /write it as column=TYPE/],
        ] as const
      ) {
        const { code, stderr } = await runProgram(["import", ...args], "");
        assert.match(stderr, said);
        assert.equal(code, 2);
      }
      const nobody = await runProgram(["import", file("a.csv"), "-table", "z", ...port(node)], "");
      assert.deepEqual([
        nobody.code,
        await exactly(node, "SELECT count(*) FROM sqlite_schema WHERE name = 'z'"),
      ], [2, "[[0]]"]);
      assert.match(nobody.stderr, /Nobody is there to be asked/);
    });

    await t.step("the shell's .import takes what sqlite3's does", async () => {
      await Deno.writeTextFile(file("s 1.csv"), "a,b\n1,x\n");
      const input =
        `.import '${file("s 1.csv")}' s\n.import --csv --skip 1 "${file("s 1.csv")}" s\n` +
        `.import --csv "${file("s 1.csv")}" s2\n.import ${file("none.csv")} s\n.import s\n`;
      const { code, stdout, stderr } = await runShell(port(node), input);
      assert.equal(code, 1);
      assert.match(stdout, /^(1 rows added to s2? in [^\n]*\n){3}$/);
      assert.match(
        stderr,
        /^Error: File .* cannot be read: .*\nError: Command \.import needs a file and/,
      );
      assert.equal(await exactly(node, "SELECT * FROM s"), '[[1,"x"],[1,"x"]]');
    });
  });
});

Deno.test("An import that is killed, and goes on, adds each row once, while the leader is killed too", async () => {
  await withCluster(3, async (cluster, folder) => {
    const rows = 60_000;
    const path = join(folder, "many.csv");
    const lines = Array.from({ length: rows }, (_, i) => `${i},name ${i}\n`);
    await Deno.writeTextFile(path, `id,name\n${lines.join("")}`);
    const follower = await cluster.follower();
    const args = ["import", path, "-table", "many", "-y", ...port(follower), "-t", "60s"];
    const count = async () => {
      const found = await follower.query("SELECT count(*) FROM many", "none").catch(() => []);
      return Number(found[0]?.[0] ?? 0);
    };
    let before = 0;
    for (let kills = 0; kills < 2; kills++) {
      const [command = "", ...rest] = programCommand(...args);
      const child = new Deno.Command(command, {
        args: rest,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      await eventually("some rows more", async () => await count() > before);
      child.kill("SIGKILL");
      await child.status;
      before = await count();
      assert(before > 0 && before < rows, `${before} rows are there`);
    }
    const leader = await cluster.leader();
    const going = runProgram(args, "");
    await leader.kill("SIGKILL");
    const { code, stdout, stderr } = await going;
    assert.deepEqual([code, stderr], [0, ""]);
    const [, added, earlier] =
      /^(\d+) rows added to many .*; (\d+) were there from/m.exec(stdout) ?? [];
    assert.equal(Number(added) + Number(earlier), rows);
    assert(Number(earlier) >= before);
    const sums = "SELECT count(*), count(DISTINCT id), sum(id) FROM many";
    const expected = [[rows, rows, rows * (rows - 1) / 2]];
    assert.deepEqual(await follower.query(sums), expected);

    const again = await runProgram(args, "");
    assert.match(again.stdout, /^0 rows added to many .*; 60000 were there/m);
    assert.deepEqual(await follower.query(sums), expected);
  });
});

/** Of a CSV file with this text, imported to `t` without flags: it must not be another in a later build. */
function nameOf(form: string, text: string): string {
  const hex = (text: string) => createHash("sha256").update(text).digest("hex");
  const identity = JSON.stringify([hex(text), "CSV", ",", true, null, "fail", false, 0]);
  return `raftlite-import-${hex(`${form}\0${identity}\0t`)}`;
}

Deno.test("An import is gone on with behind what another build has added, or says that it cannot be", async () => {
  await withCluster(1, async ({ nodes: [node] }, folder) => {
    assert(node);
    const write = async (key: string, statements: readonly string[]) => {
      // Of reads alone /db/request keeps no outcome.
      const route = statements.length > 1 ? "request" : "execute";
      const { status, body } = await node.fetch(`/db/${route}?transaction`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: JSON.stringify(statements),
      });
      assert.equal(status, 200, body);
      assert.doesNotMatch(body, /"error"/);
    };
    const path = join(folder, "a.csv");
    const text = `n\n${Array.from({ length: 10 }, (_, i) => `${i}\n`).join("")}`;
    const counts = async () => (await node.query("SELECT count(*), count(DISTINCT n) FROM t"))[0];
    await write("made", ["CREATE TABLE t (n INTEGER)"]);

    // As one whose batches are of other sizes has left it.
    const name = nameOf("rows", text);
    await write(`${name}-0`, ["SELECT 1"]);
    await write(`${name}-0-0`, ["INSERT INTO t VALUES (0), (1), (2)", "SELECT 3 AS done"]);
    await write(`${name}-0-3`, ["INSERT INTO t VALUES (3)", "SELECT 4 AS done"]);
    const went = await importText(node, path, text, ["-table", "t"]);
    assert.match(went, /^6 rows added to t .*; 4 were there from an import/m);
    assert.deepEqual(await counts(), [10, 10]);
    assert.match(
      await importText(node, path, text, ["-table", "t"]),
      /^0 rows added to t .*; 10 w/m,
    );

    for (const form of ["1", "2"]) {
      const other = `${text}${10 + Number(form)}\n`;
      await write(`${nameOf(form, other)}-0`, ["SELECT 1"]);
      const refusal = /An older raftlite has added rows of this file to t already.*-skip N; -again/;
      await importText(node, path, other, ["-table", "t"], refusal);
      assert.deepEqual(await counts(), [10, 10]);
    }
    const skipped = ["-table", "t", "-skip", "10"];
    assert.match(await importText(node, path, `${text}11\n`, skipped), /^1 rows added to t/m);
    assert.match(
      await importText(node, path, `${text}12\n`, ["-table", "t", "-again"]),
      /^11 rows added to t/m,
    );
    assert.deepEqual(await counts(), [22, 12]);
  });
});

Deno.test("A file of any size is imported in the same memory", async () => {
  await withCluster(1, async ({ nodes: [node] }, folder) => {
    assert(node);
    const path = join(folder, "large.csv");
    const rows = 13_000;
    {
      using file = await Deno.open(path, { write: true, create: true });
      const line = new TextEncoder().encode(`1,${"x".repeat(4_000)}\n`);
      await file.write(new TextEncoder().encode("n,text\n"));
      for (let i = 0; i < rows; i++) await file.write(line);
    }
    const args = programCommand("import", path, "-table", "large", "-y", ...port(node));
    const limited = args[1] === "run"
      ? [...args.slice(1, 2), "--v8-flags=--max-old-space-size=48", ...args.slice(2)]
      : args.slice(1);
    const { code, stderr } = await new Deno.Command(args[0] ?? "", { args: limited, stdin: "null" })
      .output();
    assert.equal(code, 0, new TextDecoder().decode(stderr).slice(-2000));
    assert.deepEqual(await node.query("SELECT count(*), sum(length(text)) FROM large"), [[
      rows,
      rows * 4_000,
    ]]);
  });
});
