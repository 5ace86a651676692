/**
 * Takes pictures of every page of the console, light and dark, wide and narrow, to be looked at:
 * `deno task console:pictures [FOLDER]`. The first of them is README's, and is kept in docs/.
 */

import { fileURLToPath } from "node:url";
import { commandLine } from "../../tools/command_line.ts";
import { Cluster, type NodeProcess } from "../cluster/harness.ts";
import { openBrowser, openTab } from "./browser.ts";

const readmePicture = fileURLToPath(new URL("../../docs/console.png", import.meta.url));

const looks = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  "light-phone": { colorScheme: "light", viewport: { width: 390, height: 800 } },
  "dark-phone": { colorScheme: "dark", viewport: { width: 390, height: 800 } },
} as const;

const report = `SELECT customer.name, count(*) AS orders, round(sum(price), 2) AS spent
FROM orders JOIN customer ON customer.id = orders.customer
GROUP BY customer.id ORDER BY spent DESC LIMIT 20`;

/** Each page, by what stands behind the # of its address and what must be there before it is taken. */
const pages = {
  cluster: ["cluster", "Memory"],
  data: ["data", "customer"],
  rows: ["data/orders", "rows 1 to"],
  structure: ["data/orders/structure", "Made by"],
  sql: [`sql/${encodeURIComponent(report)}`, "Run"],
  changes: ["changes", "Following"],
  activity: ["activity", "Statements since the start"],
  backups: ["backups", "The archive goes from"],
  node: ["node", "What you may do"],
  configuration: ["node/configuration", "-changes-size"],
  log: ["node/log", "INFO"],
  audit: ["node/audit", "ok"],
} as const;

const schema = [
  "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, notes TEXT)",
  "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer(id), " +
  "item TEXT, price REAL, ordered TEXT DEFAULT CURRENT_TIMESTAMP)",
  "CREATE INDEX orders_customer ON orders(customer)",
  "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 500) " +
  "INSERT INTO customer SELECT n, 'Customer ' || n, 'customer' || n || '@example.org', NULL FROM s",
];

/** Some work that rises and falls, so that there is something to be seen. */
async function work(nodes: readonly NodeProcess[], forMs: number): Promise<void> {
  const end = performance.now() + forMs;
  const order = "INSERT INTO orders (customer, item, price) VALUES (?, ?, ?)";
  await Promise.all(nodes.map(async (node, place) => {
    for (let turn = 0; performance.now() < end; turn++) {
      const many = 4 + Math.round(12 * Math.abs(Math.sin(turn / 20 + place)));
      for (let i = 0; i < many; i++) {
        await node.execute([[order, 1 + (turn * 7 + i) % 500, `Item ${i}`, 5 + i * 1.25]]);
        await node.query("SELECT * FROM orders WHERE customer = 7", "none");
      }
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }));
}

/** What a cluster keeps by itself, so that it is in the pictures. */
async function keeping(directory: string): Promise<string[]> {
  const file = `${directory}/backup.json`;
  const sub = { dir: `${directory}/backups`, name: "shop" };
  await Deno.writeTextFile(
    file,
    JSON.stringify({ version: 1, type: "file", interval: "20s", timestamp: true, sub }),
  );
  return [
    ...["-auto-backup", file, "-archive", `${directory}/archive`, "-archive-lag", "1s"],
    ...["-changes-size", "64MiB"],
  ];
}

const usage = `Usage: deno task console:pictures [FOLDER]

Takes pictures of every page of the console, into FOLDER, or a new one. Needs Chromium.`;

const { positionals: [given] } = commandLine(usage, { allowPositionals: true });
const folder = given ?? await Deno.makeTempDir({ prefix: "raftlite-console-" });
await Deno.mkdir(folder, { recursive: true });
const kept = await Deno.makeTempDir({ prefix: "raftlite-kept-" });
const flags = await keeping(kept);
await using cluster = await Cluster.start({ size: 0 });
for (const place of [1, 2, 3]) {
  const audit = ["-audit-log", `${kept}/audit-${place}.jsonl`];
  const node = cluster.create([...flags, ...audit], `node-${place}`);
  const [first] = cluster.nodes;
  node.start(first === node || first === undefined ? [] : ["-join", first.raftAddress]);
  await node.ready();
}
const leader = await cluster.leader();
await leader.execute(schema);
await work(cluster.nodes, 90_000);
const browser = await openBrowser();
try {
  for (const [look, options] of Object.entries(looks)) {
    for (const [name, [path, words]] of Object.entries(pages)) {
      await using tab = await openTab(browser, `${leader.url}/console/#/${path}`, options);
      const { page } = tab;
      await page.getByText(words).first().waitFor();
      if (name === "sql") {
        await page.getByRole("button", { name: "Run" }).click();
        await page.getByText("20 rows").first().waitFor();
      }
      if (name === "changes") {
        await leader.execute([
          "UPDATE customer SET notes = 'Pays late' WHERE id = 7",
          "INSERT INTO orders (customer, item, price) VALUES (7, 'Teapot', 24.5)",
          "DELETE FROM orders WHERE id = (SELECT min(id) FROM orders)",
        ]);
        await page.getByText("3 changes").waitFor();
      }
      // What comes a moment later is to be in the picture, too.
      await page.waitForTimeout(700);
      await page.screenshot({
        path: `${folder}/${name}-${look}.png`,
        fullPage: name === "cluster",
      });
      if (name !== "cluster" || look !== "light") continue;
      await page.setViewportSize({ width: 1280, height: 1130 });
      // A machine under load has warnings of its own, which are no picture of the console.
      if (await page.locator(".notice").count() === 0) {
        await page.screenshot({ path: readmePicture });
      } else console.log("README's picture stays as it was: take it on a quiet machine");
    }
  }
} finally {
  await browser.close();
  await Deno.remove(kept, { recursive: true });
}
console.log(folder);
