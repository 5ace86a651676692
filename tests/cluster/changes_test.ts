/** The stream of changes of real nodes, followed from one to the next while they are killed. */
import { strict as assert } from "node:assert";
import { background } from "../background.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

interface Told {
  readonly next: string;
  readonly end?: true;
  readonly index?: number;
  readonly changes?: readonly {
    readonly op: string;
    readonly old_row_id?: number;
    readonly new_row_id?: number;
    readonly after?: { readonly a: number };
  }[];
}

/** A copy of one table, made of nothing but what streams tell. */
class Copy {
  readonly rows = new Map<number, number>();
  /** Where each event began: none may come twice. */
  readonly seen = new Set<string>();
  position = "1";

  take({ next, index, changes = [] }: Told): void {
    if (index !== undefined) {
      assert(!this.seen.has(this.position), `What is at ${this.position} has come twice`);
      this.seen.add(this.position);
    }
    this.position = next;
    for (const { op, old_row_id: old, new_row_id: id, after } of changes) {
      if (op === "read_again") continue;
      if (old !== undefined) assert(this.rows.delete(old), `Row ${old} is not there to ${op}`);
      if (id !== undefined && after !== undefined) this.rows.set(id, after.a);
    }
  }
}

/** Follows one node until its stream ends or breaks off. */
async function follow(node: NodeProcess, copy: Copy, signal: AbortSignal): Promise<void> {
  const url = `${node.url}/db/changes?from=${copy.position}&format=ndjson&tables=t`;
  const response = await fetch(url, { signal });
  assert.equal(response.status, 200, response.ok ? "" : await response.text());
  let rest = "";
  const pieces = response.body?.pipeThrough(new TextDecoderStream()) ?? [];
  for await (const piece of pieces) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) copy.take(JSON.parse(line));
  }
}

Deno.test("a copy made of streams alone is the table, though nodes are killed that it follows", async () => {
  await using cluster = await Cluster.start({ size: 3, flags: ["-changes-size", "64MiB"] });
  const first = await cluster.leader();
  await first.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER UNIQUE)"]);
  const copy = new Copy();
  const ended = new AbortController();
  const following = background(async () => {
    for (let i = 0; !ended.signal.aborted; i++) {
      const node = cluster.nodes[i % 3];
      // One that is killed, starts, or has not got so far yet: another is asked.
      await follow(node as NodeProcess, copy, ended.signal).catch((error) => {
        if (error instanceof assert.AssertionError) throw error;
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  let value = 0;
  const writing = background(async () => {
    while (!ended.signal.aborted) {
      const node = cluster.nodes[value % 3] as NodeProcess;
      value++;
      await node.execute([
        `INSERT INTO t (a) VALUES (${value})`,
        `INSERT OR REPLACE INTO t (id, a) VALUES (${value % 7 + 1}, ${value - 3})`,
        `UPDATE t SET a = a + 1000000 WHERE id = ${value % 50}`,
        `DELETE FROM t WHERE id % 11 = ${value % 11} AND a < ${value - 20}`,
      ]).catch(() => {});
    }
  });
  for (let round = 0; round < 3; round++) {
    const victim = round === 1 ? await cluster.leader() : cluster.nodes[round] as NodeProcess;
    const before = copy.seen.size;
    await eventually("news", () => Promise.resolve(copy.seen.size > before + 10));
    await victim.kill();
    await eventually("news without it", () => Promise.resolve(copy.seen.size > before + 20));
    victim.start();
    await victim.ready();
  }
  ended.abort();
  await writing;
  await following;
  const leader = await cluster.leader();
  const last = -1;
  await leader.execute([`INSERT INTO t (a) VALUES (${last})`]);
  for (const node of cluster.nodes) {
    const rows = await node.query("SELECT id, a FROM t ORDER BY id", "linearizable");
    // In one go, and over all those breaks.
    for (const each of [new Copy(), copy]) {
      const rest = new AbortController();
      const done = follow(node, each, rest.signal).catch(() => {});
      await eventually(
        "the last row",
        () => Promise.resolve([...each.rows.values()].includes(last)),
      );
      rest.abort();
      await done;
      assert.deepEqual([...each.rows].sort(([a], [b]) => a - b), rows, node.id);
    }
  }
});
