import { strict as assert } from "node:assert";
import { assertSameBytes } from "../../base/long_bytes.ts";
import { checksum } from "../../../src/base/checksum.ts";
import { Prng } from "../../../src/base/prng.ts";
import { sliceBytes } from "../../../src/base/slices.ts";
import { LongCommand } from "../../../src/node/writes/proposals.ts";
import { proposalError, Proposer } from "../../../src/node/writes/proposer.ts";
import { EntryType } from "../../../src/raft/types.ts";
import { stampBytes, stampCommand, writeStamp } from "../../../src/store/codec/stamp.ts";
import { WriteStages } from "../../../src/node/writes/write_stages.ts";
import { SimulatedClock } from "../../simulation/clock.ts";

const MiB = 1024 * 1024;
const random = new Prng(6n);

const codec = {
  stampBytes,
  stamp: (command: Uint8Array, stamp: { clock: number; seed: bigint }) =>
    stampCommand(command, stamp, true),
  writeStamp: (data: Uint8Array, stamp: { clock: number; seed: bigint }) =>
    writeStamp(data, stamp, true),
  requestId: () => undefined,
  fault: () => undefined,
  unknown: () => undefined,
  versionNeeded: (command: Uint8Array) => command[0] === 255 ? 9 : 1,
  isUnseen: () => false,
  isScrub: () => false,
};

/** A proposer over a core that takes everything, and a log that is as busy as the test says. */
function proposer() {
  const clock = new SimulatedClock();
  const taken: { data: Uint8Array; checksum: number | undefined }[] = [];
  const log = { busy: false };
  const subject: Proposer = new Proposer({
    raft: {
      configuration: { members: [] },
      propose: (_type, data, checksum) => {
        taken.push({ data, checksum });
        return { ok: true, index: taken.length, term: 1 };
      },
    },
    clock,
    codec,
    seed: () => 5n,
    stages: new WriteStages(clock),
    limits: { commandBytesMax: 64 * MiB, pendingWritesMax: 5, pendingBytesMax: 20 * MiB },
    alone: () => true,
    logBusy: () => log.busy,
    // As the node does: what was proposed makes the log busy.
    due: () =>
      queueMicrotask(() => {
        const before = taken.length;
        subject.proposeWaiting();
        if (taken.length > before) log.busy = true;
      }),
  });
  const add = (bytes: number) => {
    const command = random.fill(new Uint8Array(bytes));
    const outcome = subject.add({
      type: EntryType.command,
      command,
      format: undefined,
      deadline: Infinity,
    });
    outcome.catch(() => {});
    return { command, outcome };
  };
  return { clock, subject, taken, log, add };
}

Deno.test("LongCommand has the data and the checksum of a command that is stamped at once", async () => {
  const command = random.fill(new Uint8Array(3 * sliceBytes + 5));
  let pauses = 0;
  const nextTurn = () => (pauses++, Promise.resolve());
  const long = await LongCommand.prepare(command, codec, nextTurn);
  assert(pauses >= 6, `${pauses} pauses: it is copied and summed in slices`);
  const { data, checksum: sum } = long.stamp({ clock: 1234, seed: 99n });
  assertSameBytes(data, codec.stamp(command, { clock: 1234, seed: 99n }));
  assert.equal(sum, checksum(data));
});

Deno.test("Proposer lets others pass a long command that is being made ready", async () => {
  const { clock, subject, taken, log, add } = proposer();
  const long = add(3 * MiB);
  assert.equal(subject.size, 1);
  const short = add(10);
  await clock.advance(5);
  log.busy = false;
  subject.logIdle();
  await clock.advance(5);
  assert.equal(subject.size, 2);
  assert.deepEqual(taken.map(({ data }) => data.length), [26, 3 * MiB + 16]);
  assert.deepEqual(taken[0]?.data.subarray(16), short.command);
  assertSameBytes(taken[1]?.data.subarray(16), long.command);
  assert.equal(taken[1]?.checksum, checksum(taken[1]?.data ?? new Uint8Array()));
});

Deno.test("Proposer counts a long command from the start, and gives it up when the node stops", async () => {
  const { clock, subject, taken, add } = proposer();
  const { outcome } = add(15 * MiB);
  assert.equal(subject.refusal(6 * MiB)?.kind, "overloaded");
  assert.equal(subject.refusal(5 * MiB), undefined);
  subject.failAll("unknown");
  await clock.advance(0);
  await assert.rejects(outcome, { kind: "unavailable" });
  assert.equal(subject.size, 0);
  assert.deepEqual(taken, []);
});

Deno.test("Proposer proposes no more than some megabytes for one write of the log", async () => {
  const { clock, subject, taken, log, add } = proposer();
  log.busy = true;
  for (let i = 0; i < 3; i++) add(MiB);
  add(5 * MiB);
  add(10);
  await clock.advance(0);
  assert.equal(taken.length, 0);
  const writes: number[][] = [];
  for (let i = 0; i < 5; i++) {
    log.busy = false;
    subject.logIdle();
    await clock.advance(5);
    writes.push(taken.splice(0).map(({ data }) => data.length - 16));
  }
  assert.deepEqual(writes.flat().toSorted((a, b) => a - b), [10, MiB, MiB, MiB, 5 * MiB]);
  for (const write of writes) {
    assert(write.length <= 1 || write.reduce((a, b) => a + b) <= 4 * MiB, `${write}`);
  }
});

Deno.test("Proposer says of a command that no log can hold, or no older node read, why it is refused", () => {
  const { subject } = proposer();
  assert.equal(subject.tooLarge(64 * MiB), undefined);
  assert.equal(subject.tooLarge(64 * MiB + 1)?.kind, "too_large");
  assert.equal(subject.refusal(64 * MiB + 1)?.kind, "too_large");
  assert.equal(subject.tooNew(Uint8Array.of(1)), undefined);
  const refusal = subject.tooNew(Uint8Array.of(255));
  assert.equal(refusal?.kind, "too_new");
  assert.match(refusal?.message ?? "", /version 1, this needs version 9: .*POST \/upgrade/);
});

Deno.test("proposalError() has a kind for each reason of the core's", () => {
  const kinds = (["not_leader", "transferring", "membership_busy", "invalid_member"] as const)
    .map((reason) => proposalError(reason).kind);
  assert.deepEqual(kinds, ["not_leader", "not_leader", "membership_busy", "membership_invalid"]);
});
