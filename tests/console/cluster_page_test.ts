import assert from "node:assert/strict";
import { join } from "node:path";
import { Cluster, eventually } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { assertAccessible, browserTest, openTab, signIn } from "./browser.ts";

browserTest(
  "the console shows the cluster, live, and goes on when the leader is killed",
  async (browser) => {
    // No election but those that are asked for, on a busy machine either.
    await using cluster = await Cluster.start({
      size: 3,
      flags: ["-raft-heartbeat-timeout", "4s"],
    });
    const leader = await cluster.leader();
    const node = await cluster.follower();
    await using tab = await openTab(browser, `${node.url}/console/`);
    const { page, complaints } = tab;
    const card = (id: string) =>
      page.locator("article", { has: page.getByRole("heading", { name: id }) });
    await card(leader.id).getByText("Leader", { exact: true }).waitFor();
    await card(node.id).getByText("this node", { exact: true }).waitFor();
    await page.getByRole("img", { name: /Time of writes/ }).waitFor();
    await assertAccessible(page);

    // Another one is to lead.
    await card(node.id).getByRole("button", { name: /Make leader/ }).click();
    await assertAccessible(page);
    await page.getByRole("button", { name: "Hand over" }).click();
    await card(node.id).getByText("Leader", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Hand over" }).waitFor({ state: "detached" });

    // It is to lead no more, whoever does.
    await card(node.id).getByRole("button", { name: /Step down/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Step down" }).click();
    await card(node.id).getByText("Voter", { exact: true }).waitFor();
    await page.getByRole("dialog").waitFor({ state: "detached" });

    // The one that led at first is lost.
    await leader.kill();
    await page.getByText(`Node ${leader.id} cannot be reached`).waitFor();
    await page.getByText("No more voter may be lost").waitFor();

    // The node that the page comes from is lost, and comes back.
    await node.kill();
    await page.getByText("The node does not answer").waitFor();
    node.start();
    await node.ready();
    await page.getByText("The node does not answer").waitFor({ state: "detached" });
    assert.deepEqual(complaints, []);
  },
);

browserTest(
  "the console says what a node finds wrong, and is readable in dark colours, and on a phone",
  (browser) =>
    withDirectory(async (directory) => {
      const file = join(directory, "backup.json");
      const sub = { dir: join(file, "that-is-no-directory"), name: "db" };
      await Deno.writeTextFile(
        file,
        JSON.stringify({ version: 1, type: "file", interval: "500ms", sub }),
      );
      await using cluster = await Cluster.start({ size: 1, flags: ["-auto-backup", file] });
      await cluster.nodes[0]?.execute(["CREATE TABLE t (a)"]);
      const looks = [{ colorScheme: "dark" }, { viewport: { width: 360, height: 740 } }] as const;
      for (const look of looks) {
        await using tab = await openTab(browser, `${cluster.nodes[0]?.url}/console/`, look);
        const { page } = tab;
        const warning = page.getByRole("alert").filter({ hasText: /backups fail: .*no-directory/ });
        await warning.getByText("Mend what it names.").waitFor();
        await page.getByRole("img", { name: /Memory/ }).focus();
        assert.equal(await page.locator("svg:focus").count(), 1, "The keyboard reaches the charts");
        await assertAccessible(page);
        const { scrollWidth, clientWidth } = await page.evaluate<Record<string, number>>(
          "(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }))(document.documentElement)",
        );
        assert.ok(Number(scrollWidth) <= Number(clientWidth), "The page is wider than its window");
      }
    }),
);

browserTest(
  "the console asks who it is, keeps that in its tab alone, and shows what is permitted",
  (browser) =>
    withDirectory(async (directory) => {
      const file = join(directory, "users.json");
      const users = [
        { username: "root", password: "of-root", perms: ["all"] },
        { username: "reader", password: "of-reader", perms: ["status", "query"] },
      ];
      await Deno.writeTextFile(file, JSON.stringify(users));
      const authorization = `Basic ${btoa("root:of-root")}`;
      await using cluster = await Cluster.start({ size: 1, flags: ["-auth", file], authorization });
      const url = `${cluster.nodes[0]?.url}/console/`;
      await using tab = await openTab(browser, url);
      const { page, complaints } = tab;
      await signIn(page, "reader", "wrong");
      await page.getByText("Wrong name or password").waitFor();
      await assertAccessible(page);
      await signIn(page, "reader", "of-reader");
      await page.getByRole("heading", { name: "Cluster" }).waitFor();
      await page.getByText("this node", { exact: true }).waitFor();
      assert.equal(await page.getByRole("button", { name: /Snapshot|Remove|Make/ }).count(), 0);
      await page.reload();
      await page.getByText("this node", { exact: true }).waitFor();
      const kept = await page.evaluate<string>(
        "JSON.stringify({ ...localStorage }) + document.cookie",
      );
      assert.doesNotMatch(kept, /Basic|reader/);
      assert.doesNotMatch(page.url(), /reader/);

      // A right that is taken away is gone in the page, too.
      await Deno.writeTextFile(file, JSON.stringify(users.slice(0, 1)));
      Deno.kill(cluster.nodes[0]?.pid ?? 0, "SIGHUP");
      await eventually("the user to be gone", async () => {
        const headers = { authorization: `Basic ${btoa("reader:of-reader")}` };
        return (await cluster.nodes[0]?.fetch("/status", { headers }))?.status === 401;
      });
      await page.reload();
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      await signIn(page, "root", "of-root");
      await page.getByRole("button", { name: /Snapshot/ }).waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      assert.deepEqual(complaints, []);
    }),
);
