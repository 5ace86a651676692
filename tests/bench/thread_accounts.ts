/**
 * Whose processor time a request takes: starts nodes of this tree that serve HTTP by several numbers
 * of threads, puts the same load on each in turn, and prints the time that each thread of each took
 * for a request, from /proc (Linux). Other work on the machine makes such figures grow by less than
 * it does rates, whose median is printed beside them: a round of little disturbance is enough.
 *
 *     deno run -A tests/bench/thread_accounts.ts --threads 1,2 --clients 64 --rounds 5
 */
import { parseArgs } from "node:util";
import { inRounds, measure, median } from "../../src/cli/bench/measure.ts";
import { readRows, readTable, scenarios, writeTable } from "../../src/cli/bench/scenarios.ts";
import { Cluster, type NodeProcess } from "../cluster/harness.ts";

/** Threads that take less for a request, in µs, are added up. */
const smallUs = 0.5;

/** Processor time of each thread of a process, in ns, by its id and name. */
function threadTimes(pid: number): Map<string, number> {
  const times = new Map<string, number>();
  for (const { name: id } of Deno.readDirSync(`/proc/${pid}/task`)) {
    try {
      const name = Deno.readTextFileSync(`/proc/${pid}/task/${id}/comm`).trim();
      const [ran = "0"] = Deno.readTextFileSync(`/proc/${pid}/task/${id}/schedstat`).split(" ");
      times.set(`${Number(id) === pid ? "main" : name} ${id}`, Number(ran));
    } catch (error) {
      // It has ended meanwhile.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return times;
}

interface Round {
  readonly rate: number;
  /** In µs a request. */
  readonly times: ReadonlyMap<string, number>;
}

async function run(node: NodeProcess, scenario: string, options: Options): Promise<Round> {
  const found = scenarios.find(({ name }) => name === scenario);
  if (found === undefined) throw new Error(`There is no scenario ${scenario}`);
  const endpoint = {
    address: { host: "127.0.0.1", port: node.httpPort },
    authorization: undefined,
    tls: undefined,
  };
  const pid = Number(((await node.status()).os as { pid: number }).pid);
  const before = threadTimes(pid);
  const { latenciesMs, requestsPerSecond, firstError } = await measure({
    endpoints: [endpoint],
    requests: [found.requests(endpoint)],
    clients: options.clients,
    newConnections: false,
    durationMs: options.seconds * 1000,
  });
  if (firstError !== undefined) throw new Error(firstError);
  const times = new Map<string, number>();
  for (const [thread, ran] of threadTimes(pid)) {
    const us = (ran - (before.get(thread) ?? 0)) / 1000 / latenciesMs.length;
    const name = us < smallUs ? "the rest" : thread.replace(/ \d+$/, "");
    times.set(name, (times.get(name) ?? 0) + us);
  }
  return { rate: requestsPerSecond, times };
}

interface Options {
  readonly clients: number;
  readonly seconds: number;
}

function totalOf({ times }: Round): number {
  return [...times.values()].reduce((a, b) => a + b, 0);
}

/** Of the round in which a request took least: what disturbs makes it more, and never less. */
function line(name: string, threads: number, rounds: readonly Round[]): string {
  const least = rounds.toSorted((a, b) => totalOf(a) - totalOf(b))[0];
  if (least === undefined) throw new Error("There was no round");
  const rate = Math.round(median(rounds.map(({ rate }) => rate)));
  const parts = Array.from(least.times)
    .sort(([, a], [, b]) => b - a)
    .map(([thread, us]) => `${thread} ${us.toFixed(1)}`);
  return `| ${name} | ${threads} | ${rate} | ${totalOf(least).toFixed(1)} | ${parts.join(", ")} |`;
}

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: "1,2" },
    scenarios: {
      type: "string",
      default: "read-none,read-weak,read-linearizable,read-1000-rows,insert",
    },
    clients: { type: "string", default: "64" },
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
  },
});
const counts = values.threads.split(",").map(Number);
const options = { clients: Number(values.clients), seconds: Number(values.seconds) };
await using stack = new AsyncDisposableStack();
const nodes: NodeProcess[] = [];
for (const count of counts) {
  const cluster = await Cluster.start({ size: 1, flags: [`-http-threads=${count}`] });
  stack.use(cluster);
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error("No node was started");
  await node.execute([
    `CREATE TABLE ${writeTable}(id INTEGER PRIMARY KEY, name TEXT, age INTEGER)`,
    `CREATE TABLE ${readTable}(id INTEGER PRIMARY KEY, name TEXT, age INTEGER)`,
    `WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < ${readRows}) INSERT INTO ${readTable} SELECT i, 'fiona', 20 FROM c`,
  ]);
  nodes.push(node);
}
console.log("| | threads | a second | µs of the processor a request | of these by thread |");
console.log("| --- | --- | --- | --- | --- |");
for (const scenario of values.scenarios.split(",")) {
  // None counts in which the programs still warm up.
  for (const node of nodes) await run(node, scenario, options);
  const rounds = await inRounds(
    nodes,
    Number(values.rounds),
    (node) => run(node, scenario, options),
  );
  const measured = [...rounds.values()];
  counts.forEach((count, place) => console.log(line(scenario, count, measured[place] ?? [])));
}
