import { strict as assert } from "node:assert";
import { ClusterIdentity } from "../../src/member/cluster_identity.ts";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { SystemRandom } from "../../src/io/system_random.ts";

async function withDirectory(
  test: (read: (nodeId?: string) => Promise<ClusterIdentity>) => Promise<void>,
): Promise<void> {
  const dataDirectory = await Deno.makeTempDir({ prefix: "raftlite-test-" });
  try {
    await test((nodeId = "1") =>
      ClusterIdentity.read(new DenoDisk(), new SystemRandom(), { dataDirectory, nodeId })
    );
  } finally {
    await Deno.remove(dataDirectory, { recursive: true });
  }
}

Deno.test("ClusterIdentity keeps the id of a server that has been in no cluster, under its name", () =>
  withDirectory(async (read) => {
    const identity = await read();
    assert.equal(identity.unused, false);
    await identity.begin("");
    const again = await read();
    assert.equal(again.unused, true);
    assert.equal(again.serverId, identity.serverId);
    assert.equal((await read("2")).unused, false);
  }));

Deno.test("ClusterIdentity gives a server that has been in a cluster another id when it begins anew", () =>
  withDirectory(async (read) => {
    const identity = await read();
    await identity.begin("");
    await identity.adopt("0123456789abcdef");
    const again = await read();
    assert.equal(again.unused, false);
    assert.equal(again.serverId, identity.serverId);
    await again.begin("");
    assert.notEqual(again.serverId, identity.serverId);
    assert.equal((await read()).serverId, again.serverId);
    assert.equal((await read()).clusterId, "");
    await again.adopt("0123456789abcdef");
    await assert.rejects(read("2"), /belongs to node 1, not 2/);
  }));
