import assert from "node:assert/strict";
import { natsProgram, NatsServer } from "../cdc/nats_server.ts";
import { withDirectory } from "../directory.ts";
import { testWith } from "../metrics/outside_program.ts";
import { Cluster, eventually } from "./harness.ts";

interface Event {
  readonly op: "c" | "u" | "d" | "m";
  readonly before?: { readonly id: number; readonly a: number } | null;
  readonly after?: { readonly id: number; readonly a: number } | null;
  readonly source: { readonly index: number; readonly change: number };
}

testWith(
  natsProgram,
  "a table made of what is in JetStream is the cluster's, though its leader and NATS are killed",
  async () => {
    await using nats = await NatsServer.start();
    await nats.makeStream();
    await withDirectory(async (directory) => {
      const path = `${directory}/cdc.json`;
      const config = {
        ...{ endpoint: nats.endpoint, format: "debezium", max_batch_delay: "5ms" },
        ...{ transmit_min_backoff: "50ms", high_watermark_interval: "100ms" },
      };
      await Deno.writeTextFile(path, JSON.stringify(config));
      await using cluster = await Cluster.start({ size: 3, flags: ["-cdc-config", path] });
      const first = await cluster.leader();
      await first.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER)"]);
      const other = cluster.nodes.find((node) => node !== first);
      assert.ok(other);
      let written = 0;
      const write = async (count: number) => {
        for (let i = 0; i < count; i++) {
          const n = ++written;
          await eventually("a write", async () => {
            await other.execute([
              `INSERT OR REPLACE INTO t VALUES (${n % 17}, ${n})`,
              `UPDATE t SET id = id + 100 WHERE id = ${n % 5}`,
              `DELETE FROM t WHERE id = ${100 + n % 7}`,
            ]);
            return true;
          });
        }
      };
      await write(30);
      await nats.kill();
      await write(10);
      await first.kill("SIGKILL");
      await write(10);
      await nats.start();
      await write(10);
      await eventually("the last write", async () => {
        await other.execute(["INSERT OR REPLACE INTO t VALUES (1000, 1000)"]);
        return true;
      });
      const expected = await eventually(
        "the rows",
        () => other.query("SELECT id, a FROM t ORDER BY id"),
      );
      const stored = await eventually("the last row", async () => {
        const all = await nats.stored();
        return all.at(-1)?.text.includes('"id":1000') === true && all;
      });
      assert.equal(new Set(stored.map(({ id }) => id)).size, stored.length);
      const rows = new Map<number, number>();
      let last = [0, 0];
      for (const { subject, text } of stored) {
        const { op, before, after, source: { index, change } }: Event = JSON.parse(text);
        const [lastIndex = 0, lastChange = 0] = last;
        const isBehind = index > lastIndex || (index === lastIndex && change >= lastChange);
        assert.ok(isBehind, `${index}.${change} is behind ${last.join(".")}`);
        last = [index, change];
        assert.equal(subject, `raftlite.changes.${op === "m" ? "_message" : "t"}`);
        if (before) {
          assert.equal(rows.get(before.id), before.a);
          rows.delete(before.id);
        }
        if (after) rows.set(after.id, after.a);
      }
      assert.deepEqual([...rows].sort(([a], [b]) => a - b), expected);
    });
  },
  { sanitizeResources: false },
);
