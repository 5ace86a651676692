import { strict as assert } from "node:assert";
import { Prng } from "../../src/base/prng.ts";
import { transactionModes } from "../../src/cluster/transactions/transaction.ts";
import { anySeed } from "../store/seeds.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function post(node: NodeProcess, path: string, body = ""): Promise<Answer> {
  const response = await fetch(`${node.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    signal: AbortSignal.timeout(120_000),
  });
  return { status: response.status, body: await response.text() };
}

/** A transaction, of which each request may go to another node. */
class Transaction {
  readonly #tx: string;

  private constructor(tx: string) {
    this.#tx = tx;
  }

  static async begin(node: NodeProcess, asked: object = {}, query = ""): Promise<Transaction> {
    const { status, body } = await post(node, `/db/begin?${query}`, JSON.stringify(asked));
    if (status !== 200) throw new Error(`${status} ${body}`);
    return new Transaction(JSON.parse(body).tx);
  }

  async send(node: NodeProcess, path: string, body = "", query = ""): Promise<Answer> {
    return await post(node, `/db/${path}?tx=${this.#tx}&${query}`, body);
  }

  /** The results of one statement's request. */
  async run(node: NodeProcess, sql: string): Promise<Record<string, unknown>> {
    const { status, body } = await this.send(node, "request", JSON.stringify([sql]));
    if (status !== 200) throw new Error(`${status} ${body}`);
    return JSON.parse(body).results[0];
  }

  commit(node: NodeProcess): Promise<Answer> {
    return this.send(node, "commit");
  }
}

const insert = (v: number) => `INSERT INTO t (v) VALUES (${v})`;
const count = "SELECT count(*) FROM t";

async function countAt(node: NodeProcess): Promise<unknown> {
  return (await node.query(count))[0]?.[0];
}

async function started(size: number): Promise<Cluster> {
  const cluster = await Cluster.start({ size });
  await cluster.nodes[0]?.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  return cluster;
}

Deno.test("What a transaction does is its own until it is committed, at whichever node it is asked", async () => {
  await using cluster = await started(3);
  for (const mode of ["deferred", "immediate", "concurrent"]) {
    const before = Number(await countAt(await cluster.leader()));
    const [first, second, third] = cluster.nodes;
    assert(first && second && third);
    const transaction = await Transaction.begin(second, { mode });
    assert.deepEqual(await transaction.run(first, count), counted(before));
    assert.equal((await transaction.run(third, insert(1))).rows_affected, 1);
    assert.deepEqual(await transaction.run(first, count), counted(before + 1));
    await transaction.run(second, "SAVEPOINT one");
    await transaction.run(second, insert(2));
    await transaction.run(second, "ROLLBACK TO one");
    assert.match(String((await transaction.run(third, "SELEC")).error), /syntax error/);
    assert.deepEqual(await transaction.run(third, count), counted(before + 1));
    for (const node of cluster.nodes) {
      assert.deepEqual((await node.query(count, "none"))[0], [before], "nobody else sees it");
    }
    const committed = await transaction.commit(third);
    assert.deepEqual(committed, { status: 200, body: '{"results":[]}' });
    for (const node of cluster.nodes) assert.equal(await countAt(node), before + 1);
    assert.deepEqual(await transaction.commit(first), {
      status: 410,
      body: "The transaction is over: it was committed\n",
    });
  }
});

function counted(rows: number) {
  return { columns: ["count(*)"], types: ["integer"], values: [[rows]] };
}

Deno.test("A transaction ends by SQL, by a request, or by its times, and leaves nothing that is not committed", async () => {
  await using cluster = await started(1);
  const [node] = cluster.nodes;
  assert(node);
  const bySql = await Transaction.begin(node);
  await bySql.run(node, insert(1));
  assert.deepEqual(await bySql.run(node, "commit transaction ;"), {});
  assert.equal(await countAt(node), 1);
  const takenBack = await Transaction.begin(node, { mode: "immediate" });
  await takenBack.run(node, insert(2));
  assert.equal((await takenBack.send(node, "rollback")).status, 200);
  assert.equal((await takenBack.send(node, "execute", '["SELECT 1"]')).status, 410);
  const short = await Transaction.begin(node, { mode: "immediate", timeout: "3s" });
  await short.run(node, insert(3));
  const over = await eventually("its time to be over", async () => {
    const answer = await short.send(node, "execute", '["SELECT 1"]');
    return answer.status === 200 ? undefined : answer;
  });
  assert.deepEqual(over, {
    status: 410,
    body: "The transaction is over: it was rolled back, open for longer than 3 s\n",
  });
  await node.execute([insert(4)], "timeout=5s");
  assert.equal(await countAt(node), 2);
  const keyed = await Transaction.begin(node);
  assert.equal((await keyed.send(node, "query", '["DELETE FROM t"]')).status, 200);
  assert.equal(await countAt(node), 2, "what came to be read does not write");
  for (
    const [path, body, status] of [
      ["begin", '{"mode":"hasty"}', 400],
      ["begin", '{"timeout":"soon"}', 400],
      ["begin", "[", 400],
      ["commit", "", 400],
      ["execute?queue&tx=nobody.node-1", '["SELECT 1"]', 400],
      ["load?tx=nobody.node-1", "SELECT 1", 400],
      ["commit?tx=nobody", "", 404],
      ["commit?tx=nobody.node-9", "", 404],
      ["execute?tx=%25.%25", '["SELECT 1"]', 404],
    ] as const
  ) assert.equal((await post(node, `/db/${path}`, body)).status, status, `${path} ${body}`);
});

Deno.test("While a transaction has its turn others wait for it, in order, and not for ever", async () => {
  await using cluster = await started(3);
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  const holder = await Transaction.begin(follower, { mode: "immediate" });
  await holder.run(follower, insert(1));
  const late = await post(leader, "/db/execute?timeout=300ms", JSON.stringify([insert(9)]));
  assert.equal(late.status, 503);
  assert.match(late.body, /^database is locked/);
  const waiting = [
    leader.execute([insert(2)]),
    Transaction.begin(leader, { mode: "immediate" }),
    follower.execute([insert(3)]),
  ] as const;
  assert.deepEqual(await leader.query("SELECT v FROM t"), [], "reads do not wait");
  assert.equal((await holder.commit(leader)).status, 200);
  const next = await waiting[1];
  const seen = (await next.run(leader, "SELECT v FROM t ORDER BY v")).values as number[][];
  assert.deepEqual(seen[0], [1], "it has its turn behind the one before");
  await next.run(leader, "DELETE FROM t WHERE v = 1");
  assert.deepEqual(
    (await next.run(leader, "SELECT v FROM t ORDER BY v")).values ?? [],
    seen.slice(1),
    "nobody writes in its turn",
  );
  assert.equal((await next.send(leader, "rollback")).status, 200);
  await Promise.all(waiting);
  assert.deepEqual(await leader.query("SELECT v FROM t ORDER BY v"), [[1], [2], [3]]);
});

Deno.test("A deferred transaction keeps what it has read, or is told that it has changed", async () => {
  await using cluster = await started(2);
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(["CREATE TABLE u (v)", insert(1)]);
  const same = await Transaction.begin(node);
  assert.deepEqual((await same.run(node, "SELECT v FROM t")).values, [[1]]);
  await node.execute(["INSERT INTO u VALUES (1)"]);
  await same.run(node, "UPDATE t SET v = v + 1");
  assert.equal((await same.commit(node)).status, 200);
  const other = await Transaction.begin(node);
  assert.deepEqual((await other.run(node, "SELECT v FROM t")).values, [[2]]);
  await node.execute(["UPDATE t SET v = 7"]);
  const { status, body } = await other.send(node, "execute", '["UPDATE t SET v = v + 1"]');
  assert.equal(status, 409);
  assert.match(body, /SQLITE_BUSY_SNAPSHOT/);
  assert.deepEqual(await node.query("SELECT v FROM t"), [[7]]);
});

Deno.test("Savepoints before the first write of a transaction are savepoints", async () => {
  await using cluster = await started(1);
  const [node] = cluster.nodes;
  assert(node);
  for (const mode of transactionModes) {
    const transaction = await Transaction.begin(node, { mode });
    const run = async (sql: string): Promise<unknown> => (await transaction.run(node, sql)).error;
    assert.equal(await run("SAVEPOINT a"), undefined, mode);
    assert.equal(await run(count), undefined, mode);
    assert.equal(await run("SAVEPOINT b"), undefined, mode);
    if (mode === "read") {
      const writes = JSON.stringify(["SAVEPOINT c", "ROLLBACK TO a", insert(1)]);
      assert.equal((await transaction.send(node, "execute", writes)).status, 400);
      assert.match(String(await run("RELEASE c")), /no such savepoint/, "nothing of it was done");
    } else assert.equal(await run(insert(1)), undefined, mode);
    assert.equal(await run("ROLLBACK TO b"), undefined, mode);
    assert.equal(await run("RELEASE a"), undefined, mode);
    assert.match(String(await run("RELEASE b")), /no such savepoint/, mode);
    assert.equal((await transaction.commit(node)).status, 200, mode);
  }
  assert.equal(await countAt(node), 0);
});

Deno.test("What has only read takes no place in the log, be it a transaction's", async () => {
  await using cluster = await started(1);
  const [node] = cluster.nodes;
  assert(node);
  const applied = async () => {
    const { store } = await node.status() as { store: { db_applied_index: number } };
    return store.db_applied_index;
  };
  for (const mode of transactionModes) {
    const before = await applied();
    const transaction = await Transaction.begin(node, { mode });
    assert.equal((await transaction.run(node, count)).error, undefined);
    assert.match(String((await transaction.run(node, "INSRT")).error), /syntax error/);
    assert.equal((await transaction.commit(node)).status, 200);
    assert.equal(await applied(), before, mode);
  }
});

Deno.test("A transaction that reads sees one moment, however much is written beside it", async () => {
  await using cluster = await started(2);
  const [node, other] = cluster.nodes;
  assert(node && other);
  for (const mode of ["read", "deferred"]) {
    const before: number = Number(await countAt(node));
    const reader = await Transaction.begin(other, { mode });
    assert.deepEqual(await reader.run(node, count), counted(before));
    for (let n = 0; n < 20; n++) {
      await node.execute([insert(n)]);
      assert.deepEqual(await reader.run(other, count), counted(before), mode);
    }
    await node.execute(["ALTER TABLE t ADD COLUMN after_" + mode]);
    assert.deepEqual(await reader.run(other, count), counted(before), mode);
    if (mode === "read") {
      const refused = await reader.send(node, "execute", JSON.stringify([insert(1)]));
      assert.equal(refused.status, 400);
      assert.match(refused.body, /one for reading/);
      assert.match(String((await reader.run(other, "INSRT INTO t")).error), /syntax error/);
      assert.deepEqual(await reader.run(other, count), counted(before), "and it goes on");
    }
    assert.equal((await reader.commit(node)).status, 200);
    assert.equal(await countAt(other), before + 20);
  }
  // What is held does not keep the database from being replaced.
  const held = await Transaction.begin(node);
  assert.equal((await held.run(node, count)).error, undefined);
  const file = await (await fetch(`${node.url}/db/backup`)).arrayBuffer();
  const loaded = await fetch(`${node.url}/db/load`, { method: "POST", body: file });
  assert.equal(loaded.status, 200, await loaded.text());
  for (let attempt = 0; attempt < 2; attempt++) {
    const over = await held.send(node, "query", JSON.stringify([count]));
    assert.equal(over.status, 410);
    assert.match(over.body, /replaced by another/);
  }
});

Deno.test("Foreign keys that are not good keep a transaction from its commit, and it goes on", async () => {
  await using cluster = await Cluster.start({ size: 1, flags: ["-fk"] });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute([
    "CREATE TABLE p (id INTEGER PRIMARY KEY)",
    "CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
  ]);
  const transaction = await Transaction.begin(node);
  await transaction.run(node, "INSERT INTO c VALUES (1)");
  const refused = await transaction.commit(node);
  assert.equal(refused.status, 400);
  assert.match(refused.body, /^FOREIGN KEY constraint failed/);
  await transaction.run(node, "INSERT INTO p VALUES (1)");
  assert.equal((await transaction.commit(node)).status, 200);
});

Deno.test("Money that is moved by transactions is neither lost nor made, whoever is killed", async () => {
  const seed = anySeed();
  const random = new Prng(seed);
  // One in ten transfers leaves its turn to write to that time.
  await using cluster = await Cluster.start({ flags: ["-tx-idle-timeout", "2s"] });
  const accounts = 5;
  await cluster.nodes[0]?.execute([
    "CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER CHECK (money >= 0))",
    "CREATE TABLE done (k TEXT PRIMARY KEY)",
    ...Array.from({ length: accounts }, (_, id) => `INSERT INTO account VALUES (${id}, 100)`),
  ]);
  let committed = 0;
  const acknowledged: string[] = [];
  const transfer = async (key: string) => {
    const node = cluster.nodes[random.below(cluster.nodes.length)];
    assert(node);
    const mode = ["deferred", "immediate", "concurrent"][random.below(3)];
    const [from, to] = [random.below(accounts), random.below(accounts)];
    const transaction = await Transaction.begin(node, { mode }, "timeout=3s");
    const { values } = await transaction.run(node, `SELECT money FROM account WHERE id = ${from}`);
    const [[money = 0] = []] = values as number[][];
    const part = random.below(money + 1);
    await transaction.run(node, `UPDATE account SET money = ${money - part} WHERE id = ${from}`);
    if (random.chance(0.1)) return;
    await transaction.run(node, `UPDATE account SET money = money + ${part} WHERE id = ${to}`);
    await transaction.run(node, `INSERT INTO done VALUES ('${key}')`);
    const { status } = await transaction.commit(node);
    if (status !== 200) return;
    acknowledged.push(key);
    committed++;
  };
  let running = true;
  const clients = Array.from({ length: 6 }, async (_, client) => {
    for (let n = 0; running; n++) await transfer(`${client}-${n}`).catch(() => {});
  });
  for (let kills = 0; kills < 3; kills++) {
    const before = committed;
    await eventually("some transfers", () => committed > before + 15);
    const leader = await cluster.leader();
    await leader.kill("SIGKILL");
    leader.start();
    await leader.ready();
  }
  const before = committed;
  await eventually("transfers after all that", () => committed > before + 15);
  running = false;
  await Promise.all(clients);
  const [sum, done] = await cluster.converged([
    "SELECT sum(money) FROM account",
    "SELECT k FROM done",
  ]);
  assert.deepEqual(sum, [[accounts * 100]], `seed ${seed}`);
  const keys = new Set(done?.flat());
  assert.deepEqual(acknowledged.filter((key) => !keys.has(key)), [], `seed ${seed}: lost`);
});

Deno.test("A transaction that did not get the turn to write asks for it again", async () => {
  await using cluster = await started(1);
  const [node] = cluster.nodes;
  assert(node);
  const holder = await Transaction.begin(node, { mode: "immediate" });
  const waiting = await Transaction.begin(node);
  for (let attempt = 0; attempt < 2; attempt++) {
    const statement = JSON.stringify([insert(1)]);
    const { status, body } = await waiting.send(node, "execute", statement, "timeout=200ms");
    assert.equal(status, 503, body);
    assert.match(body, /^database is locked/);
  }
  await holder.run(node, insert(2));
  assert.equal((await holder.commit(node)).status, 200);
  await waiting.run(node, insert(3));
  assert.equal((await waiting.commit(node)).status, 200);
  assert.deepEqual(await node.query("SELECT v FROM t ORDER BY v"), [[2], [3]]);
});

Deno.test("A transaction whose time ends while its commit is under way comes to what that comes to", async () => {
  await using cluster = await started(1);
  const [node] = cluster.nodes;
  assert(node);
  const holder = await Transaction.begin(node, { mode: "immediate" });
  const committed = await Transaction.begin(node, { mode: "concurrent", timeout: "3s" });
  await committed.run(node, insert(1));
  const committing = committed.commit(node);
  const later = await Transaction.begin(node, { mode: "read", timeout: "3s" });
  await eventually(
    "the time of one that began later is over",
    async () => (await later.send(node, "request", '["SELECT 1"]')).status === 410,
  );
  assert.equal((await holder.send(node, "rollback")).status, 200);
  assert.equal((await committing).status, 200);
  const again = await committed.commit(node);
  assert.deepEqual(again, { status: 410, body: "The transaction is over: it was committed\n" });
  assert.equal(await countAt(node), 1);
});

Deno.test("A step whose answer is lost may have been done, and its client is told so", async () => {
  await using cluster = await started(3);
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  const transaction = await Transaction.begin(follower, { mode: "concurrent" });
  await transaction.run(leader, insert(1));
  follower.freeze();
  const statement = JSON.stringify([insert(2)]);
  const { status, body } = await transaction.send(leader, "execute", statement, "timeout=500ms");
  follower.thaw();
  assert.equal(status, 503);
  assert.match(body, /^Outcome unknown: .*roll the transaction back/);
});
