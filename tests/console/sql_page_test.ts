import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { Cluster, eventually } from "../cluster/harness.ts";
import { assertAccessible, browserTest, openTab } from "./browser.ts";

async function runSql(page: Page, sql: string): Promise<void> {
  // Chromium itself makes a style, which the policy refuses, when text is typed over other text.
  await page.getByRole("textbox", { name: "SQL" }).focus();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(sql);
  await page.keyboard.press("ControlOrMeta+Enter");
}

/** Would be markup, script or a style if anything took it for that. */
const hostile = `<img src=x onerror="document.title='run'"><script>document.title='run'</script>`;

browserTest(
  "the console runs SQL: every digit, hostile values, many rows, errors, plans, an end to it",
  async (browser) => {
    // A browser on a busy machine may be late to say that its transaction is still wanted.
    const flags = ["-tx-idle-timeout", "5m", "-tx-max-open", "10m"];
    await using cluster = await Cluster.start({ size: 1, flags });
    const [node] = cluster.nodes;
    assert(node);
    await node.execute([
      `CREATE TABLE "<b>t</b>" (id INTEGER PRIMARY KEY, "<i>name</i>" TEXT)`,
      ["INSERT INTO \"<b>t</b>\" VALUES (9007199254740993, ?), (1, NULL), (2, '')", hostile],
    ]);
    await using tab = await openTab(browser, `${node.url}/console/#/sql`);
    const { page, complaints } = tab;

    await runSql(page, `SELECT * FROM "<b>t</b>" WHERE id > :low ORDER BY id DESC`);
    await page.getByText("0 rows").waitFor();
    await page.getByLabel("Value of :low").fill("0");
    await page.getByLabel("Type of :low").selectOption("number");
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByRole("gridcell", { name: "9007199254740993" }).waitFor();
    await page.getByRole("gridcell", { name: "NULL" }).waitFor();
    await page.getByRole("gridcell", { name: "empty" }).waitFor();
    await page.getByRole("columnheader", { name: "<i>name</i>" }).waitFor();
    await assertAccessible(page);

    // The keyboard opens a cell, whose contents are shown and not run.
    await page.getByRole("grid").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByText(hostile).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await page.locator("main img, main script").count(), 0);
    assert.match(await page.title(), /^SQL/);

    // Several statements, one of them wrong; a plan that reads all; 100,000 rows.
    await runSql(
      page,
      'SELEC 1; EXPLAIN QUERY PLAN SELECT * FROM "<b>t</b>" WHERE "<i>name</i>" = \'a\';' +
        "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000) SELECT n, n || 'th' FROM s",
    );
    await page.getByText('near "SELEC": syntax error').waitFor();
    await page.getByText("reads every row").waitFor();
    await page.getByText("100,000 rows").waitFor();
    await page.getByRole("grid").focus();
    await page.getByRole("grid").evaluate((grid) => grid.scrollTop = grid.scrollHeight);
    await page.getByRole("gridcell", { name: "100000th" }).waitFor();
    assert.ok(await page.getByRole("row").count() < 100, "Only rows in sight are made");

    // What is ended in the page has ended in the node.
    const running = async () => {
      const { requests } = JSON.parse((await node.fetch("/debug/requests")).body);
      return requests.length as number;
    };
    await runSql(
      page,
      "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT max(n) FROM s",
    );
    await eventually("it to run", async () => await running() === 1);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Ended: the node stops what it was at").waitFor();
    await eventually("the node to have ended it", async () => await running() === 0);

    // Numbers are drawn.
    await runSql(page, "SELECT 'a' AS word, 3 AS n UNION ALL SELECT 'b', -4.5");
    await page.getByRole("tab", { name: "Chart" }).click();
    await page.getByRole("img", { name: /^a: n 3/ }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("img", { name: /^b: n -4.5/ }).waitFor();
    await assertAccessible(page);

    // Blobs of columns of no type, and texts that look like blobs, are what they are.
    await runSql(page, "SELECT x'ff00' AS blob, typeof(:word) AS kind");
    await page.getByLabel("Value of :word").fill("X'41'");
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByRole("gridcell", { name: "x’ff00’ (2 B)" }).waitFor();
    await page.getByRole("gridcell", { name: "text" }).waitFor();

    // A transaction: nobody else sees it before its commit; others write beside it.
    await node.execute(["CREATE TABLE paid (a)"]);
    const paid = () => node.query("SELECT a FROM paid ORDER BY a");
    await page.getByRole("button", { name: "Begin" }).click();
    await page.getByText("A transaction is open").waitFor();
    await page.getByText(/rolled back in \d+ s unless committed/).waitFor();
    await assertAccessible(page);
    await node.execute(["INSERT INTO paid VALUES ('beside it')"]);
    await runSql(page, "INSERT INTO paid VALUES ('within it') RETURNING a");
    await page.getByRole("gridcell", { name: "within it" }).waitFor();
    assert.deepEqual(await paid(), [["beside it"]]);
    await page.getByRole("button", { name: "Commit" }).click();
    await page.getByText("The transaction is committed").waitFor();
    assert.deepEqual(await paid(), [["beside it"], ["within it"]]);
    // One that ends otherwise is not shown as open any more.
    await page.getByLabel("Transaction").selectOption("concurrent");
    const begun = page.waitForResponse(/\/db\/begin/);
    await page.getByRole("button", { name: "Begin" }).click();
    const { tx } = await (await begun).json();
    await page.getByText("A transaction is open").waitFor();
    await node.fetch(`/db/rollback?tx=${encodeURIComponent(tx)}`, { method: "POST" });
    await page.getByRole("button", { name: "Begin" }).waitFor();

    // It is remembered, without its values.
    await page.getByRole("button", { name: "Saved and recent" }).click();
    await page.getByRole("dialog").getByText(":low").click();
    await page.getByLabel("Value of :low").waitFor();
    assert.deepEqual(complaints, []);
  },
);

browserTest("a link to SQL shows it, and runs nothing by itself", async (browser) => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  const sql = "CREATE TABLE made_by_a_link (a)";
  await using tab = await openTab(browser, `${node.url}/console/#/sql/${encodeURIComponent(sql)}`);
  const { page } = tab;
  await page.getByRole("textbox", { name: "SQL" }).getByText("made_by_a_link").waitFor();
  const made = () => node.query("SELECT name FROM sqlite_schema WHERE name = 'made_by_a_link'");
  assert.deepEqual(await made(), []);
  await page.getByRole("button", { name: "Run" }).click();
  await page.getByText("Done.").waitFor();
  assert.deepEqual(await made(), [["made_by_a_link"]]);
});
