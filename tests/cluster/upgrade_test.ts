import { strict as assert } from "node:assert";
import { Upgrade } from "../../src/cluster/upgrade.ts";
import { encodeRaise } from "../../src/cluster/member_wire.ts";
import { RequestKind } from "../../src/cluster/wire.ts";
import type { ByteReader } from "../../src/base/bytes.ts";
import { newestVersion } from "../../src/raft/cluster_version.ts";
import type { Configuration, Member } from "../../src/raft/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

function member(n: number): Member {
  return {
    id: `n${n}/0000000${n}`,
    address: `host${n}:4002`,
    httpAddress: `host${n}:4001`,
    suffrage: "voter",
  };
}

/** An upgrade at n1 of three nodes, of which the others understand what `versions` says. */
function upgradeWith(versions: Readonly<Record<string, number>>) {
  const raised: number[] = [];
  const asked: number[] = [];
  const lines: string[] = [];
  const node = {
    id: member(1).id,
    isLeader: true,
    configuration: { members: [1, 2, 3].map(member) } as Configuration,
  };
  const upgrade = new Upgrade({
    node,
    transport: {
      versionAt: (address) => versions[address] ?? Promise.reject(new Error("Connection refused")),
    },
    membership: {
      raise: (version) => {
        raised.push(version);
        return Promise.resolve();
      },
    },
    clock: new SimulatedClock(),
    logger: { log: (_level, _room, line) => void lines.push(line) },
  });
  const calls = {
    atLeader: (kind: number, payload: () => Uint8Array) => {
      asked.push(kind);
      assert.deepEqual(payload(), encodeRaise({ version: newestVersion }));
      return Promise.resolve({} as ByteReader);
    },
  };
  return { upgrade, node, raised, asked, lines, calls };
}

Deno.test("Upgrade asks the leader once all members understand the version", async () => {
  const { upgrade, calls, asked } = upgradeWith({ "host2:4002": 2, "host3:4002": 3 });
  assert.equal(await upgrade.start(calls, 1_000), newestVersion);
  assert.deepEqual(asked, [RequestKind.raise]);
});

Deno.test("Upgrade names the members that are too old or cannot be asked, and asks no leader", async () => {
  const { upgrade, calls, asked, raised } = upgradeWith({ "host2:4002": 1 });
  const refusal = {
    name: "ServiceError",
    kind: "failed",
    message: "Not raised to version 2: node n2 at host2:4002 knows versions up to 1 only: " +
      "start a newer release; node n3 at host3:4002 cannot be asked: Connection refused",
  };
  await assert.rejects(upgrade.start(calls, 1_000), refusal);
  await assert.rejects(upgrade.handle(encodeRaise({ version: 2 }), 1_000), refusal);
  assert.deepEqual([asked, raised], [[], []]);
});

Deno.test("Upgrade as the leader raises to what it was asked for, unless it does not know that", async () => {
  const { upgrade, raised } = upgradeWith({ "host2:4002": 3, "host3:4002": 3 });
  await upgrade.handle(encodeRaise({ version: 2 }), 1_000);
  assert.deepEqual(raised, [2]);
  await assert.rejects(
    upgrade.handle(encodeRaise({ version: 3 }), 1_000),
    /this raftlite knows versions up to 2/,
  );
  assert.deepEqual(raised, [2]);
});

Deno.test("Upgrade says once in each leadership that the version can be raised", () => {
  const { upgrade, node, lines } = upgradeWith({});
  upgrade.changed();
  upgrade.changed();
  assert.equal(lines.length, 1);
  assert.match(
    lines[0] ?? "",
    /has version 1, this release brings 2: .* no older release can take/,
  );
  node.isLeader = false;
  upgrade.changed();
  node.isLeader = true;
  upgrade.changed();
  assert.equal(lines.length, 2);
  node.configuration = { ...node.configuration, version: newestVersion };
  upgrade.changed();
  assert.equal(lines.length, 2);
});
