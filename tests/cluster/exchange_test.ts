import { strict as assert } from "node:assert";
import { type Answer, Cluster, eventually, type NodeProcess } from "./harness.ts";
import { schema, Workload } from "./workload.ts";

/** How often each test does the same again; RAFTLITE_ROUNDS=50 for a long run. */
const rounds = Number(Deno.env.get("RAFTLITE_ROUNDS") ?? 2);

/** Large enough that a copy of it takes a while. */
const ballast = [
  "CREATE TABLE ballast (b)",
  "INSERT INTO ballast WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) SELECT randomblob(2000) FROM n",
];

/** Four clients that ask a node for its status, one question after the other, whether it is up or not. */
class Pollers {
  answers = 0;
  readonly #clients: Promise<void>[];
  #done = false;

  constructor(node: NodeProcess) {
    this.#clients = [1, 2, 3, 4].map(() => this.#poll(node));
    // What one of them fails with, `stop` says.
    for (const client of this.#clients) client.catch(() => {});
  }

  async #poll(node: NodeProcess): Promise<void> {
    while (!this.#done) {
      try {
        const { status, body } = await node.fetch("/status");
        assert.equal(status, 200, body);
        const { store } = JSON.parse(body) as { store: { sqlite3: { page_size: number } } };
        assert.equal(store.sqlite3.page_size, 4096);
        this.answers++;
      } catch (error) {
        // It is down, or not up yet.
        if (error instanceof assert.AssertionError) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async stop(): Promise<void> {
    this.#done = true;
    await Promise.all(this.#clients);
  }
}

async function compact(nodes: readonly NodeProcess[]): Promise<void> {
  for (const node of nodes) {
    const answer = await node.fetch("/snapshot?trailing_logs=5", { method: "POST" });
    assert(answer.status === 200 || answer.status === 204, answer.body);
  }
}

function installed(node: NodeProcess): number {
  return node.log.split(/[Ss]napshot at index \d+ installed/).length - 1;
}

Deno.test("a follower under load comes back by snapshot while four clients poll its status", async () => {
  await using cluster = await Cluster.start({ flags: ["-raft-snap-int", "1s"] });
  await cluster.nodes[0]?.execute([...schema, ...ballast]);
  for (let round = 0; round < rounds; round++) {
    const away = await cluster.follower();
    const others = cluster.nodes.filter((node) => node !== away);
    await away.kill("SIGKILL");
    const load = new Workload(cluster, { name: `round-${round}`, writers: 4, nodes: others });
    await eventually("some writes", () => load.acknowledged.length > 100);
    await compact(others);
    const before = installed(away);
    const pollers = new Pollers(away);
    away.start();
    await eventually(
      () => `a snapshot to be installed\n${away.log}`,
      () => installed(away) > before,
    );
    await away.ready();
    const answered = pollers.answers;
    await eventually("more answers", () => pollers.answers > answered + 10);
    await pollers.stop();
    await load.stop();
    assert(!/fatal/.test(away.log), away.log);
    assert(away.running);
    await load.verify();
    // Now that it follows, nobody keeps log for it any more.
    await compact(cluster.nodes);
  }
});

Deno.test("a database is loaded again and again while four clients poll each node's status", async () => {
  await using cluster = await Cluster.start();
  const [node] = cluster.nodes;
  assert(node);
  await node.execute([...schema, ...ballast]);
  const response = await fetch(`${node.url}/db/backup?fmt=delete`);
  const file = new Uint8Array(await response.arrayBuffer());
  const pollers = cluster.nodes.map((each) => new Pollers(each));
  for (let round = 0; round < rounds; round++) {
    const answer: Answer = await node.fetch("/db/load", {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: file,
    });
    assert.equal(answer.status, 200, answer.body);
    await node.execute([["INSERT INTO writes (key) VALUES (?)", `after ${round}`]]);
  }
  await cluster.converged(["SELECT * FROM writes", "SELECT count(*) FROM ballast"]);
  for (const each of pollers) await each.stop();
  for (const each of cluster.nodes) assert(!/fatal/.test(each.log), each.log);
});
