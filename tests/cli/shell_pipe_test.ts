import assert from "node:assert/strict";
import { background } from "../background.ts";
import { Cluster, eventually } from "../cluster/harness.ts";
import type { NodeProcess } from "../cluster/harness.ts";
import { takePort } from "../ports.ts";
import { runShell, shellCommand } from "./shell_program.ts";

const schema = "CREATE TABLE foo (id INTEGER PRIMARY KEY, name TEXT, data BLOB);\n";

/** A node of its own, and a folder for the shell's files. */
async function withNode(
  test: (node: NodeProcess, folder: string) => Promise<void>,
): Promise<void> {
  await using cluster = await Cluster.start({ size: 1 });
  const folder = await Deno.makeTempDir({ prefix: "raftlite-shell-" });
  const node = cluster.nodes[0];
  assert.ok(node);
  try {
    await test(node, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("shell in a pipe", async (t) => {
  await withNode(async (node, folder) => {
    const port = ["-p", String(node.httpPort)];
    const shell = (input: string, ...flags: string[]) => runShell([...port, ...flags], input);

    await t.step("runs statements over lines, the last one without a semicolon", async () => {
      const input =
        `${schema}INSERT INTO foo(name)\n VALUES('a;b'),\n(NULL); SELECT id,\n name FROM foo`;
      const { code, stdout, stderr } = await shell(input);
      assert.equal(stderr, "");
      assert.equal(code, 0);
      assert.match(stdout, /^0 row affected\n2 rows affected\n\+-/);
      assert.match(stdout, /\| 1 {2}\| a;b {2}\|\n\| 2 {2}\| NULL \|\n/);
    });

    await t.step("shows 64-bit integers exactly, in JSON on its own", async () => {
      const { code, stdout } = await shell(
        "SELECT 9007199254740993 AS a, -9223372036854775808 AS b",
        "--mode",
        "json",
      );
      assert.equal(code, 0);
      assert.equal(
        stdout,
        '[\n  {\n    "a": 9007199254740993,\n    "b": -9223372036854775808\n  }\n]\n',
      );
    });

    await t.step("ends with 1 when a statement failed, and runs the others", async () => {
      const { code, stdout, stderr } = await shell(
        "SELEC 1;\nSELECT 'still' AS a;",
        "-mode",
        "csv",
      );
      assert.equal(code, 1);
      assert.equal(stderr, 'Error: near "SELEC": syntax error\n');
      assert.equal(stdout, "a\nstill\n");
      assert.equal((await shell(".nonsense")).code, 1);
      assert.match((await shell(".tabels")).stderr, /did you mean \.tables\?/);
    });

    await t.step("keeps what is no data out of the output of csv and json", async () => {
      const { stdout, stderr } = await shell(
        ".mode json\n.timer on\n.changes on\nDELETE FROM foo WHERE id = 99;\nSELECT 1 AS a;",
      );
      assert.equal(JSON.parse(stdout)[0].a, 1);
      assert.match(stderr, /row affected \(\d\.\d{6} sec\)\nlast insert ID: 2\nRun Time: /);
    });

    await t.step("sets and shows settings", async () => {
      const settings =
        "blobarray on|changes on|consistency strong|forcewrites on|mode line|timer on";
      const input = settings.split("|").map((line) => `.${line}\n`).join("");
      const { code, stdout } = await shell(`${input}.show\n.timer\n.consistency\n.mode\n`);
      assert.equal(code, 0);
      assert.equal(
        stdout,
        "  blobarray: on\n  changes: on\n  consistency: strong\n  forcewrites: on\n  mode: line\n" +
          "  output: stdout\n  timer: on\non\nstrong\nline\n",
      );
      for (const wrong of ["timer maybe", "mode xml", "consistency eventual", "show x"]) {
        assert.equal((await shell(`.${wrong}`)).code, 1, wrong);
      }
    });

    await t.step("obeys blobarray, forcewrites and every level", async () => {
      const levels = ["none", "weak", "linearizable", "strong", "auto"];
      const queries = levels.map((level) => `.consistency ${level}\nSELECT x'00ff' AS d;\n`).join(
        "",
      );
      const { code, stdout } = await shell(
        `.mode csv\n${queries}.blobarray on\nUPDATE foo SET data = x'00ff' WHERE id = 1;\nSELECT data FROM foo WHERE id = 1;\n` +
          ".forcewrites on\nINSERT INTO foo(id) VALUES(7) RETURNING id;\n",
      );
      assert.equal(code, 0);
      assert.match(stdout, /data\n"\[0,255\]"\nid\n7\n$/);
    });

    await t.step("lists tables, indexes and the schema, without those of the server", async () => {
      const { stdout } = await shell(
        "CREATE INDEX foo_name ON foo(name);\n.mode csv\n.tables\n.indexes\n.schema\n",
      );
      assert.equal(
        stdout.slice(stdout.indexOf("name\n")),
        "name\nfoo\nname,tbl_name,sql\nfoo_name,foo,CREATE INDEX foo_name ON foo(name)\nsql\n" +
          '"CREATE TABLE foo (id INTEGER PRIMARY KEY, name TEXT, data BLOB)"\n' +
          "CREATE INDEX foo_name ON foo(name)\n",
      );
    });

    await t.step("shows the node and its cluster", async () => {
      const { code, stdout, stderr } = await shell(
        ".status build\n.expvar memstats\n.nodes\n.nodes all\n.leader\n.ready\n.extensions\n.statements 1000\n.help\n",
      );
      assert.equal(stderr, "");
      assert.equal(code, 0);
      assert.match(stdout, /^build:\n(?: {2}.*\n)* {2}raftlite_version: /);
      assert.match(stdout, /\nmemstats:\n {2}Alloc: \d+\n/);
      assert.equal(stdout.match(/\n {2}leader: true\n/g)?.length, 3);
      assert.match(stdout, /\nready\n/);
      const figures = [
        "calls",
        "failures",
        "rows",
        "total_ms",
        "mean_ms",
        "p99_ms",
        "max_ms",
        "sql",
      ];
      assert.match(stdout, new RegExp(`\n.*${figures.join("\\b.*")}`));
      assert.match(stdout, /\b1\b.*CREATE TABLE foo/);
      for (const name of commandNames) assert.match(stdout, new RegExp(`^\\.${name}\\b`, "m"));
      assert.equal((await shell(".status nothing")).code, 1);
    });

    await t.step("maintains the node", async () => {
      const { code, stdout, stderr } = await shell(
        `.snapshot\n.snapshot 5\n.reap\n.remove nobody\n.snapshot x\n.remove\n.stepdown\n`,
      );
      assert.equal(code, 1);
      assert.match(stdout, /^snapshots reaped: 0, WALs checkpointed: 0\n$/);
      const errors = stderr.trimEnd().split("\n");
      assert.equal(errors.length, 3, stderr);
      assert.match(errors[2] ?? "", /stepdown: cannot find peer/);
    });

    await t.step("shows the cluster's version, and raises it when told so", async () => {
      const { code, stdout } = await shell(".upgrade\n.upgrade yes\n");
      assert.equal(code, 0);
      assert.match(
        stdout,
        /^can_be_raised: false\nnewest: (\d+)\nnodes:\n[^]*\nversion: \1\nversion: \1\n$/,
      );
      const wrong = await shell(".upgrade no\n");
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /Invalid argument: no is not yes/);
    });

    await t.step("writes results to a file, and back to standard output", async () => {
      const file = `${folder}/out.txt`;
      const { stdout } = await shell(
        `.mode csv\n.output ${file}\nSELECT 1 AS a;\n.show\n.output\nSELECT 2 AS b;\n`,
      );
      assert.equal(await Deno.readTextFile(file), "a\n1\n");
      assert.match(stdout, /output: .*out\.txt/);
      assert.match(stdout, /b\n2\n$/);
      assert.equal((await shell(`.output ${folder}/no/such`)).code, 1);
    });

    await t.step("reads files of statements, lines of which may fail", async () => {
      await Deno.writeTextFile(
        `${folder}/in.sql`,
        "\ufeff-- one\nSELECT\n 1 AS a;\nBAD;\n.mode csv\nSELECT 2 AS b",
      );
      await Deno.writeTextFile(`${folder}/loop.sql`, `.read ${folder}/loop.sql\n`);
      const { code, stdout, stderr } = await shell(`.read ${folder}/in.sql\nSELECT 3 AS c;`);
      assert.equal(code, 1);
      assert.match(stderr, /^Error: near "BAD": syntax error\n$/);
      assert.match(stdout, /\| 1 \|[^]*b\n2\nc\n3\n$/);
      assert.match((await shell(`.read ${folder}/loop.sql`)).stderr, /too deep/);
      assert.equal((await shell(`.read ${folder}`)).code, 1);
      assert.equal((await shell(".read /no/such")).code, 1);
    });

    await t.step("backs up, dumps, restores and boots", async () => {
      const [backup, dump, part] = ["b.sqlite", "d.sql", "p.sql"].map((name) =>
        `${folder}/${name}`
      );
      const saved = await shell(`.backup ${backup}\n.dump ${dump}\n.dump ${part} nosuch, other\n`);
      assert.deepEqual([saved.code, saved.stderr], [0, ""]);
      const header = new TextDecoder().decode((await Deno.readFile(backup ?? "")).subarray(0, 15));
      assert.equal(header, "SQLite format 3");
      assert.match(
        await Deno.readTextFile(dump ?? ""),
        /INSERT INTO "foo" VALUES\(1,'a;b',X'00FF'\);/,
      );
      assert.ok(!(await Deno.readTextFile(part ?? "")).includes("foo VALUES"));

      await node.execute(["DELETE FROM foo"]);
      const restored = await shell(`.restore ${backup}\n`);
      assert.deepEqual(restored, {
        code: 0,
        stdout: "Database restored successfully.\n",
        stderr: "",
      });
      assert.deepEqual(await node.query("SELECT count(*) FROM foo"), [[3]]);

      await node.execute(["DROP TABLE foo"]);
      assert.match((await shell(`.restore ${dump}`)).stdout, /rows affected: \d+\n.*successfully/);
      assert.deepEqual(await node.query("SELECT count(*) FROM foo"), [[3]]);
      const again = await shell(`.restore ${dump}`);
      assert.deepEqual([again.code, again.stderr], [1, "Error: table foo already exists\n"]);

      await node.execute(["DELETE FROM foo"]);
      assert.equal((await shell(`.boot ${backup}`)).stdout, "Node booted successfully.\n");
      assert.deepEqual(await node.query("SELECT count(*) FROM foo"), [[3]]);
      assert.match((await shell(`.boot ${dump}`)).stderr, /not a valid SQLite file/);
      for (const name of ["backup", "boot", "dump", "read", "restore", "sysdump"]) {
        assert.match((await shell(`.${name}`)).stderr, /needs the name of a file/);
      }
      assert.deepEqual(
        [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".part")),
        [],
      );
    });

    await t.step("a backup that fails leaves the file that was there", async () => {
      const file = `${folder}/kept`;
      await Deno.writeTextFile(file, "old");
      const { code } = await runShell([...port, "-P", "/nowhere"], `.backup ${file}`);
      assert.equal(code, 1);
      assert.equal(await Deno.readTextFile(file), "old");
    });

    await t.step("dumps what the system tells of itself", async () => {
      const file = `${folder}/sys.txt`;
      assert.equal((await shell(`.sysdump ${file}`)).code, 0);
      const text = await Deno.readTextFile(file);
      for (const page of ["status?pretty", "nodes?pretty", "readyz", "debug/vars"]) {
        assert.ok(text.includes(`URL: ${node.url}/${page}\nStatus: 200\n`), page);
      }
    });

    await t.step("leaves at .quit, .exit, quit and exit", async () => {
      for (const word of [".quit", ".EXIT", "quit", "exit;"]) {
        const { code, stdout } = await shell(`${word}\nSELECT 1;`);
        assert.deepEqual([code, stdout], [0, ""], word);
      }
    });
  });
});

Deno.test("shell in a pipe ends with 1 when no node answers, or the answer is no", async () => {
  const unanswered = await runShell(["-p", String(takePort())], "SELECT 1;");
  assert.equal(unanswered.code, 1);
  assert.match(unanswered.stderr, /^Error: Unable to connect to http:\/\/127\.0\.0\.1:\d+ - is it/);

  let authorization: string | null = null;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    authorization = request.headers.get("authorization");
    return new Response(null, { status: 401 });
  });
  const flags = ["-p", String(server.addr.port), "-u", "fiona:a:ö"];
  const refused = await runShell(flags, "SELECT 1;");
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^Error: Unauthorized/);
  assert.equal(authorization, "Basic ZmlvbmE6YTrDtg==");
});

Deno.test("shell goes on with another node of its cluster, and sends no write twice", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const leader = await cluster.leader();
  await leader.execute(["CREATE TABLE foo (id INTEGER PRIMARY KEY, name TEXT)"]);
  const child = new ShellChild(leader.httpPort);
  try {
    await child.send("SELECT 'first' AS a;\n");
    await child.see(/first/);
    await leader.kill();
    await child.send("INSERT INTO foo(name) VALUES('after');\nSELECT 'second' AS a;\n");
    await child.see(/1 row affected[^]*second/);
    assert.match(child.stderr, /Node 127\.0\.0\.1:\d+ is lost: going on with 127\.0\.0\.1:\d+\n/);
    assert.equal(await child.end(), 0, child.stderr);
    const other = cluster.nodes.find((node) => node.running);
    assert.deepEqual(await other?.query("SELECT name FROM foo"), [["after"]]);
  } finally {
    await child.end();
  }
});

Deno.test("shell leaves it open what became of a write whose node was lost", async () => {
  let writes = 0;
  const lost = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = background(async () => {
    for await (const connection of lost) {
      const bytes = new Uint8Array(4_096);
      const length = await connection.read(bytes) ?? 0;
      const text = new TextDecoder().decode(bytes.subarray(0, length));
      if (text.startsWith("GET /status")) {
        const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        await connection.write(new TextEncoder().encode(answer));
      }
      connection.close();
    }
  });
  await using other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      if (request.method === "POST" && (await request.text()).includes("INSERT")) writes++;
      return Response.json({ results: [{ columns: ["a"], types: [""], values: [["read"]] }] });
    },
  );
  const flags = ["-p", String(lost.addr.port), "-a", `127.0.0.1:${other.addr.port}`];
  const { code, stdout, stderr } = await runShell(flags, "INSERT INTO foo VALUES(1);\nSELECT 1;");
  lost.close();
  await serving;
  assert.equal(code, 1);
  assert.match(stderr, /Error: Outcome unknown/);
  assert.equal(writes, 0);
  assert.match(stdout, /read/);
});

/** A shell in a pipe that is written to step by step. */
class ShellChild {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<unknown>;
  stdout = "";
  stderr = "";
  #ended: Promise<number> | undefined;

  constructor(port: number) {
    const [command = "", ...args] = shellCommand("-p", String(port));
    this.#child = new Deno.Command(command, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    const read = async (stream: ReadableStream<Uint8Array>, add: (text: string) => void) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) add(text);
    };
    this.#reading = Promise.all([
      read(this.#child.stdout, (text) => this.stdout += text),
      read(this.#child.stderr, (text) => this.stderr += text),
    ]);
  }

  async send(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
  }

  async see(pattern: RegExp): Promise<void> {
    await eventually(
      () => `${pattern} in:\n${this.stdout}${this.stderr}`,
      () => pattern.test(this.stdout),
    );
  }

  end(): Promise<number> {
    this.#ended ??= (async () => {
      await this.#writer.close();
      await this.#reading;
      return (await this.#child.status).code;
    })();
    return this.#ended;
  }
}

const commandNames = [
  ...["backup", "blobarray", "boot", "changes", "consistency", "dump", "exit", "expvar"],
  ...["extensions", "forcewrites", "help", "indexes", "leader", "mode", "nodes", "output", "quit"],
  ...["read", "ready", "reap", "remove", "restore", "schema", "show", "snapshot"],
  ...["statements", "status", "stepdown", "sysdump", "tables", "timer", "upgrade"],
];

Deno.test("shell asks every node for what it has seen at others", async () => {
  const asked: (string | null)[] = [];
  const answers = ["7", null, "5"];
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  // A stand-in, for what a shell sends.
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => resolve(port) },
    (request) => {
      if (!request.url.includes("/db/")) return new Response("{}");
      asked.push(request.headers.get("x-raftlite-index"));
      const index = answers.shift();
      return new Response('{"results":[{"rows_affected":1}]}', {
        headers: index ? { "x-raftlite-index": index } : {},
      });
    },
  );
  const { code, stderr } = await runShell(
    ["-p", String(await listening)],
    "INSERT INTO t VALUES (1);\nSELECT 1;\nSELECT 2;\nSELECT 3;\n",
  );
  await server.shutdown();
  assert.equal(code, 0, stderr);
  assert.deepEqual(asked, [null, "7", "7", "7"]);
});
