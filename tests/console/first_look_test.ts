import assert from "node:assert/strict";
import { join } from "node:path";
import { Cluster } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { assertAccessible, browserTest, openTab, signIn } from "./browser.ts";

/** How far what was there already has moved by itself, from the first look on; 0 is not at all. */
const jumps = `new Promise((resolve) => {
  let sum = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { value } of list.getEntries()) sum += value;
  });
  observer.observe({ type: "layout-shift", buffered: true });
  // What has moved is told once it is drawn.
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(sum))));
})`;

/** Each page, and what it shows last. */
const shown = {
  cluster: "Memory",
  data: "1 table or view",
  "data/t": "rows 1 to 1",
  "data/t/structure": "Made by",
  sql: "Run",
  changes: "Following",
  activity: "Statements since the start",
  backups: "There is no archive",
  node: "This node has no users",
  "node/configuration": "-changes-size",
  "node/log": "Listening on",
} as const;

/** Less than a line of text by its own height: a number to the right has become a digit longer. */
const jumpMax = 0.0005;

/** What moves by itself moves each time; a warning of a machine that is busy is to be seen, and goes. */
const loadsMax = 3;

browserTest(
  "the console draws its frame before it has run anything, and nothing of it moves after",
  async (browser) => {
    await using cluster = await Cluster.start({ size: 1, flags: ["-changes-size", "16MiB"] });
    const url = `${cluster.nodes[0]?.url}/console/`;
    await cluster.nodes[0]?.execute(["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"]);
    for (const viewport of [{ width: 1280, height: 860 }, { width: 390, height: 800 }]) {
      {
        await using tab = await openTab(browser, url, { javaScriptEnabled: false, viewport });
        const links = tab.page.getByRole("navigation").getByRole("link");
        assert.equal(await links.count(), 7);
      }
      await using tab = await openTab(browser, "about:blank", { viewport });
      const { page, complaints } = tab;
      const { promise: mayRun, resolve: letRun } = Promise.withResolvers<void>();
      await page.route("**/main.js", (route) => mayRun.then(() => route.continue()));
      await page.goto(`${url}#/node`, { waitUntil: "commit" });
      await page.getByRole("link", { name: "Cluster", exact: true }).waitFor();
      // Where somebody goes meanwhile, they are once it runs.
      await page.getByRole("link", { name: "Backups" }).click();
      letRun();
      await page.getByRole("button", { name: "Make a backup" }).waitFor();
      assert.equal(await page.locator("nav a[aria-current]").innerText(), "Backups");
      for (const [path, words] of Object.entries(shown)) {
        let jumped = Infinity;
        for (let load = 0; load < loadsMax && jumped > jumpMax; load++) {
          await page.goto("about:blank");
          await page.goto(`${url}#/${path}`);
          await page.getByText(words).first().waitFor();
          jumped = await page.evaluate<number>(jumps);
        }
        assert.ok(jumped <= jumpMax, `${path} at ${viewport.width} px: ${jumped}`);
      }
      assert.deepEqual(complaints, []);
    }
  },
);

browserTest(
  "the console of a node with users says nothing of its pages before it knows who asks",
  (browser) =>
    withDirectory(async (directory) => {
      const file = join(directory, "users.json");
      const users = [
        { username: "root", password: "of-root", perms: ["all"] },
        { username: "reader", password: "of-reader", perms: ["query"] },
      ];
      await Deno.writeTextFile(file, JSON.stringify(users));
      const authorization = `Basic ${btoa("root:of-root")}`;
      await using cluster = await Cluster.start({ size: 1, flags: ["-auth", file], authorization });
      const url = `${cluster.nodes[0]?.url}/console/`;
      {
        await using tab = await openTab(browser, url, { javaScriptEnabled: false });
        await tab.page.getByRole("link", { name: "raftlite" }).waitFor();
        assert.equal(await tab.page.getByRole("navigation").count(), 0);
      }
      await using tab = await openTab(browser, url);
      const { page, complaints } = tab;
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      await assertAccessible(page);
      await signIn(page, "reader", "of-reader");
      await page.getByRole("heading", { name: "Data" }).waitFor();
      const links = page.getByRole("navigation").getByRole("link");
      assert.deepEqual(await links.allInnerTexts(), ["Data", "SQL", "Changes", "Node"]);
      assert.deepEqual(complaints, []);
    }),
);

browserTest(
  "the console is drawn at once in the colours that somebody has chosen",
  async (browser) => {
    await using cluster = await Cluster.start({ size: 1 });
    await using tab = await openTab(browser, `${cluster.nodes[0]?.url}/console/`, {
      colorScheme: "light",
    });
    const { page } = tab;
    await page.getByRole("button", { name: "Dark colours" }).click();
    await page.route("**/main.js", () => {});
    await page.goto("about:blank");
    await page.goto(`${cluster.nodes[0]?.url}/console/`, { waitUntil: "commit" });
    await page.getByRole("link", { name: "Cluster", exact: true }).waitFor();
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  },
);
