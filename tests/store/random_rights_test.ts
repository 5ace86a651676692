import assert from "node:assert/strict";
import { readRights, rightsOf } from "../../src/access/table_rights.ts";
import { Prng } from "../../src/base/prng.ts";
import { Database } from "../../src/sqlite/mod.ts";
import { library, TestStore } from "./fixture.ts";
import { seeds } from "./seeds.ts";

const tables = ["t0", "t1", "t2", "t3", "f0"];
const views = ["v0", "v1", "v2"];
const names = [...tables, ...views];

function pick<T>(random: Prng, all: readonly T[]): T {
  return all[random.below(all.length)] as T;
}

/** A name as SQL may write it. */
function written(random: Prng, name: string): string {
  return pick(random, [name, name.toUpperCase(), `"${name}"`, `main.[${name}]`]);
}

function table(random: Prng): string {
  return written(random, pick(random, names));
}

function source(random: Prng, depth = 2): string {
  const from = table(random);
  if (depth === 0) return `SELECT a FROM ${from}`;
  return pick(random, [
    () => `SELECT a FROM ${from}`,
    () => `SELECT count(*) FROM ${from}`,
    () => `SELECT x.a FROM ${from} x, ${table(random)} y WHERE x.a = y.a`,
    () => `SELECT a FROM ${from} WHERE a IN (${source(random, depth - 1)})`,
    () => `SELECT (${source(random, depth - 1)} LIMIT 1)`,
    () => `WITH c AS (${source(random, depth - 1)}) SELECT * FROM c`,
    () => `SELECT count(*) FROM (${source(random, depth - 1)})`,
    () => `${source(random, 0)} UNION ${source(random, 0)}`,
    () => `SELECT 1 WHERE EXISTS (${source(random, depth - 1)})`,
  ])();
}

function statement(random: Prng): string {
  const into = written(random, pick(random, tables));
  const value = `(${source(random)} LIMIT 1)`;
  return pick(random, [
    () => source(random),
    () => `INSERT INTO ${into} (a) VALUES (${random.below(9)})`,
    () => `INSERT INTO ${into} (a) VALUES (${random.below(9)}) RETURNING ${value}`,
    () => `INSERT INTO ${into} (a) ${source(random)}`,
    () => `UPDATE ${into} SET a = ${value}`,
    () => `UPDATE ${into} SET a = ${random.below(9)} WHERE a = ${random.below(9)}`,
    () => `DELETE FROM ${into} WHERE a = ${value}`,
    () => `DELETE FROM ${into}`,
    () => `EXPLAIN QUERY PLAN ${source(random)}`,
  ])();
}

function schemaOf(random: Prng): string[] {
  const schema = tables.slice(0, 4).map((name) => `CREATE TABLE ${name} (a)`);
  schema.push("CREATE VIRTUAL TABLE f0 USING fts5(a)");
  views.forEach((view, i) => {
    const from = pick(random, [...tables, ...views.slice(0, i)]);
    schema.push(`CREATE VIEW ${view} AS SELECT a FROM ${from}`);
  });
  for (let i = 0; i < 2; i++) {
    const [on, into] = [`t${random.below(3)}`, `t3`];
    const does = pick(random, [
      `INSERT INTO ${into} SELECT a FROM ${pick(random, names)}`,
      `DELETE FROM ${into}`,
    ]);
    schema.push(`CREATE TRIGGER g${i} AFTER INSERT ON ${on} BEGIN ${does}; END`);
  }
  return schema;
}

const verbs: Readonly<Record<number, "read" | "write">> = {
  9: "write",
  18: "write",
  20: "read",
  23: "write",
};

/** The tables and views that SQLite says a statement touches; undefined when it is an error. */
function touched(
  database: Database,
  sql: string,
): { verb: "read" | "write"; name: string }[] | undefined {
  const all: { verb: "read" | "write"; name: string }[] = [];
  let listening = true;
  database.setAuthorizer((action, first) => {
    const verb = verbs[action];
    const name = first?.toLowerCase() ?? "";
    if (listening && verb !== undefined && names.includes(name)) all.push({ verb, name });
    return 0;
  });
  try {
    using _ = database.prepare(sql);
    return all;
  } catch {
    return undefined;
  } finally {
    listening = false;
  }
}

Deno.test("a user touches only what rights by table allow, learns nothing of the rest, and is refused nothing else", async () => {
  for (const seed of seeds(3)) {
    const random = new Prng(seed);
    const schema = schemaOf(random);
    const some = () => names.filter(() => random.chance(0.6));
    const given = { read: some(), write: some() };
    const rights = rightsOf({ username: "bob", tables: given });
    const bob = readRights(rights ?? "");
    const hidden = tables.filter((name) => !bob.mayRead(name) && !bob.mayWrite(name));
    await using one = await TestStore.open();
    await using other = await TestStore.open();
    using plain = new Database(":memory:", { library });
    for (const sql of schema) plain.exec(sql);
    for (const store of [one, other]) {
      await store.execute(schema);
      for (const name of tables) {
        const rows = store === other && hidden.includes(name) ? "(777), (778)" : "(1), (2), (3)";
        await store.execute([`INSERT INTO ${name} (a) VALUES ${rows}`]);
      }
      // What triggers have added may differ only where nobody of these users sees it.
      for (const name of tables) {
        if (!hidden.includes(name)) await store.execute([`DELETE FROM ${name}`]);
      }
      // What last_insert_rowid() says is of whoever wrote last.
      await store.execute(["CREATE TABLE z (a)", "INSERT INTO z VALUES (1)"]);
    }
    const contents = async (store: TestStore, which: readonly string[]) =>
      await Promise.all(which.map((name) => store.query(`SELECT a FROM ${name} ORDER BY rowid`)));
    const before = [await contents(one, hidden), await contents(other, hidden)];
    for (let i = 0; i < 120; i++) {
      const sql = statement(random);
      const label = `seed ${seed}, rights ${JSON.stringify(given)}: ${sql}`;
      const seen = touched(plain, sql);
      const answers: string[] = [];
      for (const store of [one, other]) {
        const apply = store.entries.execute([sql], { rights, unified: true });
        const [answer = ""] = await store.apply(apply);
        answers.push(answer);
        if (/^(SELECT|WITH|EXPLAIN)/.test(sql)) {
          answers.push(await store.query(sql, [], { unified: true }, rights));
        }
      }
      const refused = answers.map((answer) => /is prohibited/.test(answer));
      const within = seen?.every(({ verb, name }) =>
        verb === "read" ? bob.mayRead(name) : bob.mayWrite(name)
      );
      const said = `${label}\n${JSON.stringify(seen)}\n${answers.join("\n")}`;
      if (within !== undefined) assert.deepEqual(refused, refused.map(() => !within), said);
      // Answers do not depend on what is hidden.
      const half = answers.length / 2;
      assert.deepEqual(answers.slice(0, half), answers.slice(half), label);
    }
    assert.deepEqual(
      [await contents(one, hidden), await contents(other, hidden)],
      before,
      `seed ${seed}`,
    );
    const visible = tables.filter((name) => !hidden.includes(name));
    assert.deepEqual(await contents(one, visible), await contents(other, visible), `seed ${seed}`);
  }
});
