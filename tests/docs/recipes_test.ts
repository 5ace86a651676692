import { strict as assert } from "node:assert";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Transaction } from "@raftlite/client";
import { background } from "../background.ts";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { codeBlocks, withNodes } from "./code_blocks.ts";

const page = fileURLToPath(new URL("../../docs/recipes.md", import.meta.url));

/** What the page's code exports. */
interface Recipes {
  lead(name: string, me: string, seconds?: number): Promise<number | undefined>;
  writeAsLeader(name: string, token: number, text: string): Promise<boolean>;
  doJob(
    work: (task: string, tx: Transaction) => Promise<void>,
    seconds?: number,
  ): Promise<boolean>;
  next(name: string): Promise<number | undefined>;
}

/** The page's code once for each node, as programs that know that one first. */
async function load(urls: readonly string[]): Promise<readonly Recipes[]> {
  const markdown = await Deno.readTextFile(page);
  const code = codeBlocks(markdown, "ts").map((block) => block.code).join("\n");
  const directory = await Deno.makeTempDir({ prefix: "raftlite-test-recipes-" });
  try {
    return await Promise.all(urls.map(async (_, i) => {
      const path = `${directory}/${i}.ts`;
      await Deno.writeTextFile(path, withNodes(code, [...urls.slice(i), ...urls.slice(0, i)]));
      return await import(pathToFileURL(path).href) as Recipes;
    }));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Three nodes with the page's tables, and a program on each; and the means to kill the leader. */
async function withCluster(
  test: (recipes: readonly Recipes[], cluster: Cluster) => Promise<void>,
): Promise<void> {
  await using cluster = await Cluster.start();
  const schema = codeBlocks(await Deno.readTextFile(page), "sql").flatMap(({ code }) =>
    code.split(";\n").filter((statement) => statement.trim() !== "")
  );
  await cluster.nodes[0]?.execute(schema);
  await test(await load(cluster.nodes.map(({ url }) => url)), cluster);
}

async function killLeader(cluster: Cluster): Promise<NodeProcess> {
  const leader = await cluster.leader();
  await leader.kill("SIGKILL");
  return leader;
}

const options = { sanitizeOps: false, sanitizeResources: false };

Deno.test(
  "The recipe for a counter gives each number out once, without gaps",
  options,
  async () => {
    await withCluster(async (recipes, cluster) => {
      const given: (number | undefined)[] = [];
      let isEnding = false;
      const counting = recipes.flatMap(({ next }) => [next, next]).map((next) =>
        background(async () => {
          while (!isEnding) given.push(await next("orders"));
        })
      );
      await eventually("some numbers", () => given.length > 50);
      await killLeader(cluster);
      const before = given.length;
      await eventually("more of them", () => given.length > before + 50);
      isEnding = true;
      await Promise.all(counting);
      const expected = Array.from(given, (_, i) => i + 1);
      assert.deepEqual(given.sort((a, b) => Number(a) - Number(b)), expected);
    });
  },
);

Deno.test(
  "The recipe for a job queue has each job's work done once, though workers and the leader are lost",
  options,
  async () => {
    await withCluster(async (recipes, cluster) => {
      const jobs = 60;
      const values = Array.from({ length: jobs }, (_, i) => `('task ${i}')`);
      await cluster.nodes[0]?.execute([
        "CREATE TABLE work (task TEXT)",
        `INSERT INTO job (task) VALUES ${values.join(",")}`,
      ]);
      let done = 0;
      let lost = 0;
      let isEnding = false;
      const workers = recipes.flatMap(({ doJob }) => [doJob, doJob]).map((doJob, i) =>
        background(async () => {
          // Half of them are so slow that others have the job by then.
          const seconds = i % 2 === 0 ? -1 : 1;
          while (!isEnding) {
            const work = async (task: string, tx: Transaction) => {
              await tx.execute("INSERT INTO work VALUES (?)", [task]);
              if (done++ % 7 === 3) throw new Error("the worker dies");
            };
            await doJob(work, seconds).catch((error) => {
              if (error.message !== "the worker dies") throw error;
              lost++;
            });
          }
        })
      );
      await eventually("some work", () => done > 10);
      await killLeader(cluster);
      const leader = await cluster.leader();
      await eventually(
        "all jobs to be done",
        async () =>
          (await leader.query("SELECT count(*) FROM job WHERE done IS NULL"))[0]?.[0] === 0,
      );
      isEnding = true;
      await Promise.all(workers);
      assert(lost > 0);
      const rows = await leader.query("SELECT task FROM work");
      const tasks = Array.from({ length: jobs }, (_, i) => `task ${i}`);
      assert.deepEqual(rows.flat().sort(), tasks.sort());
    });
  },
);

Deno.test(
  "The recipe for leader election has one leader at a time, and another when that is gone",
  options,
  async () => {
    await withCluster(async (recipes, cluster) => {
      await cluster.nodes[0]?.execute([
        "CREATE TABLE report (id INTEGER PRIMARY KEY, token, text)",
      ]);
      const gone = new Set<string>();
      const led = new Map<string, number>();
      let isEnding = false;
      const candidates = recipes.map(({ lead, writeAsLeader }, i) =>
        background(async () => {
          const me = `candidate ${i}`;
          while (!isEnding) {
            const token = await lead("mailer", me, 2);
            // One that does not know that it has been replaced writes all the same.
            while (token !== undefined && !isEnding) {
              if (!await writeAsLeader("mailer", token, me)) break;
              led.set(me, token);
              if (gone.has(me)) continue;
              if (await lead("mailer", me, 2) !== token) break;
            }
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
        })
      );
      const [first = ""] = await eventually("a leader", () => led.size > 0 && [...led.keys()]);
      await killLeader(cluster);
      gone.add(first);
      const second = await eventually(
        "another leader",
        () => [...led.keys()].find((me) => me !== first),
      );
      isEnding = true;
      await Promise.all(candidates);
      const rows = await (await cluster.leader()).query(
        "SELECT token, text FROM report ORDER BY id",
      );
      const tokens = rows.map(([token]) => Number(token));
      assert.deepEqual(
        tokens,
        [...tokens].sort((a, b) => a - b),
        "no former leader writes any more",
      );
      const holders = new Map(rows.map(([token, me]) => [token, me]));
      for (const [token, me] of rows) {
        assert.equal(me, holders.get(token), "a token is one leader's");
      }
      assert([...holders.values()].includes(second));
    });
  },
);
