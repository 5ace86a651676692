import { strict as assert } from "node:assert";
import { DiskError, type Logger } from "../../src/io/types.ts";
import { Compaction } from "../../src/node/compaction.ts";
import { LogHolds } from "../../src/node/log_holds.ts";
import type { Raft } from "../../src/raft/raft.ts";
import type { CompactionPoint, PeerProgress } from "../../src/raft/types.ts";
import type { RaftLog } from "../../src/raft_log/types.ts";
import { StoreFailedError } from "../../src/store/failures.ts";
import type { StateMachine } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

const quiet: Logger = { log: () => {} };
const GiB = 1024 ** 3;
const policy = {
  entries: 10,
  logBytes: 1024,
  intervalMs: 1000,
  trailing: 5,
  trailingBytes: 1_000_000,
};

/** A leader's compaction of which the test sets what is applied and how far its peer has come. */
function subject() {
  const clock = new SimulatedClock();
  const state = {
    applied: 0,
    /** What the next checkpoints fail with. */
    fails: undefined as Error | undefined,
    compacted: 0,
    sizeBytes: 0,
    /** Of each entry, on disk. */
    entryBytes: 1,
    peer: { id: "b", matchIndex: 0 } as PeerProgress | undefined,
  };
  const raft = {
    termAt: () => 1,
    configurationAt: () => ({ members: [] }),
    compacted: () => {},
    progress: () => state.peer === undefined ? [] : [state.peer],
  } as Partial<Raft> as Raft;
  const log = {
    get firstIndex() {
      return state.compacted + 1;
    },
    get sizeBytes() {
      return state.sizeBytes;
    },
    recentFrom: (bytesMax: number) => state.applied + 1 - Math.floor(bytesMax / state.entryBytes),
    compact: ({ index }: CompactionPoint) => {
      state.compacted = index;
      return Promise.resolve();
    },
  } as Partial<RaftLog> as RaftLog;
  const stateMachine = {
    checkpoint: () =>
      state.fails === undefined
        ? Promise.resolve({ index: state.applied, term: 1 })
        : Promise.reject(state.fails),
  } as Partial<StateMachine> as StateMachine;
  const holds = new LogHolds({ raft, clock, logger: quiet, logBytes: policy.logBytes });
  const compaction = new Compaction({
    raft,
    log,
    stateMachine,
    policy,
    logger: quiet,
    snapshotIndex: 0,
    holds,
  });
  /** Compacts with that much applied; returns how far the log is compacted then. */
  const compact = async (applied: number, trailing?: number): Promise<number> => {
    state.applied = applied;
    await compaction.run(trailing);
    return state.compacted;
  };
  const matches = (matchIndex: number) => {
    state.peer = { id: "b", matchIndex } as PeerProgress;
  };
  return { clock, state, holds, compact, matches };
}

Deno.test("Compaction leaves what a peer needs behind its snapshot until it has caught up", async () => {
  const { holds, compact, matches, state } = subject();
  assert.equal(await compact(100), 95);
  holds.begin("b", state.compacted);
  assert.equal(await compact(200), 95);
  assert.equal(await compact(300, 0), 95);
  holds.end("b", true);
  assert.equal(await compact(400), 95);
  matches(200);
  assert.equal(await compact(500), 200);
  matches(495);
  assert.equal(await compact(600), 495);
  // It follows: from now on it is a peer like any other.
  matches(695);
  assert.equal(await compact(700), 695);
  assert.equal(await compact(1000), 995);
});

Deno.test("Compaction leaves no more for a peer whose stream failed, or that is gone", async () => {
  const { holds, compact, state } = subject();
  holds.begin("b", 0);
  assert.equal(await compact(100), 0);
  holds.end("b", false);
  assert.equal(await compact(200), 195);
  holds.begin("b", 195);
  state.peer = undefined;
  assert.equal(await compact(300), 295);
});

Deno.test("Compaction bounds what it keeps for slow followers by bytes too, unless it is told how much", async () => {
  const { compact, state } = subject();
  assert.equal(await compact(100), 95);
  state.entryBytes = 300_000;
  assert.equal(await compact(200), 197);
  state.entryBytes = 2_000_000;
  assert.equal(await compact(300), 300);
  assert.equal(await compact(400, 50), 350);
});

Deno.test("Compaction waits for a peer only while it comes further", async () => {
  const { holds, compact, matches, clock } = subject();
  holds.begin("b", 0);
  await clock.advance(3_600_000);
  assert.equal(await compact(100), 0);
  holds.end("b", true);
  await clock.advance(59_000);
  matches(10);
  assert.equal(await compact(200), 10);
  await clock.advance(59_000);
  assert.equal(await compact(300), 10);
  await clock.advance(1_000);
  assert.equal(await compact(400), 395);
});

Deno.test("Compaction keeps a bounded log for a peer", async () => {
  const { holds, compact, state } = subject();
  holds.begin("b", 0);
  state.sizeBytes = GiB;
  assert.equal(await compact(100), 0);
  state.sizeBytes = GiB + 1;
  assert.equal(await compact(200), 195);
  state.sizeBytes = 0;
  holds.end("b", true);
  assert.equal(await compact(300), 295);
});

Deno.test("Compaction keeps the log that a checkpoint was to stand for when it fails", async () => {
  const { compact, state } = subject();
  assert.equal(await compact(100), 95);
  // Without room nothing is lost, and the next one may find some.
  state.fails = new DiskError("full", "db.sqlite", "No room");
  assert.equal(await compact(200), 95);
  // A sync that failed for want of room has lost what it was to make durable.
  state.fails = new StoreFailedError("It could not be synced", { cause: state.fails });
  await assert.rejects(compact(300), /could not be synced/);
  assert.equal(state.compacted, 95);
});
