import { strict as assert } from "node:assert";
import { Announcement } from "../../src/cluster/announcement.ts";
import { Formation, type Formed } from "../../src/member/formation.ts";
import { encodeForm } from "../../src/cluster/member_wire.ts";
import { readAnswer, RequestKind } from "../../src/cluster/wire.ts";
import type { Logger } from "../../src/io/types.ts";
import { newestVersion } from "../../src/raft/cluster_version.ts";
import type { Member } from "../../src/raft/types.ts";
import {
  type RequestCall,
  type Transport,
  TransportError,
  type TransportHandlers,
} from "../../src/transport/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

const quiet: Logger = { log: () => {} };
/** The running test's, whose time passes when nothing else is to be done: no machine is too slow for it. */
let clock = new SimulatedClock();

function test(name: string, body: () => Promise<void>): void {
  Deno.test(name, async () => {
    clock = new SimulatedClock();
    await clock.run(body());
  });
}

/** Requests go straight to the handlers at an address. */
class Exchange {
  readonly #handlers = new Map<string, TransportHandlers>();
  /** Addresses that cannot be reached. */
  readonly away = new Set<string>();
  /** Of clusters, what the node at an address understands; the first where nothing is said. */
  readonly versions = new Map<string, number>();

  put(address: string, handlers: TransportHandlers): void {
    this.#handlers.set(address, handlers);
  }

  transport(from: Member): Transport {
    return {
      versionAt: (address: string) => this.versions.get(address) ?? 1,
      request: async ({ address, kind, payload }: RequestCall) => {
        await clock.wait(100);
        const handlers = this.#handlers.get(address);
        if (handlers === undefined || this.away.has(address)) {
          throw new TransportError("unreachable", `Nobody at ${address}`);
        }
        const { id, address: remoteAddress } = from;
        const peer = { id, address: remoteAddress, remoteAddress, member: false, version: 1 };
        return await handlers.request(peer, kind, payload, new AbortController().signal);
      },
    } as unknown as Transport;
  }
}

function member(n: number): Member {
  return { id: `${n}`, address: `host${n}:4002`, httpAddress: `host${n}:4001`, suffrage: "voter" };
}

/** Ids of clusters that were drawn: no two are the same. */
let drawn = 0;

/** A node that waits for `expect` nodes and knows the addresses of `others`. */
function formation(
  exchange: Exchange,
  n: number,
  expect: number,
  others: number[],
  logger = quiet,
): Formation {
  const subject = new Formation({
    member: member(n),
    seeds: {
      look: () => Promise.resolve(true),
      addresses: () => Promise.resolve(others.map((other) => member(other).address)),
    },
    expect,
    timeoutMs: 60_000,
    transport: exchange.transport(member(n)),
    clock,
    logger,
    version: "",
    newClusterId: () => `${n}${drawn++}`.padStart(16, "0"),
  });
  exchange.put(member(n).address, subject);
  return subject;
}

/** A member of a cluster of `members` without a leader; ends with `announcing`. */
function announce(
  exchange: Exchange,
  clusterId: string,
  members: readonly Member[],
  announcing: DisposableStack,
): void {
  const [self] = members;
  assert(self);
  const announcement = new Announcement({
    node: {
      id: self.id,
      status: { role: "follower", term: 1, leader: "" },
      configuration: { members },
    },
    transport: exchange.transport(self),
    clock,
    logger: quiet,
    clusterId: () => clusterId,
  });
  announcing.defer(() => announcement.stop());
  announcement.changed();
}

/** Runs formations to their end; one that forms the cluster tells the others. */
async function run(exchange: Exchange, ...subjects: Formation[]): Promise<Formed[]> {
  using announcing = new DisposableStack();
  return await Promise.all(subjects.map(async (subject) => {
    const formed = await subject.run();
    if (formed.type === "former") {
      announce(exchange, formed.clusterId, formed.configuration.members, announcing);
    }
    return formed;
  }));
}

test("Formation makes one cluster of nodes that know each other", async () => {
  const exchange = new Exchange();
  const all = [1, 2, 3];
  const formed = await run(exchange, ...all.map((n) => formation(exchange, n, 3, all)));
  const [first, ...others] = formed;
  assert.equal(first?.type, "former");
  if (first?.type !== "former") return;
  assert.deepEqual(first.configuration.members.map((m) => m.id), ["1", "2", "3"]);
  for (const other of others) {
    assert.deepEqual(other, { type: "member", clusterId: first.clusterId });
  }
});

test("Formation begins a cluster of the version that all of its nodes understand", async () => {
  for (const [versions, version] of [[[2, 2], 2], [[2, 1], 1], [[9, 9], newestVersion]] as const) {
    const exchange = new Exchange();
    for (const [i, each] of versions.entries()) exchange.versions.set(member(i + 2).address, each);
    const all = [1, 2, 3];
    const [former] = await run(exchange, ...all.map((n) => formation(exchange, n, 3, all)));
    assert(former?.type === "former");
    assert.equal(former.configuration.version, version);
  }
});

test("Formation waits for a node that is late", async () => {
  const exchange = new Exchange();
  exchange.away.add(member(3).address);
  const all = [1, 2, 3];
  const running = run(exchange, ...all.map((n) => formation(exchange, n, 3, all)));
  await clock.wait(2_000);
  exchange.away.clear();
  const formed = await running;
  assert.deepEqual(formed.map((f) => f.type), ["former", "member", "member"]);
});

test("Formation lets sets of nodes that overlap become at most one cluster", async () => {
  const exchange = new Exchange();
  // 1 knows 2 and 3, 2 knows 3 and 4: both could come first among three.
  const views: [number, number[]][] = [[1, [2, 3]], [2, [3, 4]], [3, [1, 2]], [4, [2, 3]]];
  const subjects = views.map(([n, others]) => formation(exchange, n, 3, others));
  const clusters = new Set<string>();
  const running = subjects.map(async (subject) => {
    const [formed] = await run(exchange, subject).catch(() => []);
    if (formed !== undefined && formed.type !== "exists") clusters.add(formed.clusterId);
  });
  await Promise.all(running);
  assert.equal(clusters.size, 1, [...clusters].join());
});

test("Formation gives up with what it was waiting for", async () => {
  const exchange = new Exchange();
  await assert.rejects(
    formation(exchange, 1, 3, [1, 2, 3]).run(),
    /heard of 1 \(Nobody at host2:4002; Nobody at host3:4002\)/,
  );
});

test("Formation warns of each address that cannot be asked, once", async () => {
  const exchange = new Exchange();
  const lines: string[] = [];
  const logger: Logger = {
    log: (level, _room, text) => void (level === "WARN" && lines.push(text)),
  };
  await assert.rejects(formation(exchange, 1, 3, [2, 3], logger).run());
  assert.deepEqual(lines.map((line) => line.slice(0, "Nobody at host2:4002".length)), [
    "Nobody at host2:4002",
    "Nobody at host3:4002",
  ]);
});

test("Formation promises itself to one cluster at a time", async () => {
  const exchange = new Exchange();
  const subject = formation(exchange, 2, 3, []);
  const ask = async (phase: "prepare" | "commit", clusterId: string, to = member(2).id) => {
    const transport = exchange.transport(member(1));
    const payload = encodeForm({ phase, clusterId, to });
    const options = { timeoutMs: 1000 };
    readAnswer(
      await transport.request(
        { address: member(2).address, kind: RequestKind.form, payload },
        options,
      ),
    );
  };
  const [a, b] = ["a".repeat(16), "b".repeat(16)] as const;
  await assert.rejects(ask("prepare", b, `${member(2).id}/0badcafe`), /lost its data/);
  await ask("prepare", a);
  await ask("prepare", a);
  await assert.rejects(ask("prepare", b), /promised itself to another cluster/);
  await ask("commit", a);
  await assert.rejects(ask("commit", b), /in another cluster/);
  assert.deepEqual(await subject.run(), { type: "member", clusterId: a });
});

test("Formation forms a cluster of nodes that have promised themselves to one that came to nothing, at different times", async () => {
  const exchange = new Exchange();
  const all = [1, 2, 3];
  const [first, second, third] = all.map((n) => formation(exchange, n, 3, all));
  assert(first && second && third);
  // As a node did that died behind its question to one of them, and in the midst of another life.
  const dead = exchange.transport(member(1));
  const promise = async (n: number) => {
    const payload = encodeForm({
      phase: "prepare",
      clusterId: `dead${n}`.padStart(16, "0"),
      to: `${n}`,
    });
    const { address } = member(n);
    readAnswer(
      await dead.request({ address, kind: RequestKind.form, payload }, { timeoutMs: 1000 }),
    );
  };
  await promise(2);
  // Half of the time that a promise holds.
  await clock.wait(2_500);
  await promise(3);
  const [formed] = await run(exchange, first, second, third);
  assert.equal(formed?.type, "former");
});

test("Formation does not count its node twice when it meets it under another name", async () => {
  const exchange = new Exchange();
  const subject = formation(exchange, 1, 2, [1, 7]);
  exchange.put(member(7).address, subject);
  await assert.rejects(subject.run(), /heard of 1/);
});

test("Formation ends when another node has this node's id", async () => {
  const exchange = new Exchange();
  const subject = formation(exchange, 1, 2, [7]);
  const namesake = new Formation({
    member: { ...member(1), address: member(7).address },
    seeds: { look: () => Promise.resolve(true), addresses: () => Promise.resolve([]) },
    expect: 2,
    timeoutMs: 60_000,
    transport: exchange.transport(member(7)),
    clock,
    logger: quiet,
    version: "",
    newClusterId: () => "7".repeat(16),
  });
  exchange.put(member(7).address, namesake);
  await assert.rejects(subject.run(), /host7:4002 has this node's id 1, too; .* -node-id/);
});

test("Announcement brings a node that waits into the cluster of any member, once it is there", async () => {
  const exchange = new Exchange();
  const waiting = run(exchange, formation(exchange, 2, 3, [1, 2, 3]));
  exchange.away.add(member(2).address);
  using announcing = new DisposableStack();
  announce(exchange, "a".repeat(16), [member(3), member(2), member(1)], announcing);
  await clock.wait(2_000);
  exchange.away.clear();
  assert.deepEqual(await waiting, [{ type: "member", clusterId: "a".repeat(16) }]);
});

test("Formation of one node waits for those that it is to join, were they away for ever", async () => {
  const exchange = new Exchange();
  await assert.rejects(formation(exchange, 1, 1, [2]).run(), /came together/);
  assert.equal((await formation(exchange, 1, 1, [1]).run()).type, "former");
});
