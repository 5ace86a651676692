import { eventually, type NodeProcess } from "../cluster/harness.ts";
import { differenceOf, type ReadTables, readTables, type Tables } from "./copied_rows.ts";
import type { Nodes } from "./nodes.ts";
import type { Report } from "./report.ts";
import { rows, run, type SqlStatement } from "./request.ts";
import { type StreamCopy, toldBy, withoutParts } from "./stream_copy.ts";
import type { WebhookCopy } from "./webhook_copy.ts";
import type { Workload } from "./workload.ts";

/** How long a healed cluster may take for each thing that it has to do, in ms. */
const patienceMs = 180_000;

/** What a round is judged by when all is over. */
export interface Judged {
  readonly nodes: Nodes;
  readonly report: Report;
  readonly workloads: readonly Workload[];
  /** None where nodes tell nothing of changes. */
  readonly streams: readonly StreamCopy[];
  readonly webhook: WebhookCopy;
}

/** A healed cluster works again, all its nodes are the same, and all that was seen was right. */
export async function judgeRound(judged: Judged): Promise<void> {
  const { nodes, report, workloads, streams } = judged;
  report.note("judge: a last write");
  const index = await writeLast(nodes);
  await checkMembers(nodes, report);
  report.note("judge: all nodes are the same");
  const same = await judgeNodes(nodes, report, index);
  await checkIntegrity(nodes, report, index);
  const [first] = nodes.all;
  if (first === undefined) throw new Error("There is no node");
  const read = async (statement: SqlStatement) => {
    return (await retried(() => rows(first, "none", statement, `&min_index=${index}`))).values;
  };
  report.note("judge: what clients saw");
  for (const workload of workloads) await workload.check(read);
  // Copies of what is not even the same among nodes tell nothing.
  if (streams.length === 0 || !same) return;
  report.note("judge: copies");
  await judgeStreams(judged, first, index);
  await judgeWebhook(judged, first, index);
}

/** Repeats what a node that has only just come back may refuse. */
async function retried<T>(call: () => Promise<T>): Promise<T> {
  return (await eventually("an answer", async () => ({ value: await call() }), patienceMs)).value;
}

/** Writes one row more, and says where in the log. */
async function writeLast(nodes: Nodes): Promise<number> {
  return await retried(async () => {
    const node = nodes.all.find(({ running }) => running);
    if (node === undefined) throw new Error("No node runs");
    const statement = "INSERT INTO markers (n) VALUES (0)";
    const { results: [result], reply } = await run(node, "/db/execute?timeout=5s", [statement]);
    if (result?.error !== undefined || reply.index === undefined) throw new Error(reply.text);
    return reply.index;
  });
}

async function checkMembers(nodes: Nodes, report: Report): Promise<void> {
  const wanted = nodes.all.map(({ id }) => id).sort().join();
  let found = "";
  await eventually(() => `the members to be ${wanted}, which are ${found}`, async () => {
    for (const node of nodes.all) {
      const { body } = await node.fetch("/nodes?nonvoters");
      const members = Object.values(JSON.parse(body)) as { id: string }[];
      found = members.map(({ id }) => id).sort().join();
      if (found !== wanted) return false;
    }
    return true;
  }, patienceMs).catch((error) => report.violation("Members", String(error)));
}

/**
 * Whether all nodes are the same. What a queue has taken before the end may be written behind the
 * last write, and so between the reading of one node and of the next: a difference is one when
 * nothing was.
 */
async function judgeNodes(nodes: Nodes, report: Report, from: number): Promise<boolean> {
  let index = from;
  let difference: string | undefined;
  await eventually(() => `nodes that are the same: ${difference}`, async () => {
    const all: ReadNode[] = [];
    for (const node of nodes.all) {
      all.push({ node, ...await retried(() => readTables(node, "none", index)) });
    }
    difference = firstDifference(all);
    const latest = Math.max(...all.map(({ latest }) => latest));
    if (difference === undefined || latest === index) return true;
    index = latest;
    return false;
  }, patienceMs).catch((error) => difference = String(error));
  report.count("databases compared", nodes.all.length);
  if (difference !== undefined) report.violation("Equal nodes", difference);
  return difference === undefined;
}

interface ReadNode extends ReadTables {
  readonly node: NodeProcess;
}

function firstDifference([first, ...others]: readonly ReadNode[]): string | undefined {
  for (const { node, tables } of others) {
    const difference = first && differenceOf(first.tables, tables);
    if (difference !== undefined) return `${first?.node.id} and ${node.id}: ${difference}`;
  }
  return undefined;
}

async function checkIntegrity(nodes: Nodes, report: Report, index: number): Promise<void> {
  for (const node of nodes.all) {
    const { values } = await retried(() =>
      rows(node, "none", "PRAGMA integrity_check", `&min_index=${index}`)
    );
    const found = values.flat().join("\n");
    if (found !== "ok") report.violation("Integrity", `${node.id}: ${found}`);
  }
}

/** Copies by the stream are as the nodes, and nodes tell what was told, each entry by its index. */
async function judgeStreams(
  { nodes, report, streams }: Judged,
  first: NodeProcess,
  index: number,
): Promise<void> {
  for (const stream of streams) {
    await becomesTheSame(`${stream.name} by the stream`, first, index, (tables) => {
      if (stream.index < index) return `it is at ${stream.index}`;
      return differenceOf(stream.tables, tables);
    }).catch((error) => report.violation("Copy by the stream", String(error)));
    report.count("copies by the stream compared");
  }
  const told = new Map<number, string>();
  for (const { name, texts } of streams) {
    compareTold(report, told, new Map([...texts].filter(([at]) => at <= index)), name, 0);
  }
  for (const node of nodes.all) {
    const { from, texts } = await retried(async () => {
      const { changes } = await node.status() as { changes: { oldest_index: number } };
      const from = Math.max(1, changes.oldest_index);
      return { from, texts: await toldBy(node, from, index) };
    });
    compareTold(report, told, texts, node.id, from);
    for (const at of told.keys()) {
      if (at < from || at > index || texts.has(at)) continue;
      report.violation("Change log", `${node.id} tells nothing of entry ${at}, which was told`);
    }
  }
}

/**
 * A copy is as a node, which is looked at until it is: either may have more than the last write, and
 * a copy a part of an entry, or one again from its beginning by a new leader.
 */
async function becomesTheSame(
  name: string,
  node: NodeProcess,
  index: number,
  differenceFrom: (tables: Tables) => string | undefined | Promise<string | undefined>,
): Promise<void> {
  let difference: string | undefined;
  await eventually(() => `${name} to be as ${node.id} at ${index}: ${difference}`, async () => {
    difference = await differenceFrom((await readTables(node, "none", index)).tables);
    return difference === undefined;
  }, patienceMs);
}

function compareTold(
  report: Report,
  told: Map<number, string>,
  texts: ReadonlyMap<number, string>,
  who: string,
  from: number,
): void {
  for (const [at, text] of texts) {
    const known = told.get(at);
    const own = withoutParts(text) ?? "";
    if (known === undefined) told.set(at, own);
    else {
      report.count("entries whose changes were compared");
      if (known === own) continue;
      // A copy that is told to read again reads no further in that entry.
      const isCut = /"op":"read_again"[^[\]]*\]$/;
      if (isCut.test(known) && own.startsWith(known.slice(0, -1))) {
        told.set(at, own);
        continue;
      }
      if (from === 0 && isCut.test(own) && known.startsWith(own.slice(0, -1))) continue;
      report.violation("Change log", `${who} tells of entry ${at} ${own}, others ${known}`);
    }
  }
}

async function judgeWebhook(
  { report, webhook }: Judged,
  first: NodeProcess,
  index: number,
): Promise<void> {
  webhook.isCalm = true;
  await becomesTheSame("the copy by the webhook", first, index, async (tables) => {
    if (webhook.index < index) return `it is at ${webhook.index}`;
    if (webhook.mustReadAgain) await webhook.readAgain(first);
    return webhook.differenceFrom(tables);
  }).catch((error) => report.violation("Webhook", String(error)));
  report.count("copies by the webhook compared");
}
