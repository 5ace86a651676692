import assert from "node:assert/strict";
import { type Recipe, recipes, schema, withoutTransaction } from "./migration_recipes.ts";
import { Entries, TestStore } from "./fixture.ts";

/** The ways in which a tool's driver may send its statements. */
const ways: Readonly<Record<string, (s: TestStore, recipe: Recipe) => Promise<string>>> = {
  "in one request": (s, { statements }) => s.execute(statements),
  "in one mixed request": (s, { statements }) => s.execute(statements, { unified: true }),
  "as one text": (s, { statements }) =>
    s.execute([statements.map((sql) => sql.replace(/;?\s*$/, ";")).join("\n")]),
  "as a transaction": (s, { statements }) =>
    s.execute(withoutTransaction(statements), { transaction: true }),
  "one by one": async (s, { statements }) => {
    const answers: string[] = [];
    for (const sql of withoutTransaction(statements)) answers.push(await s.execute([sql]));
    return answers.join();
  },
};

for (const recipe of recipes) {
  for (const [way, send] of Object.entries(ways)) {
    Deno.test(`${recipe.tool}'s rebuild of a table, ${way}, keeps the rows that refer to it`, async () => {
      for (const foreignKeys of [true, false]) {
        await using s = await TestStore.open({ foreignKeys });
        await s.execute(schema);
        assert.doesNotMatch(await send(s, recipe), /error/);
        assert.match(await s.query("SELECT id FROM books"), /\[\[10\],\[11\],\[20\]\]/);
        assert.match(await s.query("SELECT * FROM authors"), /\[\[1,"one"\],\[2,"two"\]\]/);
        assert.match(await s.query("PRAGMA foreign_key_list(books)"), /"authors"/);
        assert.match(
          await s.execute(["INSERT INTO authors VALUES (3, NULL)"]),
          /"rows_affected":1/,
        );
        // One by one, it sets the cluster; else the flag counts again.
        const enforced = foreignKeys || way === "one by one";
        const orphan = await s.execute(["INSERT INTO books VALUES (30, 99)"]);
        assert.equal(/FOREIGN KEY constraint failed/.test(orphan), enforced, orphan);
      }
    });
  }
}

Deno.test("a recipe's own BEGIN in a transaction request takes all of it back, on every node alike", async () => {
  const contents: string[] = [];
  for (const foreignKeys of [true, false]) {
    await using s = await TestStore.open({ foreignKeys }, new Entries(true));
    await s.execute(schema);
    for (const { statements } of recipes.filter(({ statements }) => statements.includes("BEGIN"))) {
      const answer = await s.execute(statements, { transaction: true });
      assert.match(answer, /BEGIN is refused: the request is a transaction already"\}$/);
    }
    contents.push(await s.query("SELECT * FROM books") + await s.query("SELECT * FROM authors"));
  }
  assert.match(contents[0] ?? "", /\[\[10,1\],\[11,1\],\[20,2\]\]/);
  assert.equal(contents[1], contents[0]);
});
