import assert from "node:assert/strict";
import { join } from "node:path";
import { Cluster } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { assertAccessible, browserTest, openTab, signIn } from "./browser.ts";

const hostile = `<img src=x onerror="document.title='run'">`;
const name = `a "b" <i>c</i>/d%2F#`;
const quoted = `"${name.replaceAll('"', '""')}"`;

browserTest(
  "the console browses a million rows, and changes one only as it was read",
  async (browser) => {
    await using cluster = await Cluster.start({ size: 1 });
    const [node] = cluster.nodes;
    assert(node);
    await node.execute(
      [
        `CREATE TABLE ${quoted} (id INTEGER PRIMARY KEY, "v'x" TEXT)`,
        `INSERT INTO ${quoted} VALUES (1, NULL), (9007199254740993, '${
          hostile.replaceAll("'", "''")
        }')`,
        "CREATE TABLE other (id INTEGER PRIMARY KEY, of INTEGER REFERENCES many(id))",
        "CREATE TABLE many (id INTEGER PRIMARY KEY, word TEXT)",
        "CREATE VIEW seen AS SELECT word FROM many",
        "INSERT INTO many WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000000) " +
        "SELECT n, 'word ' || n FROM s",
      ],
      "",
      60_000,
    );
    await using tab = await openTab(browser, `${node.url}/console/#/data`);
    const { page, complaints } = tab;
    await page.getByRole("cell", { name: "1,000,000" }).waitFor();
    await assertAccessible(page);
    await page.getByRole("link", { name: "Structure of other" }).waitFor();
    await page.getByRole("button", { name: "Measure sizes" }).click();
    await page.getByRole("cell", { name: /MB$/ }).waitFor();

    await page.getByRole("cell").getByRole("link", { name: "many", exact: true }).click();
    await page.getByRole("gridcell", { name: "word 1", exact: true }).waitFor();
    await assertAccessible(page);
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByRole("gridcell", { name: "word 201", exact: true }).waitFor();
    await page.getByRole("button", { name: "id" }).click();
    await page.getByRole("button", { name: "id ↑" }).click();
    await page.getByRole("gridcell", { name: "word 1000000", exact: true }).waitFor();
    await page.getByRole("link", { name: "Structure" }).click();
    await page.getByRole("link", { name: "other" }).waitFor();
    await assertAccessible(page);

    // A table and a value that look like something else.
    await page.goto(`${node.url}/console/#/data`);
    await page.getByRole("link", { name, exact: true }).click();
    await page.getByRole("gridcell", { name: hostile }).waitFor();
    await page.getByRole("gridcell", { name: "9007199254740993" }).dblclick();
    await page.getByLabel("Value of v'x").fill("it's");
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByText(/UPDATE .* COLLATE BINARY IS/).waitFor();
    await assertAccessible(page);
    await node.execute([`UPDATE ${quoted} SET "v'x" = 'of another' WHERE id > 1`]);
    await page.getByRole("button", { name: "Run it" }).click();
    await page.getByText("somebody else changed it").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("gridcell", { name: "9007199254740993" }).dblclick();
    await page.getByLabel("Value of v'x").fill("it's");
    await page.getByRole("button", { name: "Save…" }).click();
    await page.getByRole("button", { name: "Run it" }).click();
    await page.getByRole("gridcell", { name: "it's" }).waitFor();
    assert.deepEqual(await node.query(`SELECT "v'x" FROM ${quoted} WHERE id > 1`), [["it's"]]);

    // Rows are added and taken away; a view is only looked at.
    await page.getByRole("button", { name: "Add a row" }).click();
    await page.getByLabel("Type of v'x").selectOption("text");
    await page.getByRole("button", { name: "Add…" }).click();
    await page.getByRole("button", { name: "Run it" }).click();
    await page.getByText("3 rows").waitFor();
    await page.getByRole("gridcell", { name: "it's" }).dblclick();
    await page.getByRole("button", { name: "Delete the row…" }).click();
    await page.getByRole("button", { name: "Run it" }).click();
    await page.getByText("2 rows").waitFor();
    await page.goto(`${node.url}/console/#/data/seen`);
    await page.getByRole("gridcell", { name: "word 9", exact: true }).waitFor({
      state: "attached",
    });
    assert.equal(await page.getByRole("button", { name: "Add a row" }).count(), 0);
    assert.match(await page.title(), /^Data/);
    assert.deepEqual(complaints, []);
  },
);

browserTest(
  "the console offers who may only read no change of rows",
  (browser) =>
    withDirectory(async (directory) => {
      const file = join(directory, "users.json");
      const users = [
        { username: "root", password: "of-root", perms: ["all"] },
        {
          ...{ username: "reader", password: "of-reader", perms: ["query"] },
          tables: { read: ["t"], write: [] },
        },
      ];
      await Deno.writeTextFile(file, JSON.stringify(users));
      const authorization = `Basic ${btoa("root:of-root")}`;
      await using cluster = await Cluster.start({ size: 1, flags: ["-auth", file], authorization });
      const [node] = cluster.nodes;
      assert(node);
      await node.execute([
        "CREATE TABLE t (a)",
        "INSERT INTO t VALUES ('seen')",
        "CREATE TABLE u (a)",
      ]);
      await using tab = await openTab(browser, `${node.url}/console/`);
      const { page, complaints } = tab;
      await signIn(page, "reader", "of-reader");
      await page.getByRole("heading", { name: "Data" }).waitFor();
      assert.equal(await page.getByRole("link", { name: "Cluster" }).count(), 0);
      await page.goto(`${node.url}/console/#/data/t`);
      await page.getByRole("gridcell", { name: "seen" }).dblclick();
      await page.getByRole("dialog").getByText("seen").waitFor();
      assert.equal(await page.getByRole("button", { name: /Save|Add|Delete/ }).count(), 0);
      await page.keyboard.press("Escape");
      await page.goto(`${node.url}/console/#/data/u`);
      await page.getByText(/prohibited|no table/).waitFor();
      assert.deepEqual(complaints, []);
    }),
);

browserTest(
  "the console shows who is not signed in what everybody may, and signs nobody out for a right they lack",
  (browser) =>
    withDirectory(async (directory) => {
      const file = join(directory, "users.json");
      const users = [
        { username: "root", password: "of-root", perms: ["all"] },
        { username: "writer", password: "of-writer", perms: ["execute"] },
        { username: "*", perms: ["status"] },
      ];
      await Deno.writeTextFile(file, JSON.stringify(users));
      const authorization = `Basic ${btoa("root:of-root")}`;
      await using cluster = await Cluster.start({ size: 1, flags: ["-auth", file], authorization });
      const [node] = cluster.nodes;
      assert(node);
      await using tab = await openTab(browser, `${node.url}/console/`);
      const { page, complaints } = tab;
      await page.getByRole("heading", { name: "Cluster" }).waitFor();
      assert.equal(await page.getByRole("link", { name: "SQL" }).count(), 0);
      await page.getByRole("button", { name: "Sign in" }).click();
      await signIn(page, "writer", "of-writer");
      await page.getByRole("link", { name: "SQL" }).click();
      await page.getByRole("textbox", { name: "SQL" }).fill("CREATE TABLE t (a)");
      await page.keyboard.press("ControlOrMeta+Enter");
      await page.getByText("Done.").waitFor();
      await page.getByRole("button", { name: "Sign out" }).waitFor();
      assert.deepEqual(complaints, []);
    }),
);
