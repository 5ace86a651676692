import { strict as assert } from "node:assert";
import { DiskError, type Logger } from "../../src/io/types.ts";
import type { Applier } from "../../src/node/applier.ts";
import { encodeSnapshotHeader } from "../../src/node/snapshot_header.ts";
import { SnapshotReceiver } from "../../src/node/snapshot_receiver.ts";
import { NodeError } from "../../src/node/types.ts";
import type { Raft } from "../../src/raft/raft.ts";
import type { CompactionPoint } from "../../src/raft/types.ts";
import type { RaftLog } from "../../src/raft_log/types.ts";
import { SnapshotRejectedError, type StateMachine } from "../../src/store/types.ts";

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
function subject() {
  const events: string[] = [];
  const state = { applied: 0, term: 1, marking: (): Promise<void> => Promise.resolve() };
  let announced: CompactionPoint | undefined;
  const raft = {
    get status() {
      return { role: "follower", term: state.term, leader: "" };
    },
    termAt: () => undefined,
    snapshotInstalled: ({ index }: CompactionPoint) => events.push(`installed ${index}`),
  } as Partial<Raft> as Raft;
  const stateMachine = {
    get applied() {
      return { index: state.applied, term: 1 };
    },
    installSnapshot: async (body: AsyncIterable<Uint8Array>) => {
      const point = announced ?? assert.fail("No marker");
      events.push(`receiving ${point.index}`);
      try {
        for await (const _ of body);
      } catch (error) {
        throw new SnapshotRejectedError(String(error), { cause: error });
      }
      state.applied = point.index;
      return { index: point.index, term: point.term };
    },
  } as Partial<StateMachine> as StateMachine;
  const receiver = new SnapshotReceiver({
    raft,
    stateMachine,
    log: { lastIndex: 0, idle: () => Promise.resolve(), reset: () => Promise.resolve() } as Partial<
      RaftLog
    > as RaftLog,
    applier: {
      pause: () => Promise.resolve(),
      resume: () => events.push("resumed"),
    } as Partial<Applier> as Applier,
    marker: {
      write: (point) => {
        announced = point;
        return state.marking();
      },
      clear: () => {
        events.push("cleared");
        return Promise.resolve();
      },
    },
    logger: quiet,
  });
  const receive = (term: number, index: number, body: Body): Promise<string> => {
    const header = encodeSnapshotHeader(term, { index, term, configuration: { members: [] } });
    return receiver.receive("leader", header, body).then(() => "done", (error) => {
      assert(error instanceof NodeError, String(error));
      return `${error.kind}: ${error.message}`;
    });
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
  const expected = ["receiving 20", "cleared", "resumed", "receiving 30", "installed 30"];
  assert.deepEqual(events.slice(0, 5), expected);
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
  const outcome = await receive(2, 20, new Body());
  assert.equal(outcome, `unavailable: Snapshot refused: ${path}: No space left`);
  assert.deepEqual(events, ["cleared", "resumed"]);
  assert.equal(receiver.receiving, false);
  state.marking = () => Promise.resolve();
  const body = new Body();
  body.end.resolve();
  assert.equal(await receive(2, 20, body), "done");
});
