import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Cluster, eventually } from "../cluster/harness.ts";
import { assertAccessible, browserTest, openTab } from "./browser.ts";

browserTest(
  "the console shows what runs, and ends it; makes a backup, and restores it",
  async (browser) => {
    await using cluster = await Cluster.start({ size: 1 });
    const [node] = cluster.nodes;
    assert(node);
    await node.execute(["CREATE TABLE t (a)", "INSERT INTO t VALUES ('kept')"]);
    await using tab = await openTab(browser, `${node.url}/console/#/activity`);
    const { page, complaints } = tab;

    const endless =
      "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT max(n) FROM s";
    const answer = node.fetch(`/db/query?q=${encodeURIComponent(endless)}`, { timeoutMs: 60_000 });
    await page.getByRole("button", { name: /^End/ }).click();
    await assertAccessible(page);
    await page.getByRole("button", { name: "End it" }).click();
    assert.match((await answer).body, /ended by DELETE/);
    await page.getByText("Nothing that takes longer than a look.").waitFor();
    await page.getByRole("button", { name: "Load anew" }).click();
    await page.getByText("INSERT INTO t VALUES (?)").waitFor();
    await assertAccessible(page);

    await page.getByRole("link", { name: "Node" }).click();
    await page.getByText("This node has no users").waitFor();
    await page.getByText("store:", { exact: true }).click();
    await page.getByText("db_applied_index:").waitFor();
    await assertAccessible(page);
    await page.getByRole("link", { name: "Changes" }).click();
    await page.getByText("raftlite -changes-size 256MiB").waitFor();
    await page.getByRole("link", { name: "Backups" }).click();
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Make a backup" }).click();
    const download = await downloading;
    assert.match(download.suggestedFilename(), /^backup-.*\.sqlite3$/);
    const path = await download.path();
    await node.execute(["UPDATE t SET a = 'changed'"]);

    // A question stands before it, and a damaged file changes nothing.
    const restore = async (
      file: string | { name: string; mimeType: string; buffer: Buffer },
    ) => {
      await page.getByLabel("File", { exact: true }).setInputFiles(file);
      await page.getByRole("button", { name: "Restore…" }).click();
      await page.getByRole("dialog").getByRole("button", { name: /Replace it|Run it/ }).click();
    };
    const bytes = (await Deno.readFile(path)).subarray(0, 5_000);
    await restore({ name: "damaged.sqlite3", mimeType: "", buffer: Buffer.from(bytes) });
    await page.getByRole("dialog").getByRole("alert").getByText(/./).first().waitFor();
    assert.deepEqual(await node.query("SELECT a FROM t"), [["changed"]]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await restore(path);
    await page.getByText("The database is the file’s now").waitFor();
    await eventually("the restored row", async () => {
      return (await node.query("SELECT a FROM t"))[0]?.[0] === "kept";
    });
    assert.deepEqual(complaints, []);
  },
);
