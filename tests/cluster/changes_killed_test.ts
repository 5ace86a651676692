import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { contents } from "../changes/contents.ts";
import { changingRequests } from "../changes/random_changes.ts";
import { RebuiltCopy } from "../changes/rebuilt_copy.ts";
import { library, TestStore } from "../store/fixture.ts";
import { anySeed } from "../store/seeds.ts";
import { Cluster } from "./harness.ts";

/** What is told by its rows alone. */
const isChange = (sql: string) => !/^(alter|vacuum|create|drop|begin|commit|rollback)/i.test(sql);

const kills = 4;
const writers = 8;

Deno.test("the change log of a node that is killed again and again tells all that it did", async () => {
  const seed = anySeed();
  console.log(`RAFTLITE_SEED=${seed}`);
  const random = new Prng(seed);
  await using cluster = await Cluster.start({ size: 1, flags: ["-changes-size", "64MiB", "-fk"] });
  const [node] = cluster.nodes;
  assert.ok(node);
  const [first, ...others] = changingRequests(random, 4_000);
  const schema = first?.statements.map(({ sql }) => sql) ?? [];
  const requests = others.filter(({ statements }) => statements.every(({ sql }) => isChange(sql)));
  await node.execute(schema);
  let at = 0;
  let written = 0;
  for (let kill = 0; kill < kills; kill++) {
    const enough = at + 150 + random.below(200);
    const writing = Array.from({ length: writers }, async () => {
      for (let request = requests[at++]; request !== undefined; request = requests[at++]) {
        const body = JSON.stringify(request.statements.map(({ sql }) => sql));
        const path = `/db/execute?${request.transaction ? "transaction" : ""}`;
        const headers = { "content-type": "application/json" };
        const answer = await node.fetch(path, { method: "POST", body, headers }).catch(() => {});
        if (answer === undefined) return;
        if (++written && at > enough) await node.kill().catch(() => {});
      }
    });
    await Promise.all(writing);
    if (kill === kills - 1) break;
    node.start();
    await node.ready();
  }
  assert.ok(written > 300, `only ${written} requests were answered`);
  await using store = await TestStore.open({
    directory: node.directory,
    changesBytes: 64 * 1024 * 1024,
    foreignKeys: true,
  });
  const log = store.store.changes;
  assert.ok(log !== undefined);
  assert.equal(log.status.oldest, 1, "Changes are missing");
  const copy = new RebuiltCopy(library, store.path, `${node.directory}/copy`);
  const groups = log.read({ index: 1, change: 0 }, Number.POSITIVE_INFINITY).groups;
  const indexes = groups.map(({ index }) => index);
  assert.deepEqual(indexes, [...indexes].sort((one, other) => one - other));
  copy.begin(schema, (indexes[0] ?? 0) + 1);
  copy.follow(log, store.store.applied.index);
  assert.deepEqual(contents(copy.path), contents(store.path), `seed ${seed}`);
  assert.equal(copy.copies, 0);
});
