import { strict as assert } from "node:assert";
import { ClusterCounts } from "../../src/cluster/types.ts";
import { LeaderWatch } from "../../src/cluster/leader_watch.ts";
import { Membership } from "../../src/cluster/membership.ts";
import { PromotionLog } from "../../src/cluster/promotion_log.ts";
import { type JoinCall } from "../../src/cluster/member_wire.ts";
import { beginAnswer, writeIdentification } from "../../src/cluster/wire.ts";
import type { Node } from "../../src/node/node.ts";
import { NodeError } from "../../src/node/types.ts";
import { changedConfiguration } from "../../src/raft/configuration.ts";
import type { Configuration, Member, MembershipChange } from "../../src/raft/types.ts";
import { type RequestCall, type Transport, TransportError } from "../../src/transport/types.ts";
import { ManualClock } from "../transport/fixture.ts";

function member(id: string, address: string, suffrage: Member["suffrage"] = "voter"): Member {
  return { id, address, httpAddress: "", suffrage };
}

/** The leader 1/a, which makes a change of the members at once unless one is under way. */
class Setting {
  readonly lines: string[] = [];
  readonly membership: Membership;
  readonly leaders: LeaderWatch;
  /** Who answers at which address. */
  readonly living = new Map<string, string>();
  /** Where those who have a connection to the leader say that they are. */
  readonly callers = new Map<string, string>();
  busy = false;
  /** What a round of heartbeats shows: that another leads, or who is a member by now. */
  barrier: () => Promise<number> = () => Promise.resolve(0);
  configuration: Configuration = { members: [member("1/aaaaaaaa", "host1:4002")] };

  constructor() {
    const clock = new ManualClock();
    const node = {
      id: "1/aaaaaaaa",
      isLeader: true,
      status: { leader: "1/aaaaaaaa" },
      changeMembership: (change: MembershipChange) => {
        if (this.busy) return Promise.reject(new NodeError("membership_busy", "Under way"));
        this.configuration = changedConfiguration(this.configuration, change);
        return Promise.resolve();
      },
    };
    Object.defineProperty(node, "readBarrier", { value: () => this.barrier() });
    Object.defineProperty(node, "configuration", { get: () => this.configuration });
    const transport = {
      request: ({ address }: RequestCall) => Promise.resolve().then(() => this.#identify(address)),
      callerAddress: (id: string) => this.callers.get(id),
      addressOf: () => undefined,
    } as unknown as Transport;
    this.leaders = new LeaderWatch({ node: node as unknown as Node, clock, transport });
    this.membership = new Membership({
      node: node as unknown as Node,
      transport,
      leaders: this.leaders,
      clock,
      logger: { log: (_level, _room, text) => this.lines.push(text) },
      raftAddress: "host1:4002",
      counts: new ClusterCounts(),
    });
  }

  #identify(address: string): Uint8Array {
    const id = this.living.get(address);
    if (id === undefined) throw new TransportError("unreachable", `Nobody at ${address}`);
    const answer = beginAnswer();
    writeIdentification(answer, {
      clusterId: "",
      id,
      address,
      httpAddress: "",
      leader: "",
      leaderAddress: "",
      version: "",
    });
    return answer.copy();
  }

  join(id: string, address: string, suffrage: JoinCall["suffrage"] = "staging"): Promise<void> {
    this.living.set(address, id);
    const rest = { httpAddress: "", relayed: false, timeoutMs: 10_000, sqlite: new Uint8Array() };
    const call = { id, address, suffrage, ...rest };
    return this.membership.join(call);
  }

  /** The change that was under way is made. */
  free(): void {
    this.busy = false;
    this.leaders.changed();
  }

  get ids(): string[] {
    return this.configuration.members.map(({ id }) => id);
  }
}

/** Lets everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("Membership has one member of a name when two lives of a node waited to join", async () => {
  const s = new Setting();
  s.busy = true;
  const first = s.join("2/aaaaaaaa", "host2:4002");
  await settle();
  const second = s.join("2/bbbbbbbb", "host2:4002");
  await settle();
  s.free();
  await Promise.allSettled([first, second]);
  assert.deepEqual(s.ids, ["1/aaaaaaaa", "2/bbbbbbbb"]);
});

Deno.test("Membership gives an address to one of two nodes that waited to join with it", async () => {
  const s = new Setting();
  s.busy = true;
  const first = s.join("2/aaaaaaaa", "host2:4002");
  await settle();
  const second = s.join("3/aaaaaaaa", "host2:4002");
  await settle();
  s.living.set("host2:4002", "2/aaaaaaaa");
  s.free();
  await Promise.allSettled([first, second]);
  assert.deepEqual(s.ids, ["1/aaaaaaaa", "2/aaaaaaaa"]);
  await assert.rejects(second, { kind: "invalid", message: /belongs to node 2/ });
});

Deno.test("Membership leaves a member that moved the vote that it got meanwhile", async () => {
  const s = new Setting();
  s.configuration = {
    members: [...s.configuration.members, member("2/aaaaaaaa", "old:4002", "staging")],
  };
  s.busy = true;
  const joining = s.join("2/aaaaaaaa", "new:4002");
  await settle();
  s.configuration = {
    members: [...s.configuration.members.slice(0, 1), member("2/aaaaaaaa", "old:4002")],
  };
  s.free();
  await joining;
  assert.deepEqual(s.configuration.members[1], member("2/aaaaaaaa", "new:4002"));
});

Deno.test("Membership says of a join whether the node is new, has moved, or has lost its data", async () => {
  const s = new Setting();
  await s.join("2/aaaaaaaa", "host2:4002");
  s.living.delete("host2:4002");
  await s.join("2/aaaaaaaa", "host3:4002");
  await s.join("2/bbbbbbbb", "host3:4002");
  assert.deepEqual(s.lines, [
    "Node 2 at host2:4002 joined as staging",
    "Node 2 moved from host2:4002 to host3:4002",
    "Node 2 at host3:4002 joined as staging, without the data that it had at host3:4002",
  ]);
});

Deno.test("Membership gives a new node the place of another one that was at its address", async () => {
  const s = new Setting();
  await s.join("2/aaaaaaaa", "host2:4002");
  // What is left of its connection does not make it live elsewhere.
  s.callers.set("2/aaaaaaaa", "host2:4002");
  await s.join("3/aaaaaaaa", "host2:4002");
  assert.deepEqual(s.ids, ["1/aaaaaaaa", "3/aaaaaaaa"]);
  assert.equal(
    s.lines.at(-1),
    "Node 3 at host2:4002 joined as staging, in place of node 2, which was there and is gone",
  );
});

Deno.test("Membership takes out both whom a node was and whom its new address belonged to", async () => {
  const s = new Setting();
  await s.join("2/aaaaaaaa", "host2:4002");
  await s.join("3/aaaaaaaa", "host3:4002");
  s.living.delete("host2:4002");
  await s.join("2/bbbbbbbb", "host3:4002");
  assert.deepEqual(s.ids, ["1/aaaaaaaa", "2/bbbbbbbb"]);
});

Deno.test("Membership gives nobody the place of a node that lives elsewhere, or answers there", async () => {
  const s = new Setting();
  await s.join("2/aaaaaaaa", "host2:4002");
  s.callers.set("2/aaaaaaaa", "host3:4002");
  await assert.rejects(s.join("4/aaaaaaaa", "host2:4002"), {
    kind: "unavailable",
    message: /belongs to node 2, which lives at host3:4002 now/,
  });
  const rest = { httpAddress: "", relayed: false, timeoutMs: 1000, sqlite: new Uint8Array() };
  const call = { suffrage: "staging", ...rest } as const;
  s.living.set("host2:4002", "2/aaaaaaaa");
  await assert.rejects(s.membership.join({ ...call, id: "4/aaaaaaaa", address: "host2:4002" }), {
    kind: "invalid",
  });
  s.living.set("host1:4002", "1/aaaaaaaa");
  await assert.rejects(s.membership.join({ ...call, id: "4/aaaaaaaa", address: "host1:4002" }), {
    kind: "invalid",
  });
  assert.deepEqual(s.ids, ["1/aaaaaaaa", "2/aaaaaaaa"]);
});

Deno.test("Membership lets a member come to another's address, and leaves that one in", async () => {
  const s = new Setting();
  await s.join("2/aaaaaaaa", "host2:4002");
  await s.join("3/aaaaaaaa", "host3:4002");
  s.living.delete("host2:4002");
  await s.join("2/aaaaaaaa", "host3:4002");
  assert.deepEqual(s.ids, ["1/aaaaaaaa", "2/aaaaaaaa", "3/aaaaaaaa"]);
});

Deno.test("PromotionLog says on the leader that a member got its vote", () => {
  const lines: string[] = [];
  const first = member("1/aaaaaaaa", "host1:4002");
  const second = member("2/aaaaaaaa", "host2:4002");
  const node = { isLeader: true, configuration: { members: [first] } };
  const log = new PromotionLog({
    node,
    logger: { log: (_level, _room, text) => lines.push(text) },
  });
  for (const suffrage of ["staging", "voter"] as const) {
    node.configuration = { members: [first, { ...second, suffrage }] };
    log.changed();
    log.changed();
  }
  assert.deepEqual(lines, ["Node 2 at host2:4002 has caught up and is a voter now"]);
});

Deno.test("Membership takes nobody for removed that it may only not have heard of", async () => {
  const s = new Setting();
  await s.membership.remove("2", 1_000);
  s.barrier = () => Promise.reject(new NodeError("not_leader", "Another leads"));
  await assert.rejects(s.membership.remove("2", 1_000), /Another leads/);
  s.barrier = async () => {
    await s.join("2/aaaaaaaa", "host2:4002");
    return 0;
  };
  await s.membership.remove("2", 1_000);
  assert.deepEqual(s.ids, ["1/aaaaaaaa"]);
});
