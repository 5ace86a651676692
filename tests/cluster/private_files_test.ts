import { strict as assert } from "node:assert";
import { join } from "node:path";
import { Cluster, eventually } from "./harness.ts";

/** What is below a directory, itself too: its permissions by its path. */
async function modesIn(path: string): Promise<Map<string, number>> {
  const modes = new Map<string, number>();
  const entry = await Deno.lstat(path).catch(() => undefined);
  // It may be gone meanwhile.
  if (entry === undefined) return modes;
  modes.set(path, (entry.mode ?? 0) & 0o777);
  if (!entry.isDirectory) return modes;
  for await (const { name } of Deno.readDir(path)) {
    for (const [inner, mode] of await modesIn(join(path, name))) modes.set(inner, mode);
  }
  return modes;
}

function openOnes(modes: ReadonlyMap<string, number>): string[] {
  return [...modes].filter(([, mode]) => (mode & 0o077) !== 0)
    .map(([path, mode]) => `${path} ${mode.toString(8)}`);
}

Deno.test({
  name: "what a node makes is for its own user only, also while it is under way",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using cluster = await Cluster.start({ size: 1 });
    const [first] = cluster.nodes;
    assert(first);
    await first.execute(["CREATE TABLE t (a)", "INSERT INTO t VALUES (randomblob(100000))"]);
    assert.equal((await first.fetch("/snapshot", { method: "POST" })).status, 200);
    // Gets a snapshot.
    const second = await cluster.add();
    // An upload that stays half done.
    const image = new Uint8Array(await (await fetch(`${first.url}/db/backup`)).arrayBuffer());
    let end: (() => void) | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(image.subarray(0, 50_000));
        end = () => {
          controller.enqueue(image.subarray(50_000));
          controller.close();
        };
      },
    });
    const loading = first.fetch("/db/load", { method: "POST", body });
    await eventually("the upload's file", async () => {
      return [...(await modesIn(first.directory)).keys()].some((path) => path.includes("-upload-"));
    });
    for (const node of [first, second]) {
      const modes = await modesIn(node.directory);
      assert.ok(modes.size > 5, [...modes.keys()].join());
      assert.deepEqual(openOnes(modes), []);
      assert.ok(!node.log.includes("open to other users"));
    }
    end?.();
    assert.equal((await loading).status, 200);
    for (const node of [first, second]) {
      assert.deepEqual(openOnes(await modesIn(node.directory)), []);
    }
  },
});

Deno.test({
  name: "a data directory that is open stays so, and the node says it",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using cluster = await Cluster.start({ size: 0 });
    const node = cluster.create();
    await Deno.mkdir(node.directory);
    await Deno.chmod(node.directory, 0o755);
    node.start();
    await node.ready();
    await node.execute(["CREATE TABLE t (a)"]);
    await node.logs(/WARN .*is open to other users of this machine: chmod -R go= /);
    const modes = await modesIn(node.directory);
    assert.deepEqual(openOnes(modes), [`${node.directory} 755`]);
  },
});
