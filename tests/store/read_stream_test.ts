import assert from "node:assert/strict";
import { TemporaryFiles } from "../../src/store/copy/temporary_files.ts";
import { AnswerRoom, type AnswerSpool } from "../../src/store/read/answer_spool.ts";
import { ReadStream } from "../../src/store/read/read_stream.ts";
import { StoreBusyError } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
import { silent } from "./fixture.ts";

/** Longer than a reader waits before what it has found is put on the disk, in ms. */
const patienceMs = 20;

/** Room for the answers of so many clients, on a disk whose calls end when time passes. */
function roomFor({ clients = 10 } = {}) {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ seed: 1n, clock });
  const temporaries = new TemporaryFiles({
    disk: disk.mount(),
    logger: silent,
    databasePath: "/db.sqlite",
    limits: { answer: clients },
  });
  const room = new AnswerRoom(temporaries, { answerBytesMax: 1e6, answersBytesMax: 1e6 });
  return { clock, disk, room };
}

/** An answer whose client has taken the first part; two more are there, and nobody has asked for them. */
async function behind({ clients = 10 } = {}) {
  const { clock, disk, room } = roomFor({ clients });
  const told = { wanted: 0, cancelled: 0, held: false };
  const state = { mayKeep: true };
  const stream = new ReadStream({
    clock,
    stallMs: 30_000,
    room,
    mayKeep: () => state.mayKeep,
    partsAhead: 2,
    handlers: {
      wanted: () => told.wanted++,
      cancelled: () => told.cancelled++,
      held: (held) => told.held = held,
    },
  });
  const client = stream.readable.getReader();
  const taken: number[] = [];
  /** Takes the next piece; true at the end. */
  const take = async () => {
    const { done, value = [] } = await clock.run(client.read());
    taken.push(...value);
    return done;
  };
  const part = (value: number, last = false) => stream.part(new Uint8Array([value]), last);
  part(1);
  await take();
  part(2);
  part(3);
  return { clock, disk, room, state, stream, client, told, part, take, taken };
}

async function assertNothingIsKept({ clock, room, disk }: ReturnType<typeof roomFor>) {
  await clock.advance(patienceMs);
  assert.deepEqual([room.bytes, disk.paths()], [0, []]);
}

for (
  const [why, clients] of [["too many are kept", 0], ["its disk is full", 1]] as const
) {
  Deno.test(`a reader waits for its client where ${why}, which has all of its answer`, async () => {
    const made = await behind({ clients });
    const { clock, disk, told, part, take, taken } = made;
    disk.capacityBytes = 0;
    assert.deepEqual(told, { wanted: 1, cancelled: 0, held: false });
    await clock.advance(patienceMs);
    assert.deepEqual(told, { wanted: 1, cancelled: 0, held: true });
    await take();
    assert.deepEqual(told, { wanted: 2, cancelled: 0, held: false });
    part(4, true);
    while (!await take());
    assert.deepEqual(taken, [1, 2, 3, 4]);
    await assertNothingIsKept(made);
  });
}

Deno.test("an answer that cannot be read back from the disk ends with an error, as does its reader", async () => {
  for (const how of ["a fault", "cut off"]) {
    const made = await behind();
    const { clock, disk, told, take } = made;
    await clock.advance(patienceMs);
    const [path] = disk.paths();
    if (how === "a fault") {
      disk.fault = ({ operation }) => operation === "read" ? "failed" : undefined;
    } else disk.setContent(path ?? "", new Uint8Array(0));
    await assert.rejects(
      take,
      how === "a fault"
        ? /^Error: Answer given up: Cannot read .*: simulated fault/
        : /^Error: Answer given up: Answer kept in .* was cut off/,
    );
    assert.equal(told.cancelled, 1);
    await assertNothingIsKept(made);
  }
});

for (const operation of ["open", "write", "read"] as const) {
  Deno.test(`a client that goes while its answer's file is in use leaves nothing behind: ${operation}`, async () => {
    const made = await behind();
    const { clock, disk, client, told, part } = made;
    let isUsed = false;
    disk.fault = (call) => {
      isUsed ||= call.operation === operation;
      return undefined;
    };
    const reading = operation === "read"
      ? clock.advance(patienceMs).then(() => client.read())
      : undefined;
    assert.ok(await clock.advanceUntil(() => isUsed, patienceMs));
    await client.cancel();
    const { wanted } = told;
    await clock.advance(patienceMs);
    await reading;
    // Its reader has not heard of it yet.
    part(4, true);
    await assertNothingIsKept(made);
    assert.deepEqual(told, { wanted, cancelled: 1, held: false });
  });
}

Deno.test("a client that goes while a full file is read has its reader wait for nobody", async () => {
  const { clock, disk, state, client, told, part } = await behind();
  await clock.advance(patienceMs);
  assert.equal(disk.paths().length, 1);
  state.mayKeep = false;
  part(4);
  await clock.settle();
  let isRead = false;
  disk.fault = ({ operation }) => {
    isRead ||= operation === "read";
    return undefined;
  };
  const reading = client.read();
  assert.ok(await clock.advanceUntil(() => isRead, patienceMs));
  part(5);
  await client.cancel();
  await clock.advance(patienceMs);
  await reading;
  assert.deepEqual([told.cancelled, told.held], [1, false]);
});

Deno.test("an answer that has failed is not given up once more", async () => {
  const { stream, client, told } = await behind();
  stream.fail(new Error("Its reader died"));
  stream.fail(new Error("The store is closed"));
  await assert.rejects(client.read(), /Its reader died/);
  await client.cancel().catch(() => {});
  assert.equal(told.cancelled, 0);
});

Deno.test("AnswerRoom counts among its refusals answers that are too many", async () => {
  const { clock, room } = roomFor({ clients: 1 });
  const first = room.open();
  assert.throws(() => room.open(), StoreBusyError);
  assert.equal(room.refusals, 1);
  first.close();
  await clock.advance(1);
  room.open().close();
  assert.equal(room.refusals, 1);
});

Deno.test("AnswerSpool takes nothing once it is closed, and gives its room back once", async () => {
  const { clock, room } = roomFor();
  const [one, other] = [room.open(), room.open()];
  const write = (spool: AnswerSpool) => clock.run(spool.write(new Uint8Array(10)));
  assert.deepEqual([await write(one), await write(other)], [true, true]);
  one.close();
  one.close();
  assert.equal(room.bytes, 10);
  assert.equal(await write(one), false);
  assert.equal(room.bytes, 10);
});
