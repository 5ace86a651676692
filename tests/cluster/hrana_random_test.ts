/** A stream of libSQL's protocol is a connection: random scripts answer what SQLite itself does. */
import { strict as assert } from "node:assert";
import { Prng } from "../../src/base/prng.ts";
import { Database } from "../../src/sqlite/mod.ts";
import { library } from "../store/fixture.ts";
import { anySeed } from "../store/seeds.ts";
import { Cluster, type NodeProcess } from "./harness.ts";

const schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE); CREATE TABLE u (a)";

/** A statement that is drawn at random; what is open is known by its own words only. */
function drawn(prng: Prng): string {
  const number = () => prng.below(12);
  const statements = [
    () => `INSERT INTO t (v) VALUES (${number()})`,
    () => `INSERT OR IGNORE INTO t (v) VALUES (${number()})`,
    () => `INSERT INTO t VALUES (${number()}, ${number()}) RETURNING id, v`,
    () => `INSERT INTO u SELECT last_insert_rowid() + changes() * 100`,
    () => `UPDATE t SET v = v + 1 WHERE id > ${number()}`,
    () => `DELETE FROM t WHERE id = ${number()}`,
    () => "SELECT * FROM t ORDER BY id",
    () => "SELECT sum(a), count(*) FROM u",
    () => "SELECT last_insert_rowid(), changes()",
    () => "SELECT last_insert_rowid() AS id, (SELECT changes()) AS n WHERE changes() >= 0",
    () => prng.chance(0.5) ? "BEGIN" : "BEGIN IMMEDIATE",
    () => "COMMIT",
    () => prng.chance(0.3) ? "ROLLBACK" : "COMMIT",
    () => "SELECT nothing FROM nowhere",
    () => "UPDAT",
  ];
  return statements[prng.below(statements.length)]?.() ?? "";
}

interface Told {
  readonly error?: string;
  readonly columns?: readonly string[];
  readonly rows?: readonly unknown[][];
}

/** What SQLite answers, as a stream does. */
function plainly(database: Database, sql: string): Told {
  try {
    using statement = database.prepare(sql);
    const rows = statement.values<(number | null)[]>();
    return { columns: statement.columnNames(), rows };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

class Client {
  #baton: string | null = null;

  async run(node: NodeProcess, statements: readonly string[]): Promise<Told[]> {
    const requests = statements.map((sql) => ({ type: "execute", stmt: { sql } }));
    const response = await fetch(`${node.url}/v3/pipeline`, {
      method: "POST",
      body: JSON.stringify({ baton: this.#baton, requests }),
    });
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    this.#baton = answer.baton;
    // deno-lint-ignore no-explicit-any
    return answer.results.map(({ error, response }: any) => {
      if (error !== undefined) {
        return { error: error.message.replace(/^SQL[\w ]+: /, "") };
      }
      const { cols, rows } = response.result;
      const value = ({ type, value }: { type: string; value: string }) =>
        type === "null" ? null : Number(value);
      return {
        columns: cols.map(({ name }: { name: string }) => name),
        // deno-lint-ignore no-explicit-any
        rows: rows.map((row: any[]) => row.map(value)),
      };
    });
  }
}

Deno.test("A stream answers to random scripts what a connection to SQLite answers", async () => {
  const seed = anySeed();
  console.log(`RAFTLITE_SEED=${seed}`);
  const prng = new Prng(seed);
  await using cluster = await Cluster.start({ size: 1 });
  const node = await cluster.leader();
  for (let script = 0; script < 12; script++) {
    using database = new Database(":memory:", { library });
    database.exec(schema);
    const client = new Client();
    const [dropped] = await client.run(node, ["DROP TABLE IF EXISTS t"]);
    assert.equal(dropped?.error, undefined);
    await client.run(node, ["DROP TABLE IF EXISTS u", ...schema.split("; ")]);
    const before: string[] = [];
    for (let i = 0; i < 25; i++) {
      const statements = Array.from({ length: 1 + prng.below(3) }, () => drawn(prng));
      const told = await client.run(node, statements);
      for (const [i, sql] of statements.entries()) {
        before.push(sql);
        assert.deepEqual(
          told[i],
          plainly(database, sql),
          `script ${script}:\n${before.join("\n")}`,
        );
      }
    }
    await client.run(node, ["ROLLBACK"]);
  }
});
