import { strict as assert } from "node:assert";
import { type TransferFigures, Transfers } from "../../src/io/transfers.ts";
import type { Logger } from "../../src/io/types.ts";
import { LogHolds } from "../../src/node/log_holds.ts";
import { SnapshotSender } from "../../src/node/snapshot_sender.ts";
import type { Raft } from "../../src/raft/raft.ts";
import type { StateMachine } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

const quiet: Logger = { log: () => {} };
const members = ["b", "c"].map((id) => ({
  id,
  address: id,
  httpAddress: id,
  suffrage: "voter" as const,
}));

/** A leader that asks for the next snapshot as soon as one has failed; the test sees when each is sent. */
function subject() {
  const clock = new SimulatedClock();
  const transfers = new Transfers(clock, quiet);
  const state = { term: 1, fails: true, open: 0, damage: undefined as string | undefined };
  const sent: [number, string][] = [];
  const finished: [string, boolean][] = [];
  const raft = {
    get status() {
      return { role: "leader", term: state.term, leader: "a" };
    },
    configuration: { members },
    configurationAt: () => ({ members }),
    progress: () => [],
    snapshotFinished: (to: string, ok: boolean) => {
      finished.push([to, ok]);
      if (!ok) sender.send(to);
    },
  } as Partial<Raft> as Raft;
  const stateMachine = {
    openSnapshot: () => {
      state.open++;
      return Promise.resolve({
        position: { index: 5, term: 1 },
        sizeBytes: 40,
        body: (async function* () {
          for (;;) yield await Promise.resolve(new Uint8Array(10));
        })(),
        close: () => {
          state.open--;
          return Promise.resolve();
        },
      });
    },
  } as Partial<StateMachine> as StateMachine;
  const sender = new SnapshotSender({
    raft,
    log: { firstIndex: 1 },
    holds: new LogHolds({ raft, clock, logger: quiet, logBytes: 1024 }),
    stateMachine,
    transport: {
      addressOf: (id) => members.find((member) => member.id === id)?.address,
      stream: async ({ address, body }, { signal }) => {
        sent.push([clock.now(), address]);
        if (state.fails) throw new Error("No room");
        const pieces = body[Symbol.asyncIterator]();
        for (let i = 0; i < 3; i++) await pieces.next();
        return await new Promise<never>((_, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
      },
    },
    clock,
    logger: quiet,
    transfers,
    due: () => {},
    damage: () => state.damage,
  });
  const sentAt = (to: string) => sent.filter(([, id]) => id === to).map(([at]) => at / 1000);
  return { clock, state, sender, sentAt, finished, transfers };
}

Deno.test("SnapshotSender waits after a failure, each time twice as long up to a minute", async () => {
  const { clock, sender, sentAt } = subject();
  sender.send("b");
  await clock.advance(250_000);
  assert.deepEqual(sentAt("b"), [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  sender.stop();
  assert.equal(clock.pending, 0);
});

Deno.test("SnapshotSender waits for each peer by itself, and begins anew in a new term", async () => {
  const { clock, state, sender, sentAt } = subject();
  sender.send("b");
  await clock.advance(5_500);
  sender.send("c");
  await clock.advance(0);
  assert.deepEqual(sentAt("c"), [5.5]);
  state.term = 2;
  sender.send("b");
  await clock.advance(0);
  assert.deepEqual(sentAt("b"), [0, 1, 3, 5.5]);
  sender.stop();
});

Deno.test("SnapshotSender sends a peer one snapshot at a time, the last that was asked for", async () => {
  const { clock, state, sender, sentAt, finished } = subject();
  state.fails = false;
  sender.send("b");
  await clock.advance(10);
  assert.equal(state.open, 1);
  sender.send("b");
  await clock.advance(10);
  assert.equal(state.open, 1);
  assert.deepEqual(sentAt("b"), [0, 0.01]);
  // The first one's end says nothing of the second.
  assert.deepEqual(finished, []);
  sender.stop();
  await clock.settle();
  assert.equal(state.open, 0);
});

Deno.test("SnapshotSender says nothing to the core of a later term", async () => {
  const { clock, state, sender, sentAt, finished } = subject();
  sender.send("b");
  await clock.advance(500);
  assert.deepEqual(finished, [["b", false]]);
  state.term = 2;
  await clock.advance(10_000);
  assert.deepEqual(sentAt("b"), [0]);
  assert.deepEqual(finished, [["b", false]]);
});

Deno.test("SnapshotSender shows how far a snapshot is, as long as it is under way", async () => {
  const { clock, state, sender, transfers } = subject();
  state.fails = false;
  sender.send("b");
  await clock.advance(0);
  const [{ kind, what, bytes, totalBytes }, ...others] = transfers.figures as [
    TransferFigures,
    ...TransferFigures[],
  ];
  assert.deepEqual([kind, what, bytes, totalBytes], ["snapshot-sent", "to b", 20, 40]);
  assert.deepEqual(others, []);
  sender.stop();
  await clock.advance(0);
  assert.deepEqual(transfers.figures, []);
});

Deno.test("SnapshotSender sends nothing of a copy that is damaged, nor goes on with it", async () => {
  const { clock, state, sender, sentAt, finished } = subject();
  state.fails = false;
  sender.send("b");
  await clock.advance(0);
  assert.deepEqual([sender.isSending("b"), sender.isSending("c")], [true, false]);
  state.damage = "page 7 is not what was written";
  sender.distrust();
  await clock.settle();
  assert.deepEqual([finished, state.open], [[["b", false]], 0]);
  // The core asks again at once: nothing is opened for that.
  await clock.advance(60_000);
  assert.deepEqual([sentAt("b"), state.open], [[0], 0]);
  sender.stop();
  await clock.settle();
});
