import { strict as assert } from "node:assert";
import { parseSegmentName } from "../../src/raft_log/segment_header.ts";
import { runProgram } from "../cli/shell_program.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";
import { overwrite, spoil } from "./spoil.ts";

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function damageOldestSegment({ directory }: NodeProcess): Promise<void> {
  const names = Array.from(Deno.readDirSync(`${directory}/raft`), ({ name }) => name);
  const [oldest] = names.filter((name) => parseSegmentName(name) !== undefined).sort();
  await overwrite(`${directory}/raft/${oldest}`, 40, new Uint8Array(200).fill(0xa5));
}

const insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) " +
  "INSERT INTO t (v) SELECT printf('%.200c', 'x') || i FROM n";
/** By one letter of it SQLite sees nothing. */
const spoiltRow = "the one that is damaged";

/** Whether the node answers that row from a copy that has taken its own one's place; never without it. */
async function isMadeUpFor(node: NodeProcess): Promise<boolean> {
  const query = `SELECT count(*) FROM t WHERE v = '${spoiltRow}'`;
  const { status, body } = await node.fetch(
    `/db/query?level=none&q=${encodeURIComponent(query)}`,
  );
  assert.doesNotMatch(body, /\[\[0\]\]/, "The damaged row is not read as it is");
  return status === 200 && /\[\[1\]\]/.test(body) &&
    await isThere(`${node.directory}/damaged/db.sqlite`);
}

const rows = ["SELECT count(*), max(id), sum(length(v)) FROM t"];

Deno.test("a node whose database or log is damaged is made up for by the others, at its next start", async () => {
  await using cluster = await Cluster.start();
  const [first] = cluster.nodes;
  assert.ok(first);
  await first.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)", insert, insert]);
  for (let i = 0; i < 60; i++) await first.execute([["INSERT INTO t (v) VALUES (?)", `row ${i}`]]);
  // The log alone is not enough to make the database again.
  for (const node of cluster.nodes) {
    await node.fetch("/snapshot?trailing_logs=5", { method: "POST" });
  }

  // The first member, which was started without -join: it knows the others all the same.
  const incarnation = async (node: NodeProcess) =>
    JSON.parse(await Deno.readTextFile(`${node.directory}/node.json`)).incarnation;
  const before = await incarnation(first);
  await first.kill("SIGTERM");
  const path = `${first.directory}/db.sqlite`;
  const { size } = await Deno.stat(path);
  await overwrite(path, 0, new Uint8Array(size));
  first.start();
  await first.ready();
  await first.logs(/is set aside, and a copy of the leader's takes its place/);
  assert.equal(await incarnation(first), before, "Its votes and its log go on");
  assert.equal((await Deno.stat(`${first.directory}/damaged/db.sqlite`)).size, size);
  await cluster.converged(rows);

  const victim = await cluster.follower();
  const old = await incarnation(victim);
  await victim.kill("SIGKILL");
  await damageOldestSegment(victim);
  victim.start();
  await victim.ready();
  await victim.logs(/all is set aside, and the node joins its cluster anew/);
  assert.notEqual(await incarnation(victim), old, "Its votes are lost: it is another server");
  await (await cluster.leader()).execute(["INSERT INTO t (v) VALUES ('last')"]);
  await cluster.converged(rows);
  await eventually("it to vote again", async () => {
    const { body } = await (await cluster.leader()).fetch("/nodes?nonvoters&ver=2");
    const nodes = JSON.parse(body).nodes as { id: string; voter: boolean }[];
    return nodes.length === 3 && nodes.every(({ voter }) => voter);
  });

  // Its database has ended it, and now its log is damaged as well: the database is kept all the same.
  await victim.kill("SIGTERM");
  const whole = (await Deno.stat(`${victim.directory}/db.sqlite`)).size;
  const note = '{"part":"database","reason":"it has ended the node","moved":false}';
  await Deno.writeTextFile(`${victim.directory}/damaged.json`, note);
  await damageOldestSegment(victim);
  victim.start();
  await victim.ready();
  await cluster.converged(rows);
  assert.equal((await Deno.stat(`${victim.directory}/damaged/db.sqlite`)).size, whole);

  await victim.kill("SIGTERM");
  await overwrite(`${victim.directory}/db.sqlite`, 0, new Uint8Array(4096));
  victim.start(["-auto-repair=false"]);
  assert.equal((await victim.exited()).code, 1);
  await victim.logs(/cannot be used: file is not a database/);
});

Deno.test("content that is damaged and that SQLite takes for good is not served, and made up for, at a start and while a node runs", async () => {
  await using cluster = await Cluster.start({ flags: ["-page-check-interval", "1s"] });
  const leader = await cluster.leader();
  await leader.execute([
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
    insert,
    ["INSERT INTO t (v) VALUES (?)", spoiltRow],
  ]);
  for (const node of cluster.nodes) {
    await node.fetch("/snapshot?trailing_logs=0", { method: "POST" });
  }
  const victim = await cluster.follower();
  const path = `${victim.directory}/db.sqlite`;
  await victim.kill("SIGTERM");
  await spoil(path, spoiltRow);
  victim.start();
  await victim.ready();
  await eventually("the copy to be replaced", () => isMadeUpFor(victim));
  await victim.logs(/page \d+ of .*db\.sqlite is not what was written there/);
  await cluster.converged(rows);

  await Deno.remove(`${victim.directory}/damaged`, { recursive: true });
  await victim.fetch("/snapshot?trailing_logs=0", { method: "POST" });
  await spoil(path, spoiltRow);
  await eventually("the copy to be replaced while the node runs", () => isMadeUpFor(victim));
  await cluster.converged(rows);
});

Deno.test("what is damaged stays where it is until enough others are there to make up for it", async () => {
  await using cluster = await Cluster.start();
  const [first, second, third] = cluster.nodes;
  assert.ok(first && second && third);
  await first.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)", insert]);
  for (const node of cluster.nodes) {
    await node.fetch("/snapshot?trailing_logs=0", { method: "POST" });
  }
  for (const node of cluster.nodes) await node.kill("SIGTERM");
  const hurried = ["-join-attempts", "10", "-join-interval", "100ms"];

  const database = `${first.directory}/db.sqlite`;
  await overwrite(database, 0, new Uint8Array(4096));
  first.start(hurried);
  assert.equal((await first.exited()).code, 1);
  await first.logs(/of 2 that are known 0 answer, where 1 must; no answer from .*Waiting for/);
  await first.logs(/Nothing was moved: start those nodes, or restore a backup/);
  assert.ok(await isThere(database));
  assert.equal(await isThere(`${first.directory}/damaged`), false);

  // With its vote, and the database of another, it is a majority.
  second.start();
  first.start();
  await first.ready();
  assert.ok(await isThere(`${first.directory}/damaged/db.sqlite`));
  assert.deepEqual(await first.query("SELECT count(*) FROM t"), [[500]]);

  for (let i = 0; i < 20; i++) await first.execute([["INSERT INTO t (v) VALUES (?)", `row ${i}`]]);

  // Of the two others, that one cannot let in another server alone.
  await first.kill("SIGTERM");
  await damageOldestSegment(first);
  first.start(hurried);
  assert.equal((await first.exited()).code, 1);
  await first.logs(/of 2 that are known 1 answer, where 2 must/);
  assert.ok(await isThere(`${first.directory}/raft`));
  assert.equal(await isThere(`${first.directory}/damaged/raft`), false);
  third.start();
  first.start();
  await first.ready();
  assert.ok(await isThere(`${first.directory}/damaged/raft`));
  await cluster.converged(["SELECT count(*) FROM t"]);
});

Deno.test("the databases of two of three nodes that are damaged at once are made up for by the third", async () => {
  await using cluster = await Cluster.start({ flags: ["-page-check-interval", "1s"] });
  const [first, second, third] = cluster.nodes;
  assert.ok(first && second && third);
  await first.execute([
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
    insert,
    ["INSERT INTO t (v) VALUES (?)", spoiltRow],
  ]);
  for (const node of cluster.nodes) {
    await node.fetch("/snapshot?trailing_logs=0", { method: "POST" });
  }
  // So that neither can be read, and neither could make up for the other.
  for (const node of cluster.nodes) await node.kill("SIGTERM");
  for (const node of [first, second]) {
    await overwrite(`${node.directory}/db.sqlite`, 0, new Uint8Array(4096));
    node.start();
    await node.logs(/of 2 that are known 0 answer, where 1 must/);
  }
  third.start();
  for (const node of cluster.nodes) await node.ready();
  for (const node of [first, second]) {
    await eventually("the copy to be there", () => isMadeUpFor(node));
  }
  await first.execute(["INSERT INTO t (v) VALUES ('last')"]);
  await cluster.converged(rows);

  // So that both can be, while they run: one of them leads.
  for (const node of cluster.nodes) {
    await node.fetch("/snapshot?trailing_logs=0", { method: "POST" });
  }
  const leader = await cluster.leader();
  const other = await cluster.follower();
  for (const node of [leader, other]) {
    await Deno.remove(`${node.directory}/damaged`, { recursive: true }).catch(() => {});
    await spoil(`${node.directory}/db.sqlite`, spoiltRow);
  }
  for (const node of [leader, other]) {
    await eventually("the copy to be replaced", () => isMadeUpFor(node));
  }
  await first.execute(["INSERT INTO t (v) VALUES ('last')"]);
  await cluster.converged(rows);
});

Deno.test("a node that is alone is not started on a damaged database, which stays where it is", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert.ok(node);
  await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)", insert]);
  await node.kill("SIGTERM");
  const path = `${node.directory}/db.sqlite`;
  await overwrite(path, 0, new Uint8Array(4096));
  node.start();
  assert.equal((await node.exited()).code, 1);
  await node.logs(/cannot be used: file is not a database/);
  assert.ok((await Deno.stat(path)).isFile);
});

Deno.test("a database that is whole stays, whatever an earlier repair has left unfinished", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert.ok(node);
  await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)", insert]);
  await node.fetch("/snapshot?trailing_logs=0", { method: "POST" });
  await node.kill("SIGTERM");
  const note = `${node.directory}/damaged.json`;
  await Deno.writeTextFile(note, '{"part":"database","reason":"once","moved":true}');
  node.start();
  await node.ready();
  assert.match(JSON.stringify(await node.query("SELECT count(*) FROM t")), /500/);
  await assert.rejects(Deno.stat(note), Deno.errors.NotFound);
});

Deno.test("a read replica whose log is damaged is let in by those that vote, which it does not", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [voter] = cluster.nodes;
  assert.ok(voter);
  await voter.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)", insert]);
  const replica = await cluster.add(["-raft-non-voter"]);
  await cluster.converged(rows);
  await eventually("the replica to know who votes", async () => {
    const text = await Deno.readTextFile(`${replica.directory}/members.json`).catch(() => "{}");
    const { voters, addresses } = JSON.parse(text);
    return voters?.length === 1 && Object.keys(addresses).length === 2;
  });
  await replica.kill("SIGTERM");
  await damageOldestSegment(replica);
  replica.start();
  await replica.ready();
  await replica.logs(/all is set aside, and the node joins its cluster anew/);
  await voter.execute(["INSERT INTO t (v) VALUES ('last')"]);
  await cluster.converged(rows);
});

Deno.test("a log that is damaged of one of two nodes that vote stays where it is: no majority could let it in", async () => {
  await using cluster = await Cluster.start({ size: 2 });
  const [first, second] = cluster.nodes;
  assert.ok(first && second);
  await first.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)", insert]);
  await cluster.converged(rows);
  await second.kill("SIGTERM");
  await damageOldestSegment(second);
  second.start();
  assert.equal((await second.exited()).code, 1);
  await second.logs(/needs 2 other nodes that vote, and the cluster has 1\. Nothing was moved/);
  assert.ok(await Deno.stat(`${second.directory}/raft`));

  // The way out that it names.
  const wayOut = /stop (\S+), run raftlite recover -members ID=ADDRESS .* -join (\S+)\. Or/
    .exec(second.log);
  assert.deepEqual(wayOut?.slice(1), [first.raftAddress, first.raftAddress]);
  await first.kill("SIGTERM");
  const members = `${first.id}=${first.raftAddress}`;
  const recovered = await runProgram(
    ["recover", "-yes", "-members", members, first.directory],
    "",
  );
  assert.equal(recovered.code, 0, recovered.stderr);
  first.start();
  await first.ready();
  await Deno.remove(second.directory, { recursive: true });
  second.start(["-join", first.raftAddress]);
  await second.ready();
  await first.execute(["INSERT INTO t (v) VALUES ('last')"]);
  await cluster.converged(rows);
});
