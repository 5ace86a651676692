import { strict as assert } from "node:assert";
import { DiskError, type Logger } from "../../src/io/types.ts";
import type { Applier } from "../../src/node/applier.ts";
import { Replacement } from "../../src/node/replacement.ts";
import { SnapshotReceiver } from "../../src/node/snapshot_receiver.ts";
import { NodeError } from "../../src/node/types.ts";
import type { Raft } from "../../src/raft/raft.ts";
import type { CompactionPoint } from "../../src/raft/types.ts";
import type { RaftLog } from "../../src/raft_log/types.ts";
import {
  type AppliedPosition,
  SnapshotRejectedError,
  type StateMachine,
} from "../../src/store/types.ts";

const quiet: Logger = { log: () => {} };

/** The body of a stream, which ends or breaks off when the test says so. */
class Body implements AsyncIterable<Uint8Array> {
  readonly end = Promise.withResolvers<void>();

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1);
    await this.end.promise;
  }
}

/** A receiver whose state machine installs whatever comes to its end. */
function subject(replacement = new Replacement(undefined)) {
  const events: string[] = [];
  const state = {
    applied: 0,
    term: 1,
    leader: "",
    marking: (): Promise<void> => Promise.resolve(),
    /** The log holds entries of that term, up to that index. */
    log: { term: 0, firstIndex: 1, lastIndex: 0 },
    /** What the copy turns out to hold; undefined: what was announced. */
    held: undefined as AppliedPosition | undefined,
  };
  let announced: CompactionPoint | undefined;
  const raft = {
    get status() {
      return { role: "follower", term: state.term, leader: state.leader };
    },
    termAt: () => state.log.term,
    snapshotInstalled: ({ index }: CompactionPoint) => events.push(`installed ${index}`),
  } as Partial<Raft> as Raft;
  const stateMachine = {
    get applied() {
      return { index: state.applied, term: 1 };
    },
    installSnapshot: async (
      body: AsyncIterable<Uint8Array>,
      accept: (held: AppliedPosition) => Promise<void>,
    ) => {
      const point = announced ?? assert.fail("Nothing was announced");
      events.push(`receiving ${point.index}`);
      try {
        for await (const _ of body);
      } catch (error) {
        throw new SnapshotRejectedError(String(error), { cause: error });
      }
      const held = state.held ?? { index: point.index, term: point.term };
      await accept(held);
      events.push(`swapped ${held.index}`);
      state.applied = held.index;
      return held;
    },
  } as Partial<StateMachine> as StateMachine;
  const receiver = new SnapshotReceiver({
    raft,
    stateMachine,
    log: {
      get firstIndex() {
        return state.log.firstIndex;
      },
      get lastIndex() {
        return state.log.lastIndex;
      },
      idle: () => Promise.resolve(),
      reset: () => Promise.resolve(),
      compact: ({ index }) => {
        events.push(`compacted ${index}`);
        return Promise.resolve();
      },
    } as Partial<RaftLog> as RaftLog,
    applier: {
      pause: () => Promise.resolve(),
      resume: () => events.push("resumed"),
    } as Partial<Applier> as Applier,
    marker: {
      write: async (point) => {
        await state.marking();
        events.push(`marked ${point.index}`);
      },
      clear: () => {
        events.push("cleared");
        return Promise.resolve();
      },
    },
    logger: quiet,
    replacement,
    onReplaced: () => {
      events.push("replaced");
      return Promise.resolve();
    },
  });
  const receive = (term: number, index: number, body: Body): Promise<string> => {
    announced = { index, term, configuration: { members: [] } };
    return receiver.receive("leader", { term, point: announced }, body).then(
      () => "done",
      (error) => {
        assert(error instanceof NodeError, String(error));
        return `${error.kind}: ${error.message}`;
      },
    );
  };
  /** Lets all promise work go on that can. */
  const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
  return { receiver, receive, settle, events, state };
}

Deno.test("SnapshotReceiver gives a silent stream up for that of a newer leader", async () => {
  const { receiver, receive, settle, events } = subject();
  const silent = receive(2, 20, new Body());
  await settle();
  const body = new Body();
  const newer = receive(3, 30, body);
  assert.match(await silent, /^unavailable: Snapshot refused: .*leader of a newer term/);
  await settle();
  assert.equal(receiver.receiving, true);
  body.end.resolve();
  assert.equal(await newer, "done");
  assert.equal(receiver.receiving, false);
  assert.deepEqual(events, [
    ...["receiving 20", "cleared", "resumed"],
    ...["receiving 30", "marked 30", "swapped 30", "installed 30", "cleared", "resumed"],
  ]);
});

Deno.test("SnapshotReceiver gives a silent stream up once a newer leader has sent what it would bring", async () => {
  const { receiver, receive, settle, events, state } = subject();
  state.term = 2;
  state.applied = 6;
  const silent = receive(2, 20, new Body());
  await settle();
  const goesOn = async (why: string) => {
    receiver.overtake();
    await settle();
    assert.equal(receiver.receiving, true, why);
  };
  state.log = { term: 2, firstIndex: 1, lastIndex: 30 };
  await goesOn("its own leader has sent that");
  state.term = 3;
  state.log.lastIndex = 19;
  await goesOn("the log does not have all of it");
  state.log = { term: 3, firstIndex: 8, lastIndex: 30 };
  await goesOn("the log does not go on from what is applied");
  state.log.firstIndex = 7;
  receiver.overtake();
  assert.match(await silent, /^unavailable: Snapshot refused: .*a newer leader has sent/);
  assert.equal(receiver.receiving, false);
  assert.deepEqual(events, ["receiving 20", "cleared", "resumed"]);
});

Deno.test("SnapshotReceiver does not take the log for what makes up for a damaged copy", async () => {
  const replacement = new Replacement(undefined);
  replacement.begin("a page is wrong");
  const { receiver, receive, settle, state } = subject(replacement);
  const body = new Body();
  const coming = receive(2, 20, body);
  await settle();
  state.term = 3;
  state.log = { term: 3, firstIndex: 1, lastIndex: 30 };
  receiver.overtake();
  body.end.resolve();
  assert.equal(await coming, "done");
});

Deno.test("SnapshotReceiver refuses a second stream of the same term, or of an old one", async () => {
  const { receive, settle, state } = subject();
  const body = new Body();
  const first = receive(2, 20, body);
  await settle();
  assert.match(await receive(2, 25, new Body()), /^overloaded: /);
  state.term = 3;
  assert.match(await receive(2, 25, new Body()), /^not_leader: /);
  body.end.resolve();
  assert.equal(await first, "done");
});

Deno.test("SnapshotReceiver lets the newest of several leaders in", async () => {
  const { receive, settle } = subject();
  const streams = [receive(2, 20, new Body()), receive(3, 30, new Body())];
  const body = new Body();
  streams.push(receive(4, 40, body));
  await settle();
  body.end.resolve();
  const outcomes = await Promise.all(streams);
  assert.deepEqual(outcomes.map((outcome) => outcome.slice(0, 4)), ["unav", "unav", "done"]);
});

Deno.test("SnapshotReceiver refuses a stream when a full disk has no room for its marker", async () => {
  const { receiver, receive, events, state } = subject();
  const path = "/data/raft/installing";
  state.marking = () => Promise.reject(new DiskError("full", path, `${path}: No space left`));
  const body = new Body();
  body.end.resolve();
  const outcome = await receive(2, 20, body);
  assert.equal(outcome, `unavailable: Snapshot refused: ${path}: No space left`);
  assert.deepEqual(events, ["receiving 20", "cleared", "resumed"]);
  assert.equal(receiver.receiving, false);
  state.marking = () => Promise.resolve();
  assert.equal(await receive(2, 20, body), "done");
});

Deno.test("SnapshotReceiver keeps the log that follows what a snapshot holds, of the same history only", async () => {
  for (
    const { term, lastIndex, kept } of [
      { term: 2, lastIndex: 25, kept: true },
      { term: 1, lastIndex: 25, kept: false },
      { term: 2, lastIndex: 19, kept: false },
    ]
  ) {
    const { receive, state, events } = subject();
    state.log = { term, firstIndex: 1, lastIndex };
    const body = new Body();
    body.end.resolve();
    assert.equal(await receive(2, 20, body), "done");
    assert.equal(events.includes("compacted 20"), kept, `${lastIndex} of term ${term}`);
  }
});

Deno.test("SnapshotReceiver swaps nothing in where the disk fails under its marker, and says so", async () => {
  const { receiver, events, state, receive } = subject();
  const broken = new DiskError("failed", "/data/raft/installing", "Input/output error");
  state.marking = () => Promise.reject(broken);
  const body = new Body();
  body.end.resolve();
  // Not refused as a damaged snapshot is, which the leader would send again: it ends the node.
  await assert.rejects(receive(2, 20, body), /Input\/output error/);
  assert.deepEqual(events, ["receiving 20"]);
  assert.equal(receiver.receiving, false);
});

Deno.test("SnapshotReceiver marks and swaps in no state but the one that was announced", async () => {
  for (const held of [{ index: 21, term: 2 }, { index: 20, term: 1 }]) {
    const { receiver, receive, events, state } = subject();
    state.held = held;
    const body = new Body();
    body.end.resolve();
    assert.match(
      await receive(2, 20, body),
      /^unavailable: Snapshot refused: it was announced at index 20 \(term 2\) and holds index 2/,
    );
    assert.deepEqual(events, ["receiving 20", "cleared", "resumed"]);
    assert.equal(receiver.receiving, false);
  }
});

Deno.test("SnapshotReceiver takes a state from the leader of its term only", async () => {
  const { receive, state, events } = subject();
  Object.assign(state, { term: 2, leader: "another" });
  assert.match(await receive(2, 20, new Body()), /^not_leader: .* leader does not lead term 2/);
  assert.deepEqual(events, []);
});

Deno.test("SnapshotReceiver takes a copy as old as the one that is damaged, and goes on with none but that", async () => {
  const replacement = new Replacement(undefined);
  const { receive, state, events } = subject(replacement);
  state.applied = 20;
  const body = new Body();
  body.end.resolve();
  assert.equal(await receive(2, 20, body), "done");
  assert.deepEqual(events, ["resumed"], "A copy that is sound was given up for another like it");
  replacement.begin("page 7 is not what was written");
  replacement.begin("and page 8");
  assert.equal(replacement.reason, "page 7 is not what was written");
  assert.equal(await receive(2, 19, body), "done");
  state.held = { index: 20, term: 1 };
  assert.match(await receive(2, 20, body), /^unavailable: /);
  assert.deepEqual(events.splice(0), ["resumed", "receiving 20", "cleared"]);
  state.held = undefined;
  assert.equal(await receive(2, 20, body), "done");
  assert.deepEqual(events, [
    ...["receiving 20", "marked 20", "swapped 20", "installed 20", "cleared"],
    ...["replaced", "resumed"],
  ]);
  assert.deepEqual([replacement.reason, replacement.replaced], [undefined, 1]);
});
