import { strict as assert } from "node:assert";
import type { Survivor } from "../../src/member/survivor.ts";
import { lossText, survivorsText } from "../../src/cli/recover/report.ts";
import { Cluster } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { runProgram } from "./shell_program.ts";

function recover(...args: string[]) {
  return runProgram(["recover", ...args], "");
}

Deno.test("recover shows what is left, asks, and has one of three go on", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const [a, b, c] = cluster.nodes;
  assert(a && b && c);
  await a.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (7)"]);
  await cluster.converged(["SELECT n FROM t"]);
  const running = await recover(a.directory);
  assert.equal(running.code, 1);
  assert.match(running.stderr, /^fatal: .*(in use|another)/i);
  for (const node of cluster.nodes) await node.kill();

  const shown = await recover(a.directory, b.directory);
  assert.equal(shown.code, 0, shown.stderr);
  for (const node of [a, b]) {
    assert.match(shown.stdout, new RegExp(`Node ${node.id} in ${node.directory}\n`));
  }
  assert.match(shown.stdout, new RegExp(`${c.id} at ${c.raftAddress} \\(voter\\)`));
  assert.match(shown.stdout, /has the newest log of these/);

  const members = `${a.id}=${a.raftAddress}`;
  const unasked = await recover("-members", members, a.directory);
  assert.equal(unasked.code, 1);
  assert.match(unasked.stderr, /give -yes/);
  const without = await recover("-members", members, "-yes", b.directory);
  assert.match(without.stderr, new RegExp(`^fatal: -members leaves out node ${b.id}`));
  const stranger = await recover("-members", `${members},x=127.0.0.1:9`, "-yes", a.directory);
  assert.match(stranger.stderr, /^fatal: -members names node x, of which/);

  const done = await recover("-members", members, "-yes", a.directory);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, new RegExp(`Left out: ${b.id} at .*, ${c.id} at `));
  assert.match(
    done.stdout,
    /acknowledged may be lost: each was on 2 of 3 voters, of which 1 is left/,
  );
  a.start();
  await a.ready();
  await a.execute(["INSERT INTO t VALUES (8)"]);
  assert.deepEqual(await a.query("SELECT n FROM t ORDER BY n"), [[7], [8]]);
  assert.deepEqual(Object.keys(JSON.parse((await a.fetch("/nodes")).body)), [a.id]);
  await a.kill();
  const again = await recover("-members", members, "-yes", a.directory);
  assert.match(again.stderr, /raft\.before-recovery is left from an earlier recovery/);
});

Deno.test("recover explains itself, and says what is wrong with what it is given", async () => {
  const help = await recover("-help");
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: raftlite recover \[flags\] DATA_DIR/);
  await withDirectory(async (directory) => {
    const cases: readonly [RegExp, ...string[]][] = [
      [/No directory .* is there/, `${directory}/nosuch`],
      [/has no data of a node that is in a cluster/, directory],
      [/Unknown flag -member/, "-member", "x"],
      [/Invalid value "a" for flag -members: write it as ID=HOST:PORT/, "-members", "a", directory],
      [/Invalid value "a=b" for flag -members: b has no port/, "-members=a=b", directory],
      [/name a node twice/, "-members=a=b:1,a=c:1", directory],
      [/-members names no voter/, "-non-voters=a=b:1", directory],
    ];
    for (const [text, ...args] of cases) {
      const { code, stderr } = await recover(...args);
      assert.notEqual(code, 0);
      assert.match(stderr, text);
    }
  });
});

function survivor(
  id: string,
  voters: number,
  last: readonly [term: number, index: number],
): Survivor {
  const [lastTerm, lastIndex] = last;
  const members = Array.from({ length: voters }, (_, i) => ({
    id: `${i + 1}`,
    address: `h${i + 1}:4002`,
    httpAddress: "",
    suffrage: "voter" as const,
  }));
  const clusterId = "0123456789abcdef";
  const directory = `/data/${id}`;
  const check = () => {};
  return {
    directory,
    nodeId: id,
    clusterId,
    lastIndex,
    lastTerm,
    appliedIndex: lastIndex,
    members: { members },
    check,
  };
}

Deno.test("The report of recover says who is ahead and what may be lost", () => {
  const text = survivorsText([survivor("1", 3, [4, 10]), survivor("2", 3, [5, 9])]);
  assert.match(text, /Node 2 has the newest log/);
  const peers = (count: number) =>
    Array.from(
      { length: count },
      (_, i) => ({ id: `${i + 1}`, address: `h${i + 1}:4002`, nonVoter: false }),
    );
  assert.match(
    lossText(survivor("1", 5, [1, 1]), peers(2)),
    /may be lost: each was on 3 of 5 voters, of which 2 are left/,
  );
  assert.match(
    lossText(survivor("1", 4, [1, 1]), peers(2)),
    /Every write that was acknowledged is on one of them/,
  );
  assert.match(lossText(survivor("1", 3, [1, 1]), peers(2)), /2 of 3 voters are a majority/);
});
