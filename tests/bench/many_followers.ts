/**
 * What followers of /db/changes cost one node, and how late the last of them hears: inserts at a fixed
 * rate to a node of this tree, without followers and then with so many, each on its own connection.
 * Processor time and memory are the node's, from /proc (Linux).
 *
 *     deno run -A tests/bench/many_followers.ts --followers 1000 --rate 10 --seconds 8
 */
import { parseArgs } from "node:util";
import { percentile } from "../../src/cli/bench/measure.ts";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { residentMiB } from "../cluster/resident_memory.ts";

/** Follows one stream, and notes when it has heard of how many inserts. */
class Follower {
  readonly heardAt: number[] = [];

  constructor(connection: Deno.Conn) {
    void this.#follow(connection);
  }

  async #follow(connection: Deno.Conn): Promise<void> {
    let rest = "";
    for await (const text of connection.readable.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.includes('"op":"insert"')) this.heardAt.push(performance.now());
      }
    }
  }
}

async function follow(node: NodeProcess): Promise<Follower> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: node.httpPort });
  const request = "GET /db/changes?format=ndjson&from=1 HTTP/1.1\r\nHost: node\r\n\r\n";
  await connection.write(new TextEncoder().encode(request));
  return new Follower(connection);
}

/** Clock ticks of /proc/PID/stat, in ms. */
const tickMs = 10;

/** Of the processor, since its start, in ms. */
function usedMs(pid: number): number {
  const [, numbers = ""] = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ");
  const [user, system] = numbers.split(" ").slice(11).map(Number);
  return ((user ?? 0) + (system ?? 0)) * tickMs;
}

function percentiles(values: readonly number[]): string {
  const at = (fraction: number) => Math.round(percentile(values, fraction));
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

/** Inserts at the rate, and prints what came of it; all followers have heard of `before` inserts. */
async function measure(
  node: NodeProcess,
  followers: readonly Follower[],
  { rate, inserts, before }: {
    readonly rate: number;
    readonly inserts: number;
    readonly before: number;
  },
): Promise<void> {
  const start = performance.now();
  const msBefore = usedMs(node.pid);
  const sentAt: number[] = [];
  const tookMs: number[] = [];
  for (let i = 0; i < inserts; i++) {
    const early = start + 1000 * i / rate - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const at = performance.now();
    sentAt.push(at);
    await node.execute([["INSERT INTO t (name) VALUES (?)", `name ${i}`]]);
    tookMs.push(performance.now() - at);
  }
  const all = before + inserts;
  await eventually(
    "all followers to hear of all",
    () => followers.every(({ heardAt }) => heardAt.length >= all),
  );
  const ms = usedMs(node.pid);
  const lastMs = sentAt.map((at, i) =>
    Math.max(...followers.map(({ heardAt }) => heardAt[before + i] ?? 0)) - at
  );
  console.log(`${followers.length} followers:`);
  console.log(`  an insert is answered after ${percentiles(tookMs)}`);
  if (followers.length > 0) console.log(`  the last follower has it after ${percentiles(lastMs)}`);
  console.log(`  ${((ms - msBefore) / inserts).toFixed(1)} ms of the processor an insert`);
  console.log(`  ${(await residentMiB(node.pid)).toFixed(0)} MB`);
}

const { values } = parseArgs({
  options: {
    followers: { type: "string", default: "1000" },
    rate: { type: "string", default: "10" },
    seconds: { type: "string", default: "8" },
  },
});
const [count, rate, seconds] = [values.followers, values.rate, values.seconds].map(Number);
if (!count || !rate || !seconds) throw new Error("Followers, rate and seconds are numbers above 0");
const inserts = Math.ceil(rate * seconds);
await using cluster = await Cluster.start({ size: 1, flags: ["-changes-size", "64MiB"] });
const [node] = cluster.nodes;
if (node === undefined) throw new Error("No node was started");
await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)"]);
await measure(node, [], { rate, inserts, before: 0 });
const followers: Follower[] = [];
for (let i = 0; i < count; i++) followers.push(await follow(node));
await eventually(
  "all followers to catch up",
  () => followers.every(({ heardAt }) => heardAt.length >= inserts),
);
await measure(node, followers, { rate, inserts, before: inserts });
