import { Prng } from "../../src/base/prng.ts";
import { background } from "../background.ts";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { EarlierTree } from "../upgrade/earlier_tree.ts";
import { before } from "../upgrade/releases.ts";
import { Bank } from "./bank.ts";
import { ChangingRows } from "./changing_rows.ts";
import { Clients } from "./clients.ts";
import { readTables } from "./copied_rows.ts";
import { Disturber } from "./disturber.ts";
import { Elements } from "./elements.ts";
import { MachineShop } from "./faulty_machine.ts";
import { madeByMachines } from "./faults.ts";
import { Gate } from "./gate.ts";
import { judgeRound } from "./judgement.ts";
import { Lists } from "./lists.ts";
import { Nodes } from "./nodes.ts";
import { Registers } from "./registers.ts";
import { Report } from "./report.ts";
import { run } from "./request.ts";
import { drawSchedule, type FaultName, textOf } from "./schedule.ts";
import { Sequences } from "./sequences.ts";
import { StreamCopy } from "./stream_copy.ts";
import { Transactions } from "./transactions.ts";
import { WebhookCopy } from "./webhook_copy.ts";
import type { Workload } from "./workload.ts";

export interface RoundOptions {
  readonly seed: number;
  /** For how long there are faults. */
  readonly seconds: number;
  readonly nodes: number;
  /** Faults that are left out. */
  readonly without: readonly FaultName[];
  /** To begin with the release before this one, and to go over to this one and back. */
  readonly upgrade: boolean;
  readonly print: (line: string) => void;
}

/** What a round came to. */
export interface RoundResult {
  readonly report: Report;
  /** What is to be kept when something does not hold, by the names of files. */
  readonly evidence: ReadonlyMap<string, string>;
}

const markers = "CREATE TABLE markers (id INTEGER PRIMARY KEY, n INTEGER)";

/** For each of the things at the end of a round, which have times of their own, in ms. */
const patienceMs = 600_000;

const flags = [
  // Small, so that logs are dropped, and snapshots sent, in the time of a round.
  ...["-fk", "-raft-snap", "400", "-raft-snap-int", "2s"],
  // The program's own times, where the harness has longer ones.
  ...["-raft-heartbeat-timeout", "1s", "-tx-idle-timeout", "5s"],
];

/** What an earlier release does not know, or is not as good at. */
const onlyHere: readonly FaultName[] = [
  "load a file",
  "backup",
  "endpoint down",
  "sync fails",
  "full disk",
];

/** Runs one cluster through what its seed has in store for it, and judges it. */
export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const { seed, print } = options;
  const report = new Report(print);
  const random = new Prng(BigInt(seed));
  await using undo = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "raftlite-chaos-" });
  undo.defer(() => Deno.remove(directory, { recursive: true }));
  const shop = await MachineShop.open(directory);
  const missing = new Set<FaultName>(options.without);
  const earlier = options.upgrade ? undo.use(await EarlierTree.of(before)).mainPath : undefined;
  for (const name of earlier === undefined ? ["upgrade"] as const : onlyHere) missing.add(name);
  if (typeof shop === "string") {
    for (const name of madeByMachines) missing.add(name);
    report.note(`left out, as no machine can be made here: ${madeByMachines.join(", ")}: ${shop}`);
  }
  const schedule = drawSchedule(random, missing);
  print(`seed ${seed}, ${options.nodes} nodes, ${options.seconds} s`);
  for (const line of textOf(schedule, Math.ceil(options.seconds / 2))) print(line);
  const webhook = undo.use(new WebhookCopy(report, new Prng(random.uint64())));
  const config = `${directory}/cdc.json`;
  const retries = { transmit_min_backoff: "100ms", transmit_max_backoff: "1s" };
  await Deno.writeTextFile(config, JSON.stringify({ endpoint: webhook.url, ...retries }));
  const cluster = await Cluster.start({
    ...{ size: 0, proxies: true },
    flags: [...flags, ...earlier ? [] : ["-changes-size", "64MiB", "-cdc-config", config]],
  });
  cluster.mainPath = earlier;
  const machines = typeof shop === "string" ? undefined : shop;
  const nodes = undo.use(new Nodes({ cluster, report, shop: machines, earlier }));
  const workloads = workloadsOf(report, random, earlier !== undefined);
  try {
    await play(options, { report, random, nodes, webhook, workloads, schedule });
  } catch (error) {
    report.thrown("Round", error);
  }
  return { report, evidence: evidenceOf(nodes, workloads, report) };
}

/** Beside an earlier release only what that has too. */
function workloadsOf(report: Report, random: Prng, isBeside: boolean): readonly Workload[] {
  let last = 0;
  const parts = { report, moment: () => ++last };
  const common = [
    new Registers(parts),
    new Lists(parts, !isBeside),
    new Sequences(parts),
    new Bank(parts),
  ];
  if (isBeside) return common;
  return [new Elements(parts), ...common, new Transactions(parts), new ChangingRows(parts, random)];
}

interface RoundParts {
  readonly report: Report;
  readonly random: Prng;
  readonly nodes: Nodes;
  readonly webhook: WebhookCopy;
  readonly workloads: readonly Workload[];
  readonly schedule: ReturnType<typeof drawSchedule>;
}

async function play(options: RoundOptions, parts: RoundParts): Promise<void> {
  const { report, random, nodes, webhook, workloads, schedule } = parts;
  const first = await nodes.add(undefined);
  await nodes.ready(first);
  for (let i = 1; i < options.nodes; i++) await nodes.ready(await nodes.add(first));
  const isBeside = nodes.earlier !== undefined;
  await setUp(first, workloads);
  if (!isBeside) {
    webhook.begin(
      await eventually("the first rows", async () => {
        return (await readTables(first, "linearizable")).tables;
      }),
    );
  }
  const gate = new Gate();
  const elements = workloads.find((each) => each instanceof Elements);
  const acknowledged = () => elements?.acknowledged ?? [];
  const scene = { nodes, gate, report, webhook, acknowledged };
  const own = new Prng(random.uint64());
  const anyNode = () => {
    const running = nodes.all.filter(({ running }) => running);
    return running[own.below(Math.max(1, running.length))];
  };
  const streams = (isBeside ? [] : ["the first copy", "the second copy"]).map((name) =>
    new StreamCopy(name, report, anyNode)
  );
  const clients = new Clients({ nodes, gate, report, workloads, random });
  const disturber = new Disturber(scene, schedule);
  const reader = setInterval(() => {
    const node = anyNode();
    if (webhook.mustReadAgain && node !== undefined) webhook.readAgain(node).catch(() => {});
  }, 500);
  try {
    const endsAt = report.ms + 1000 * options.seconds;
    while (report.ms < endsAt && report.violations.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await disturber.end();
    report.note("heal");
    webhook.isDown = false;
    await nodes.heal();
    if (isBeside) await nodes.goOver(undefined);
    await clients.end();
    await within("judging", judgeRound({ nodes, report, workloads, streams, webhook }));
  } finally {
    clearInterval(reader);
    await disturber.end();
    await clients.end();
    // A stream that does not end when it is told to is ended with its node.
    const ends = streams.map((stream) =>
      background(() => within(`the end of ${stream.name}`, stream.end()))
    );
    for (const node of [...nodes.all]) await nodes.end(node, "SIGTERM");
    await Promise.all(ends);
  }
}

/** Makes all tables: once, however long a young cluster on a slow machine is about its leader. */
async function setUp(first: NodeProcess, workloads: readonly Workload[]): Promise<void> {
  const statements = [markers, ...workloads.flatMap(({ setup }) => setup)];
  const { results } = await eventually("the tables to be made", () => {
    return run(first, "/db/execute?timeout=10s", statements, { "idempotency-key": '"set-up"' });
  });
  for (const { error } of results) if (error !== undefined) throw new Error(error);
}

/** Waits for what cannot take so long. */
async function within(what: string, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((_, reject) => {
    const error = new Error(`Waited ${patienceMs} ms in vain for ${what}`);
    timer = setTimeout(() => reject(error), patienceMs);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function evidenceOf(
  nodes: Nodes,
  workloads: readonly Workload[],
  report: Report,
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  files.set("events.txt", [...report.violations, "", ...report.events, ""].join("\n"));
  for (const { name, history } of workloads) {
    // An answer that never came has no moment, which JSON has no number for.
    const text = JSON.stringify(history, (_, value) => value === Infinity ? "never" : value, 1);
    files.set(`history-${name.replaceAll(" ", "-")}.json`, text);
  }
  for (const { id, log } of nodes.everyone) files.set(`${id}.log`, log);
  return files;
}
