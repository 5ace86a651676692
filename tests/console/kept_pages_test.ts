import assert from "node:assert/strict";
import { join } from "node:path";
import { Cluster, eventually } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { assertAccessible, browserTest, openTab } from "./browser.ts";

browserTest(
  "the console follows changes; shows kept backups, an archive, flags, the log and the audit",
  (browser) =>
    withDirectory(async (directory) => {
      const file = join(directory, "backup.json");
      const sub = { dir: join(directory, "backups"), name: "db" };
      await Deno.writeTextFile(
        file,
        JSON.stringify({ version: 1, type: "file", interval: "500ms", timestamp: true, sub }),
      );
      const archive = join(directory, "the archive");
      const flags = [
        ...["-changes-size", "16MiB", "-auto-backup", file, "-archive", archive],
        ...["-archive-lag", "200ms", "-audit-log", join(directory, "audit.jsonl")],
        ...["-cdc-config", "http://somebody:of-somebody@127.0.0.1:1/"],
      ];
      await using cluster = await Cluster.start({ size: 1, flags });
      const [node] = cluster.nodes;
      assert(node);
      await node.execute([
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
        "CREATE TABLE other (a)",
        "INSERT INTO t VALUES (1, 'kept')",
      ]);
      await using tab = await openTab(browser, `${node.url}/console/#/changes/t`);
      const { page, complaints } = tab;

      // What comes: of one table, with every digit, and nothing of it can run.
      await page.getByText("Following").waitFor();
      await node.execute([
        "INSERT INTO other VALUES ('of another table')",
        "UPDATE t SET a = 9007199254740993",
        ["INSERT INTO t VALUES (2, ?)", "<img src=x>"],
        "INSERT INTO t VALUES (3, x'00ff')",
        "DELETE FROM t WHERE id = 2",
      ]);
      await page.getByText("4 changes").waitFor();
      const changed = (words: string | RegExp) => page.getByRole("row").filter({ hasText: words });
      await changed(/update.*kept.*9007199254740993/).waitFor();
      await changed(/insert.*<img src=x>/).waitFor();
      await changed(/insert.*x’00ff’/).waitFor();
      assert.equal(await page.getByText("of another table").count(), 0);
      await assertAccessible(page);
      await page.getByRole("button", { name: "Pause" }).click();
      await node.execute(["DELETE FROM t WHERE id = 3"]);
      await page.getByRole("button", { name: "Go on" }).click();
      await page.getByText("5 changes").waitFor();
      await page.getByLabel("From").selectOption("all that is kept");
      await changed(/insert.*kept/).waitFor();

      // What is stored by itself is listed, and restored to see that it is sound.
      await eventually("a backup", () => /completed auto upload/.test(node.log));
      await eventually("an archive", async () => {
        const { archive } = JSON.parse((await node.fetch("/debug/backups")).body);
        return archive.last_index > 0;
      });
      await page.getByRole("link", { name: "Backups" }).click();
      await page.getByRole("button", { name: /^Verify/ }).first().click();
      await page.getByText(/is sound: restored and checked in/).waitFor();
      // One more at once, of what has just been written, unless the timer was quicker.
      await node.execute(["INSERT INTO t VALUES (4, 'to be kept')"]);
      await page.getByRole("button", { name: "Back up now" }).click();
      await page.getByText(/ is stored$|^Nothing has changed since the newest backup$/).waitFor();
      await page.getByLabel(/^Moment/).fill("2026-11-29T09:30:00");
      await page.getByText(/raftlite restore -from '.*the archive' -at 2026-.*Z restored/)
        .waitFor();
      await assertAccessible(page);

      // How it was started, without a password; what it says; who did what.
      await page.getByRole("link", { name: "Node" }).click();
      await page.getByRole("link", { name: "Configuration" }).click();
      await changed(/-changes-size.*16MiB.*command line/).waitFor();
      await changed(/-cdc-config.*…@127.0.0.1/).waitFor();
      assert.equal(await page.getByText("of-somebody").count(), 0);
      await assertAccessible(page);
      await page.getByRole("link", { name: "Log", exact: true }).click();
      await changed(/INFO.*completed auto upload/).first().waitFor();
      await page.getByLabel("Warnings and errors").check();
      await changed(/INFO/).first().waitFor({ state: "detached" });
      await assertAccessible(page);
      await page.getByRole("link", { name: "Audit" }).click();
      await changed(/start.*ok/).waitFor();
      await node.fetch("/snapshot", { method: "POST" });
      await changed(/snapshot.*ok.*127\.0\.0\.1/).waitFor();
      await assertAccessible(page);
      assert.deepEqual(complaints, []);
    }),
);
