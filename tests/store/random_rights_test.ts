import assert from "node:assert/strict";
import { readRights, rightsOf } from "../../src/access/table_rights.ts";
import { Prng } from "../../src/base/prng.ts";
import { Database } from "../../src/sqlite/mod.ts";
import { library, TestStore } from "./fixture.ts";
import { keyedTables, names, RightsModel, tables } from "./rights_model.ts";
import { seeds } from "./seeds.ts";

/** Whether it is a statement at all, of the schema as it is. */
function isValid(database: Database, sql: string): boolean {
  try {
    using _ = database.prepare(sql);
    return true;
  } catch {
    return false;
  }
}

Deno.test("a user touches only what rights by table allow, learns nothing of the rest, and is refused nothing else", async () => {
  const verdicts = { allowed: 0, refused: 0 };
  for (const seed of seeds(4)) {
    const random = new Prng(seed);
    const model = new RightsModel(random);
    const share = random.chance(0.5) ? 0.6 : 0.85;
    const some = () => names.filter(() => random.chance(share));
    const given = { read: some(), write: some() };
    const rights = rightsOf({ username: "bob", tables: given });
    const bob = readRights(rights ?? "");
    // What stands in a key shows when it is written; what is only written never does.
    const hidden = tables.filter((name) =>
      !bob.mayRead(name) && !(keyedTables.has(name) && bob.mayWrite(name))
    );
    await using one = await TestStore.open({ foreignKeys: true });
    await using other = await TestStore.open({ foreignKeys: true });
    using plain = new Database(":memory:", { library });
    for (const sql of model.schema) plain.exec(sql);
    /** What is hidden differs. Rows are few, or what copies them would make ever more. */
    const fill = async () => {
      for (const store of [one, other]) {
        for (const name of tables) await store.execute([`DELETE FROM ${name}`]);
        // Triggers that fire write t3.
        for (const name of ["p0", "c0", "w0", "f0", "t0", "t3"]) {
          if (name === "t3") await store.execute(["DELETE FROM t3"]);
          const differs = store === other && hidden.includes(name) && name !== "c0";
          // Children stay in order.
          const rows = !differs ? "(1), (2)" : name === "p0" ? "(1), (2), (7)" : "(777), (778)";
          await store.execute([`INSERT INTO ${name} (a) VALUES ${rows}`]);
        }
        // What last_insert_rowid() says is of whoever wrote last.
        await store.execute(["DELETE FROM z", "INSERT INTO z VALUES (1)"]);
      }
    };
    for (const store of [one, other]) {
      await store.execute([...model.schema, "CREATE TABLE z (a)"]);
    }
    await fill();
    const contents = async (store: TestStore, which: readonly string[]) =>
      await Promise.all(which.map((name) => store.query(`SELECT a FROM ${name} ORDER BY a`)));
    const untouched = hidden.filter((name) => !bob.mayWrite(name));
    const before = [await contents(one, untouched), await contents(other, untouched)];
    for (let i = 0; i < 120; i++) {
      if (i % 8 === 0) await fill();
      const { sql, reads, writes, undo } = model.statement();
      const within = [...reads].every((name) => bob.mayRead(name)) &&
        [...writes].every((name) => bob.mayWrite(name));
      const label = `seed ${seed}, rights ${JSON.stringify(given)}: ${sql}`;
      const answers: string[] = [];
      for (const store of [one, other]) {
        const apply = store.entries.execute([sql], { rights, unified: true });
        const [answer = ""] = await store.apply(apply);
        answers.push(answer);
        if (/^(SELECT|WITH|EXPLAIN)/.test(sql)) {
          answers.push(await store.query(sql, [], { unified: true }, rights));
        }
        if (undo !== undefined) await store.execute([undo]);
      }
      const said = `${label}\nneeds ${[...reads]} to read, ${[...writes]} to write\n${
        answers.join("\n")
      }`;
      if (isValid(plain, sql)) {
        const refused = answers.map((answer) => /is prohibited/.test(answer));
        assert.deepEqual(refused, refused.map(() => !within), said);
        verdicts[within ? "allowed" : "refused"]++;
      }
      // Answers do not depend on what is hidden.
      const half = answers.length / 2;
      assert.deepEqual(answers.slice(0, half), answers.slice(half), said);
    }
    const after = [await contents(one, untouched), await contents(other, untouched)];
    assert.deepEqual(after, before, `seed ${seed}`);
    const visible = tables.filter((name) => bob.mayRead(name));
    assert.deepEqual(await contents(one, visible), await contents(other, visible), `seed ${seed}`);
  }
  assert.ok(verdicts.allowed > 20 && verdicts.refused > 20, JSON.stringify(verdicts));
});
