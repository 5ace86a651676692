import { strict as assert } from "node:assert";
import { ForwardedWrites } from "../../src/cluster/forwarded_writes.ts";
import { LeaderWatch } from "../../src/cluster/leader_watch.ts";
import type { WriteAnswer } from "../../src/cluster/types.ts";
import {
  beginAnswer,
  decodeWrite,
  encodeWrite,
  passedOnBytesMax,
  readAnswer,
} from "../../src/cluster/wire.ts";
import { WriteTurns } from "../../src/cluster/transactions/write_turns.ts";
import { WritePath } from "../../src/cluster/write_path.ts";
import type { Node } from "../../src/node/node.ts";
import { NodeError, type WriteOutcome } from "../../src/node/types.ts";
import type { Member } from "../../src/raft/types.ts";
import type { AnswerFormat, Command } from "../../src/store/types.ts";
import { type RequestCall, type Transport, TransportError } from "../../src/transport/types.ts";
import { ManualClock } from "../transport/fixture.ts";

const format: AnswerFormat = {
  associative: false,
  timings: false,
  blobArray: false,
  exact: false,
  qualifyColumns: false,
  unified: false,
};

const members = [1, 2, 3].map((n): Member => ({
  id: `${n}`,
  address: `host${n}:4002`,
  httpAddress: "",
  suffrage: "voter",
}));

interface Sent {
  readonly address: string;
  readonly command: string;
  readonly answer: (index: number) => void;
  readonly fail: (error: TransportError) => void;
}

/** Node 1's way of a write: what it sends stays without an answer until the test gives one. */
class Setting {
  readonly clock = new ManualClock();
  readonly sent: Sent[] = [];
  readonly leaders: LeaderWatch;
  successor: string | undefined;
  propose: (command: string) => Promise<WriteOutcome> = () =>
    Promise.reject(new NodeError("not_leader", ""));
  barrier: () => Promise<number> = () => Promise.resolve(1);
  readonly #writes: WritePath;
  readonly #forwarded: ForwardedWrites;
  #leader = "";

  constructor() {
    const node = {
      id: "1",
      configuration: { members },
      isLeader: false,
      status: {},
      successor: () => this.successor,
      propose: (command: Uint8Array) => this.propose(new TextDecoder().decode(command)),
      proposeBarrier: () => this.barrier(),
      proposeReceived: (command: Uint8Array) => this.propose(new TextDecoder().decode(command)),
      untakeable: () => undefined,
      watch: () => new Promise(() => {}),
      unwatch: () => {},
    };
    Object.defineProperties(node, {
      isLeader: { get: () => this.#leader === "1" },
      status: { get: () => ({ role: "follower", term: 1, leader: this.#leader }) },
    });
    this.leaders = new LeaderWatch({
      node: node as unknown as Node,
      clock: this.clock,
      transport: { addressOf: () => undefined },
    });
    const turns = new WriteTurns(this.clock);
    this.#forwarded = new ForwardedWrites({
      turns,
      node: node as unknown as Node,
      clock: this.clock,
    });
    this.#writes = new WritePath({
      turns,
      node: node as unknown as Node,
      transport: {
        request: ({ address, payload }: RequestCall) =>
          new Promise((resolve, fail) =>
            this.sent.push({
              address,
              command: new TextDecoder().decode(decodeWrite(payload).command),
              answer: (index) => {
                const writer = beginAnswer();
                writer.integer(index);
                writer.uint8(0);
                resolve(writer.copy());
              },
              fail,
            })
          ),
      } as unknown as Transport,
      leaders: this.leaders,
      clock: this.clock,
      origin: 7n,
      encode: ({ type, request }: Command) =>
        new TextEncoder().encode(
          request === undefined ? type : `${request.origin}/${request.sequence}`,
        ),
      forwardedMax: 10,
    });
  }

  leader(id: string): void {
    this.#leader = id;
    this.leaders.changed();
  }

  write(): Promise<WriteAnswer> {
    return this.#writes.submit(
      (request) => ({
        type: "execute",
        statements: [],
        transaction: false,
        unified: false,
        timeoutMs: 0,
        request,
      }),
      format,
      10_000,
    );
  }

  /** What the leader tells another node whose write it carries out. */
  async handled(): Promise<{ index: number; comesWithout: boolean; bytes: number }> {
    const command = new TextEncoder().encode("write");
    const answer = await this.#forwarded.handle(
      encodeWrite({ timeoutMs: 10_000, format, command }),
    );
    const reader = readAnswer(answer);
    const [index, comesWithout] = [reader.integer(), reader.uint8() === 1];
    return { index, comesWithout, bytes: reader.remaining };
  }

  writeAlone(check: () => Promise<void>): Promise<WriteAnswer> {
    const make = () => ({ type: "load_abort", loadId: 1n, request: undefined }) as const;
    return this.#writes.submitAlone(make, 10_000, check);
  }
}

/** Lets everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("WritePath sends a write to the new leader at once when the old one is silent", async () => {
  const s = new Setting();
  s.leader("2");
  const writing = s.write();
  await settle();
  s.leader("");
  s.leader("3");
  await settle();
  assert.deepEqual(s.sent.map(({ address, command }) => [address, command]), [
    ["host2:4002", "7/1"],
    ["host3:4002", "7/1"],
  ]);
  s.sent[1]?.answer(5);
  const { raftIndex, servedBy } = await writing;
  assert.deepEqual({ raftIndex, servedBy }, { raftIndex: 5, servedBy: "host3:4002" });
});

Deno.test("WritePath waits for the leader that it asked while no other is known to lead", async () => {
  const s = new Setting();
  s.leader("2");
  const writing = s.write();
  await settle();
  s.leader("");
  s.leader("2");
  await settle();
  assert.equal(s.sent.length, 1);
  s.sent[0]?.answer(5);
  assert.equal((await writing).raftIndex, 5);
});

Deno.test("WritePath says that the outcome is unknown when no leader answers in time", async () => {
  const s = new Setting();
  s.leader("2");
  const replaced = s.write();
  const silent = s.write();
  await settle();
  s.clock.jump(10_000);
  const timeout = () => new TransportError("timeout", "Node at host2:4002: No answer within 1 ms");
  s.sent[0]?.fail(timeout());
  await assert.rejects(replaced, { kind: "unknown_outcome", message: /^Outcome unknown: Node at/ });
  s.leader("3");
  await assert.rejects(silent, {
    kind: "unknown_outcome",
    message: /^Outcome unknown: the leader/,
  });
});

Deno.test("WritePath says of a leader with too much to do that it has, and of one that is gone that there is none", async () => {
  const s = new Setting();
  s.leader("2");
  const [busy, gone] = [s.write(), s.write()];
  await settle();
  s.clock.jump(10_000);
  s.sent[0]?.fail(new TransportError("overloaded", "Node 2 has too many requests to answer"));
  s.sent[1]?.fail(new TransportError("unreachable", "Node at host2:4002: connection refused"));
  await assert.rejects(busy, { kind: "unavailable", message: /too many requests to answer/ });
  await assert.rejects(gone, { kind: "no_leader", message: "leader not found" });
});

Deno.test("WritePath answers at once when the leader itself cannot write and none can take over", async () => {
  const s = new Setting();
  s.leader("1");
  s.propose = () => Promise.reject(new NodeError("unavailable", "The disk is full"));
  await assert.rejects(s.write(), { kind: "unavailable", message: "The disk is full" });
});

Deno.test("WritePath waits for the successor of a leader that cannot write", async () => {
  const s = new Setting();
  s.leader("1");
  s.successor = "2";
  s.propose = () => Promise.reject(new NodeError("unavailable", "The disk is full"));
  const writing = s.write();
  await settle();
  s.leader("2");
  await settle();
  s.sent[0]?.answer(9);
  assert.equal((await writing).raftIndex, 9);
});

Deno.test("LeaderWatch forgets who waited for a change in vain", async () => {
  let cancelled = 0;
  const clock = new ManualClock();
  const counting = {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    after: (ms: number, callback: () => void) => {
      const timer = clock.after(ms, callback);
      return {
        cancel: () => {
          cancelled++;
          timer.cancel();
        },
      };
    },
  };
  const node = { status: { leader: "" }, configuration: { members } } as unknown as Node;
  const leaders = new LeaderWatch({
    node,
    clock: counting,
    transport: { addressOf: () => undefined },
  });
  for (let i = 0; i < 20; i++) {
    const waiting = leaders.nextChange(50);
    clock.jump(50);
    await waiting;
  }
  const last = leaders.nextChange(50);
  leaders.changed();
  await last;
  assert.equal(cancelled, 1);
});

Deno.test("WritePath has no write between what a command's check sees and the command, and all that came before is behind it", async () => {
  const s = new Setting();
  s.leader("1");
  const order: string[] = [];
  s.barrier = () => {
    order.push("barrier");
    return Promise.resolve(1);
  };
  s.propose = (command) => {
    order.push(command);
    return Promise.resolve({ index: order.length, answer: new Uint8Array() });
  };
  const writing: Promise<WriteAnswer>[] = [];
  await s.writeAlone(async () => {
    writing.push(s.write());
    await settle();
    order.push("checked");
  });
  await Promise.all(writing);
  assert.deepEqual(order, ["barrier", "checked", "load_abort", "execute"]);
  const refused = s.writeAlone(async () => {
    writing.push(s.write());
    await settle();
    throw new Error("there is something else");
  });
  await assert.rejects(refused, /there is something else/);
  await Promise.all(writing);
  assert.deepEqual(order.slice(4), ["barrier", "execute"]);
});

Deno.test("ForwardedWrites tells another node that a write is done whose results are too long to be passed on", async () => {
  const s = new Setting();
  s.leader("1");
  for (const bytes of [10, passedOnBytesMax, passedOnBytesMax + 1]) {
    s.propose = () => Promise.resolve({ index: 9, answer: new Uint8Array(bytes) });
    const comesWithout = bytes > passedOnBytesMax;
    const told = { index: 9, comesWithout, bytes: comesWithout ? 0 : bytes };
    assert.deepEqual(await s.handled(), told);
  }
});
