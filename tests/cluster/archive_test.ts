import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { Prng } from "../../src/base/prng.ts";
import { error, S3StandIn } from "../object_store/s3_stand_in.ts";
import { s3Config } from "../backup/fixture.ts";
import { withDirectory } from "../directory.ts";
import { sqlite3 } from "../store/fixture.ts";
import { anySeed } from "../store/seeds.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

const mainPath = fileURLToPath(new URL("../../main.ts", import.meta.url));

interface ArchiveStatus {
  readonly index: number;
  readonly entries_behind: number;
  readonly num_gaps: number;
  readonly failing?: { readonly times: number; readonly error: string };
}

async function archive(node: NodeProcess): Promise<ArchiveStatus> {
  return (await node.status())["archive"] as ArchiveStatus;
}

/** Runs raftlite restore. */
async function restore(...args: string[]): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", mainPath, "restore", ...args],
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, output: text.decode(stdout) + text.decode(stderr) };
}

const rows =
  "SELECT count(*), ifnull(sum(v), 0), CAST(max(at) * 86400000 AS INTEGER), group_concat(r) FROM t";

async function archived(cluster: Cluster, index: number): Promise<void> {
  await eventually(
    () => `index ${index} in the archive\n${cluster.nodes.map(({ log }) => log).join("\n")}`,
    async () => (await archive(await cluster.leader())).index >= index,
  );
}

Deno.test("an archive has every write of a cluster whose leaders are killed, whose members change and which loads a file; each point is restored to the row", async () => {
  const seed = anySeed();
  console.log(`seed ${seed}`);
  const random = new Prng(seed);
  await withDirectory(async (directory) => {
    const target = `${directory}/archive`;
    const flags = ["-archive", target, "-archive-lag", "200ms", "-archive-base-interval", "2s"];
    await using cluster = await Cluster.start({ flags: [...flags, "-raft-snap", "40"] });
    const was = new Map<number, { rows: string; time: number }>();
    const note = async (node: NodeProcess, index: number) => {
      const [row] = await node.query(rows);
      was.set(index, { rows: (row ?? []).join("|"), time: Date.now() });
    };
    let leader = await cluster.leader();
    await leader.write(
      "CREATE TABLE t (v, at DEFAULT (julianday('now')), r DEFAULT (abs(random()) % 1000))",
    );
    for (let step = 0; step < 60; step++) {
      const index = await leader.write(`INSERT INTO t (v) VALUES (${step})`);
      if (random.chance(0.15)) await note(leader, index);
      if (step === 20) {
        await leader.kill();
        const old = leader;
        leader = await cluster.leader(old);
        old.start();
        await old.ready();
      }
      if (step === 30) await cluster.add();
      if (step === 40) {
        const file = await Deno.makeTempFile({ dir: directory });
        await Deno.remove(file);
        assert.equal(
          sqlite3(file, "CREATE TABLE t (v, at, r DEFAULT 5); INSERT INTO t VALUES (7, 1, 2)"),
          "",
        );
        const body = await Deno.readFile(file);
        const headers = { "content-type": "application/octet-stream" };
        const loaded = await leader.fetch("/db/load", { method: "POST", headers, body });
        assert.equal(loaded.status, 200, loaded.body);
      }
      if (step === 50) await leader.fetch("/snapshot?trailing_logs=0", { method: "POST" });
    }
    const last = await leader.write("INSERT INTO t (v) VALUES (1000)");
    await note(leader, last);
    await archived(cluster, last);
    assert.equal((await archive(leader)).num_gaps, 0);

    const verified = await restore("-from", target, "-verify");
    assert.deepEqual([verified.code, /All of it is sound/.test(verified.output)], [0, true]);
    for (const [index, expectation] of was) {
      const output = `${directory}/at-${index}.sqlite3`;
      const made = await restore("-from", target, "-index", String(index), output);
      if (/begins at index/.test(made.output)) continue;
      assert.equal(made.code, 0, made.output);
      assert.equal(sqlite3(output, rows).trim(), expectation.rows, `index ${index}`);
      assert.equal(sqlite3(output, "PRAGMA integrity_check").trim(), "ok");
    }
    const newest = `${directory}/newest.sqlite3`;
    assert.equal((await restore("-from", target, newest)).code, 0);
    assert.equal(sqlite3(newest, rows).trim(), was.get(last)?.rows);
    const again = await restore("-from", target, newest);
    assert.deepEqual([again.code, /is there already/.test(again.output)], [1, true]);
    const beyond = await restore("-from", target, "-index", "100000", `${newest}2`);
    assert.equal(beyond.code, 1);
    assert.match(beyond.output, /goes from its base copy to index \d+ only/);
  });
});

Deno.test("an archive restores the moment before a mistake, from S3 too, and goes on behind a store that failed", async () => {
  await using standIn = new S3StandIn();
  await withDirectory(async (directory) => {
    const target = `${directory}/archive.json`;
    await Deno.writeTextFile(target, JSON.stringify(s3Config(standIn, {}, { path: "arch" })));
    const flags = ["-archive", target, "-archive-lag", "100ms"];
    await using cluster = await Cluster.start({ size: 1, flags });
    const node = await cluster.leader();
    const rows = ["CREATE TABLE t (v)", "INSERT INTO t VALUES (1), (2), (3)"];
    await archived(cluster, await node.write(...rows));
    let broken = true;
    standIn.fault = () => broken ? error(503, "SlowDown") : undefined;
    const before = new Date(Date.now() + 5);
    await eventually("the clock to be behind it", () => Date.now() > before.getTime() + 5);
    const mistake = await node.write("DELETE FROM t");
    await eventually("a failure", async () => (await archive(node)).failing);
    broken = false;
    await archived(cluster, mistake);
    const output = `${directory}/out.sqlite3`;
    const made = await restore("-from", target, "-at", before.toISOString(), output);
    assert.equal(made.code, 0, made.output);
    assert.equal(sqlite3(output, "SELECT count(*) FROM t").trim(), "3");

    // One byte of the log.
    const [key, object] = [...standIn.objects].find(([key]) => key.startsWith("arch/log/")) ?? [];
    assert.ok(key !== undefined && object !== undefined);
    const bytes = object.bytes.slice();
    bytes[bytes.length - 12] = (bytes.at(-12) ?? 0) ^ 1;
    standIn.objects.set(key, { ...object, bytes });
    const verified = await restore("-from", target, "-verify");
    assert.equal(verified.code, 1);
    assert.match(verified.output, /fault: .*arch\/log\/\d+\.gz is damaged/);
  });
});

Deno.test("an archive of another cluster is not written to", async () => {
  await withDirectory(async (directory) => {
    const flags = ["-archive", `${directory}/archive`, "-archive-lag", "50ms"];
    await using first = await Cluster.start({ size: 1, flags });
    await archived(first, await (await first.leader()).write("CREATE TABLE t (v)"));
    await using second = await Cluster.start({ size: 1, flags });
    const node = await second.leader();
    await eventually(
      () => `a refusal\n${node.log}`,
      async () => /is the archive of cluster/.test((await archive(node)).failing?.error ?? ""),
    );
  });
});
