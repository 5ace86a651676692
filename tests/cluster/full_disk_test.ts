import { strict as assert } from "node:assert";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";
import { Mount } from "./mount.ts";
import { schema, Workload } from "./workload.ts";

/** Room for a node's data and a little more. */
const diskBytes = 4 * 1024 * 1024;

/** Takes all the room that there is. */
async function fill(directory: string): Promise<void> {
  using file = await Deno.open(`${directory}/filler`, { write: true, create: true, append: true });
  const block = new Uint8Array(4096);
  try {
    for (;;) await file.write(block);
  } catch (error) {
    assert.match(String(error), /No space left/);
  }
}

function makeRoom(directory: string): Promise<void> {
  return Deno.remove(`${directory}/filler`);
}

/** Large enough that the log, which is allocated ahead, is full as soon as the database. */
const large = ["INSERT INTO ballast VALUES (zeroblob(300000))"];

/** Fills the disk of a node until it says that it cannot write. */
async function fillUp(node: NodeProcess, through: NodeProcess): Promise<void> {
  await eventually(() => `${node.id} to be full\n${node.log}`, async () => {
    await fill(node.directory);
    await through.execute(large, "timeout=1s").catch(() => {});
    const answer = await node.fetch("/readyz");
    return answer.status === 503 && /disk is full/.test(answer.body);
  });
}

/** A cluster whose nodes of those numbers have a disk each of their own; undefined where that cannot be made. */
async function start(size: number, ...positions: readonly [number, ...number[]]) {
  await using undo = new AsyncDisposableStack();
  const cluster = undo.use(await Cluster.start({ size: 0 }));
  for (let i = 0; i < size; i++) {
    const node = cluster.create();
    if (positions.includes(i)) {
      const mount = await Mount.tmpfs(node.directory, diskBytes);
      if (mount === undefined) return undefined;
      undo.use(mount);
    }
    const first = cluster.nodes[0];
    node.start(first === undefined || first === node ? [] : ["-join", first.raftAddress]);
    await node.ready();
    await cluster.votes(node);
  }
  const node = cluster.nodes[positions[0]];
  assert(node);
  await node.execute([...schema, "CREATE TABLE ballast (b)"]);
  return { cluster, node, parts: undo.move() };
}

Deno.test("a single node on a full disk refuses writes, answers reads, and goes on with room", async () => {
  const started = await start(1, 0);
  if (started === undefined) return;
  await using _ = started.parts;
  const { cluster, node } = started;
  const load = new Workload(cluster, { name: "single", writers: 2 });
  await eventually("some writes", () => load.acknowledged.length > 50);
  await fillUp(node, node);
  const refused = await node.fetch("/db/execute", {
    method: "POST",
    body: "[\"INSERT INTO writes (key) VALUES ('refused')\"]",
    headers: { "content-type": "application/json" },
  });
  assert.equal(refused.status, 503, refused.body);
  assert.match(refused.body, /^The disk is full: writes wait until there is room/);
  const [[count] = []] = await node.query("SELECT count(*) FROM writes", "none");
  assert(Number(count) >= load.acknowledged.length - 2, `${count} rows`);
  assert.equal((await node.fetch("/status")).status, 200);
  await makeRoom(node.directory);
  await node.ready();
  const before = load.acknowledged.length;
  await eventually("writes again", () => load.acknowledged.length > before + 50);
  await load.stop();
  await load.verify();
  assert.deepEqual(await node.query("SELECT * FROM writes WHERE key = 'refused'"), []);
});

Deno.test("a single node on a full disk stops with 0 and has all that it acknowledged", async () => {
  const started = await start(1, 0);
  if (started === undefined) return;
  await using _ = started.parts;
  const { cluster, node } = started;
  const load = new Workload(cluster, { name: "stopped", writers: 2 });
  await eventually("some writes", () => load.acknowledged.length > 50);
  await fillUp(node, node);
  const { code } = await node.kill("SIGTERM");
  assert.equal(code, 0, node.log);
  await load.stop();
  await makeRoom(node.directory);
  node.start();
  await node.ready();
  await load.verify();
});

Deno.test("a full follower costs the others nothing, and catches up with room", async () => {
  const started = await start(3, 2);
  if (started === undefined) return;
  await using _ = started.parts;
  const { cluster, node } = started;
  const [first, second] = cluster.nodes;
  assert(first && second);
  const load = new Workload(cluster, { name: "follower", writers: 2, nodes: [first, second] });
  await eventually("some writes", () => load.acknowledged.length > 50);
  await fillUp(node, first);
  const before = load.acknowledged.length;
  await eventually("writes meanwhile", () => load.acknowledged.length > before + 50);
  await node.query("SELECT count(*) FROM writes", "none");
  await makeRoom(node.directory);
  await node.ready();
  await load.stop();
  await first.execute(["DELETE FROM ballast"]);
  await load.verify();
});

Deno.test("a full leader lets another lead, and follows with room", async () => {
  const started = await start(3, 0);
  if (started === undefined) return;
  await using _ = started.parts;
  const { cluster, node } = started;
  const [, second, third] = cluster.nodes;
  assert(second && third);
  assert.equal((await cluster.leader()).id, node.id);
  const load = new Workload(cluster, { name: "leader", writers: 2, nodes: [second, third] });
  await eventually("some writes", () => load.acknowledged.length > 50);
  await fillUp(node, second);
  await eventually("another leader", async () => {
    const id = await second.leaderId();
    return id !== "" && id !== node.id;
  });
  const before = load.acknowledged.length;
  await eventually("writes meanwhile", () => load.acknowledged.length > before + 50);
  await node.query("SELECT count(*) FROM writes", "none");
  await makeRoom(node.directory);
  await node.ready();
  await load.stop();
  await load.verify();
});

Deno.test("two full nodes let the third lead, and do not hand the lead to each other", async () => {
  const started = await start(3, 0, 1);
  if (started === undefined) return;
  await using _ = started.parts;
  const { cluster, node: first } = started;
  const [, second, third] = cluster.nodes;
  assert(second && third);
  // Small writes: the log has room for them where it is allocated ahead, and so all logs stay equal.
  const small = ["INSERT INTO ballast VALUES (zeroblob(1000))"];
  const full = [first, second];
  await eventually(() => full.map((node) => node.log).join("\n"), async () => {
    for (const node of full) await fill(node.directory);
    await third.execute(small, "timeout=1s").catch(() => {});
    const answers = await Promise.all(full.map((node) => node.fetch("/readyz")));
    return answers.every(({ body }) => /disk is full/.test(body));
  });
  await eventually(
    () => `the third to lead\n${first.log}`,
    async () => await third.leaderId() === third.id,
  );
  const leads = first.log.match(/: leader, leader/g)?.length ?? 0;
  assert(leads <= 3, `The first node took the lead ${leads} times`);
  for (const node of full) await makeRoom(node.directory);
  for (const node of full) await node.ready();
  await third.execute(small);
  await cluster.converged(["SELECT count(*) FROM ballast"]);
});
