import { eventually, type NodeProcess } from "../cluster/harness.ts";
import { differenceOf, readTables, type Tables } from "./copied_rows.ts";
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
  const all = await readAll(nodes, index);
  const [first, ...others] = all;
  if (first === undefined) throw new Error("There is no node");
  for (const { node, tables } of others) {
    const difference = differenceOf(first.tables, tables);
    if (difference === undefined) continue;
    report.violation("Equal nodes", `${first.node.id} and ${node.id}: ${difference}`);
  }
  report.count("databases compared", all.length);
  await checkIntegrity(nodes, report, index);
  const read = async (statement: SqlStatement) => {
    return (await retried(() => rows(first.node, "none", statement, `&min_index=${index}`))).values;
  };
  report.note("judge: what clients saw");
  for (const workload of workloads) await workload.check(read);
  if (streams.length === 0) return;
  report.note("judge: copies");
  await judgeStreams(judged, first.tables, index);
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

interface NodeTables {
  readonly node: NodeProcess;
  readonly tables: Tables;
}

async function readAll(nodes: Nodes, index: number): Promise<NodeTables[]> {
  const all: NodeTables[] = [];
  for (const node of nodes.all) {
    const { tables } = await retried(() => readTables(node, "none", index));
    all.push({ node, tables });
  }
  return all;
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
  tables: Tables,
  index: number,
): Promise<void> {
  for (const stream of streams) {
    const there = await eventually(
      `${stream.name} to be at ${index}`,
      () => stream.index >= index,
      patienceMs,
    ).catch((error) => report.violation("Copy by the stream", String(error)));
    if (there !== true) continue;
    const difference = differenceOf(stream.tables, tables);
    if (difference !== undefined) {
      report.violation("Copy by the stream", `${stream.name} and the nodes: ${difference}`);
    }
    report.count("copies by the stream compared");
  }
  const told = new Map<number, string>();
  for (const { name, texts } of streams) compareTold(report, told, texts, name, 0);
  for (const node of nodes.all) {
    const { changes } = await node.status() as { changes: { oldest_index: number } };
    const from = Math.max(1, changes.oldest_index);
    const texts = await toldBy(node, from, index);
    compareTold(report, told, texts, node.id, from);
    for (const at of told.keys()) {
      if (at < from || at > index || texts.has(at)) continue;
      report.violation("Change log", `${node.id} tells nothing of entry ${at}, which was told`);
    }
  }
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
  { node, tables }: NodeTables,
  index: number,
): Promise<void> {
  webhook.isCalm = true;
  const there = await eventually(
    () => `the endpoint, at ${webhook.index}, to be told of ${index}`,
    () => webhook.index >= index,
    patienceMs,
  ).catch((error) => report.violation("Webhook", String(error)));
  if (there !== true) return;
  // The rest of the last entry may be on its way, or come again from its beginning by a new leader.
  let difference: string | undefined;
  await eventually("the copy to be the node's", async () => {
    if (webhook.mustReadAgain) await retried(() => webhook.readAgain(node));
    difference = webhook.differenceFrom(tables);
    return difference === undefined;
  }, patienceMs).catch(() => {
    report.violation("Webhook", `its copy and ${node.id}: ${difference}`);
  });
  report.count("copies by the webhook compared");
}
