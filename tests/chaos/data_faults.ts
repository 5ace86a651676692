import { Database, type Library } from "../../src/sqlite/mod.ts";
import { library } from "../store/fixture.ts";
import { eventually } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { allMoney } from "./bank.ts";
import type { Fault, Scene } from "./fault.ts";
import { onceOnly, RequestFailed, rows, run } from "./request.ts";

/** How long clients are held up for at most until a load is known to be done, in ms. */
const loadMsMax = 20_000;

/** A copy of the database from a node; undefined when it could not be had. */
async function backup({ nodes }: Scene, more = ""): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const node = await nodes.leader();
  if (node === undefined) return undefined;
  try {
    const response = await fetch(`${node.url}/db/backup?timeout=5s${more}`, {
      signal: AbortSignal.timeout(loadMsMax),
    });
    const bytes = await response.bytes();
    return response.status === 200 ? bytes : undefined;
  } catch {
    // A node that was killed in the middle of it: whoever reads it knows.
    return undefined;
  }
}

/** What is in a copy: a whole database, with all the money, and all that was acknowledged before. */
async function checkCopy(
  bytes: Uint8Array,
  before: readonly number[],
  { report }: Scene,
): Promise<void> {
  await withDirectory(async (directory) => {
    const path = `${directory}/copy.sqlite3`;
    await Deno.writeFile(path, bytes);
    using database = new Database(path, { library: library as Library });
    const all = (sql: string) => {
      using statement = database.prepare(sql);
      return statement.values<unknown[]>();
    };
    const whole = all("PRAGMA integrity_check").flat().join("\n");
    if (whole !== "ok") report.violation("Backup", `integrity_check says ${whole}`);
    const [[money] = []] = all("SELECT sum(money) FROM bank");
    if (money !== allMoney) report.violation("Backup", `a copy holds ${money}`);
    const elements = new Set(all("SELECT value FROM elements").flat());
    const missing = before.filter((value) => !elements.has(value));
    if (missing.length === 0) return;
    report.violation("Backup", `a copy lacks elements acknowledged before it: ${missing}`);
  });
}

/** Puts a copy in the place of the database; "refused" when that is known not to have happened. */
async function load(
  { nodes }: Scene,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<"loaded" | "refused" | "unknown"> {
  const node = await nodes.leader();
  if (node === undefined) return "refused";
  try {
    const response = await fetch(`${node.url}/db/load?timeout=10s`, {
      method: "POST",
      client: onceOnly,
      headers: { "content-type": "application/octet-stream" },
      body: bytes,
      signal: AbortSignal.timeout(loadMsMax),
    });
    const text = await response.text();
    if (response.status === 200 && !text.includes('"error"')) return "loaded";
    const kind = response.headers.get("x-raftlite-error") ?? "";
    return ["no_leader", "overloaded", "unavailable"].includes(kind) ? "refused" : "unknown";
  } catch {
    return "unknown";
  }
}

/** How long the cluster may take to tell what is there, beside other faults, in ms. */
const tellingMs = 120_000;

/** Whether what was written behind the copy is gone, as the load has it. */
async function isGone({ nodes }: Scene, marker: number): Promise<boolean> {
  const { count } = await eventually("a marker to be looked for", async () => {
    for (const node of nodes.all) {
      if (!node.running) continue;
      const sql = "SELECT count(*) FROM markers WHERE n = ?";
      const answer = await rows(node, "linearizable", [sql, marker]).catch((error) => {
        if (!(error instanceof RequestFailed)) throw error;
      });
      if (answer !== undefined) return { count: answer.values[0]?.[0] };
    }
    return undefined;
  }, tellingMs);
  return count === 0;
}

let lastMarker = 1_000_000;

/** What is done with the database as a whole. */
export const dataFaults = {
  /**
   * A copy that is put in its own place, while clients wait: all is as before. Where it cannot be
   * known whether it happened, or may happen yet, they wait until the round is over.
   */
  "load a file": async ({ scene }) => {
    const { gate, report, nodes, acknowledged } = scene;
    await gate.close();
    let isKnown = true;
    try {
      const before = acknowledged();
      const bytes = await backup(scene);
      if (bytes === undefined) return false;
      await checkCopy(bytes, before, scene);
      const marker = ++lastMarker;
      const leader = await nodes.leader();
      if (leader === undefined) return false;
      const insert: readonly [string, number] = ["INSERT INTO markers (n) VALUES (?)", marker];
      const { results: [result] } = await run(leader, "/db/execute?timeout=3s", [insert]);
      if (result?.error !== undefined) throw new Error(`A marker: ${result.error}`);
      report.note(`load a file of ${bytes.length} bytes`);
      isKnown = false;
      const outcome = await load(scene, bytes);
      report.count(`loads of a file, ${outcome}`);
      isKnown = outcome !== "unknown";
      if (outcome === "unknown") report.note("whether it was loaded is not known: clients wait");
      else if (await isGone(scene, marker) !== (outcome === "loaded")) {
        report.violation(
          "Loads",
          `a load that was ${outcome} is ${outcome === "loaded" ? "not " : ""}there`,
        );
      }
      return true;
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      return false;
    } finally {
      if (isKnown) gate.open();
    }
  },

  "backup": async ({ scene, random }) => {
    const before = scene.acknowledged();
    const bytes = await backup(scene, random.chance(0.5) ? "&vacuum" : "");
    if (bytes === undefined) return false;
    scene.report.note(`backup of ${bytes.length} bytes`);
    await checkCopy(bytes, before, scene);
    return true;
  },

  "snapshot": async ({ scene: { nodes, report }, random }) => {
    const running = nodes.all.filter(({ running }) => running);
    const node = running[random.below(Math.max(1, running.length))];
    if (node === undefined) return false;
    report.note(`snapshot and no log behind it: ${node.id}`);
    await node.fetch("/snapshot?trailing_logs=0", { method: "POST", timeoutMs: 20_000 }).catch(
      () => {},
    );
    return true;
  },

  "endpoint down": async ({ scene: { webhook, report }, lastsMs, pause }) => {
    report.note(`the endpoint of changes is down for ${lastsMs} ms`);
    webhook.isDown = true;
    await pause(lastsMs);
    webhook.isDown = false;
    return true;
  },
} satisfies Readonly<Record<string, Fault>>;
