import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { TemporaryFiles } from "../../src/store/copy/temporary_files.ts";
import { AnswerRoom } from "../../src/store/read/answer_spool.ts";
import { ReadStream } from "../../src/store/read/read_stream.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
import { plain, silent, TestStore, until } from "./fixture.ts";
import { anySeed } from "./seeds.ts";

/** Some 3 MB: more than a reader may be ahead of its client. */
const rowCount = 400_000;
const longQuery = rows("i");
/** What the main thread does not answer by itself. */
const shortQuery = rows("count(*)");

function rows(columns: string): string {
  return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n " +
    `WHERE i < ${rowCount}) SELECT ${columns} FROM n`;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** A client that has taken the first part of a long answer. */
async function slowClient(s: TestStore): Promise<Reader> {
  const answer = await s.read({
    statements: [{ sql: longQuery }],
    transaction: false,
    format: plain,
    timeoutMs: 0,
  });
  assert.ok(answer instanceof ReadableStream);
  const reader = answer.getReader();
  assert.match(new TextDecoder().decode((await reader.read()).value), /^\{"columns":\["i"\]/);
  return reader;
}

/** Takes the rest of the answer, which has all other rows, each once and in their order. */
async function assertRest(reader: Reader): Promise<void> {
  let text = "";
  const decoder = new TextDecoder();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += decoder.decode(read.value, { stream: true });
  }
  const values = text.slice(text.indexOf("],[") + 3).replace(/\]\]\}$/, "").split("],[");
  const first = Number(values[0]);
  assert.equal(values.length, rowCount - first + 1);
  values.forEach((value, i) => assert.equal(Number(value), first + i));
}

function keptAnswers(s: TestStore): string[] {
  return [...Deno.readDirSync(s.directory)].map(({ name }) => name)
    .filter((name) => name.includes(".tmp-answer-"));
}

Deno.test("Store.read: clients that do not take their answers hold no reader", async () => {
  await using s = await TestStore.open({ readers: 1, limits: { streamsMax: 1 } });
  const clients: Reader[] = [];
  for (let i = 0; i < 5; i++) clients.push(await slowClient(s));
  assert.match(await s.query(shortQuery), new RegExp(`\\[\\[${rowCount}\\]\\]`));
  await until(async () => (await s.store.status()).readPool.busy === 0);
  assert.equal(keptAnswers(s).length, 5);
  for (const client of clients.slice(1)) await assertRest(client);
  await clients[0]?.cancel();
  await until(() => keptAnswers(s).length === 0);
});

Deno.test("Store.read: a reader that is far ahead of its client lets others read first", async () => {
  await using s = await TestStore.open({ readers: 1 });
  const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
  const answer = await s.read({
    statements: [{ sql: endless }],
    transaction: false,
    format: plain,
    timeoutMs: 0,
  });
  assert.ok(answer instanceof ReadableStream);
  assert.match(await s.query(shortQuery), new RegExp(`\\[\\[${rowCount}\\]\\]`));
  const [kept] = keptAnswers(s);
  const { size } = await Deno.stat(`${s.directory}/${kept}`);
  assert.ok(size < 32 * 1024 * 1024, `${size} bytes are kept`);
  await answer.cancel();
  await until(() => keptAnswers(s).length === 0);
});

Deno.test("Store.read: without room on the disk a reader waits for its client, and others read", async () => {
  await using s = await TestStore.open({
    readers: 1,
    limits: { streamsMax: 1, answersBytesMax: 1024 * 1024 },
  });
  const slow = await slowClient(s);
  assert.match(await s.query(shortQuery), new RegExp(`\\[\\[${rowCount}\\]\\]`));
  const slower = await slowClient(s);
  assert.match(await s.query(shortQuery), new RegExp(`\\[\\[${rowCount}\\]\\]`));
  // There is place for one that waits.
  await assert.rejects(assertRest(slower), /its client takes it slowly, as do too many others/);
  await assertRest(slow);
  await until(() => keptAnswers(s).length === 0);
});

const roomBytes = 16 * 1024 * 1024;

/** An answer of so many parts of 64 KiB, all of which have come to a client that has taken the first. */
async function behind(
  { parts, freeBytes }: { parts: number; freeBytes?: (keptBytes: number) => Promise<number> },
) {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ seed: 1n }).mount();
  const temporaries = new TemporaryFiles({ disk, logger: silent, databasePath: "/db.sqlite" });
  const room: AnswerRoom = new AnswerRoom(temporaries, {
    answerBytesMax: roomBytes,
    answersBytesMax: roomBytes,
    freeBytes: freeBytes && (() => freeBytes(room.bytes)),
  });
  const handled = { cancelled: 0, held: false };
  const stream = new ReadStream({
    clock,
    stallMs: 30_000,
    room,
    mayKeep: () => true,
    partsAhead: 1,
    handlers: {
      wanted: () => {},
      cancelled: () => handled.cancelled++,
      held: (held) => handled.held = held,
    },
  });
  const part = new Uint8Array(64 * 1024);
  const client = stream.readable.getReader();
  const first = client.read();
  stream.part(part, false);
  await first;
  for (let i = 1; i < parts; i++) {
    stream.part(part, false);
    await clock.advance(20);
  }
  return { clock, room, client, handled };
}

Deno.test("ReadStream: a client that takes a piece now and then has all of its answer while there is room", async () => {
  const { clock, client, handled } = await behind({ parts: 100 });
  for (let taken = 1; taken < 100; taken++) {
    await client.read();
    await clock.advance(29_000);
  }
  assert.equal(handled.cancelled, 0);
  await client.cancel();
});

Deno.test("ReadStream: a client that takes a piece now and then does not hold what others need", async () => {
  const { clock, room, client, handled } = await behind({ parts: 100 });
  assert.ok(room.bytes > 90 * 64 * 1024);
  const other = room.open();
  assert.equal(await other.write(new Uint8Array(roomBytes - room.bytes + 1)), false);
  const began = clock.now();
  const taking = async () => {
    for (;;) {
      await client.read();
      await clock.advance(29_000);
    }
  };
  await assert.rejects(taking, /Answer given up: its client takes less than 64 KiB a second of it/);
  assert.ok(clock.now() - began >= 60_000 - 2_000);
  assert.ok(clock.now() - began <= 120_000);
  assert.equal(handled.cancelled, 1);
  assert.equal(room.bytes, 0);
});

Deno.test("ReadStream: a client that is slow, but takes enough, has all of its answer", async () => {
  const { clock, room, client, handled } = await behind({ parts: 120 });
  assert.equal(await room.open().write(new Uint8Array(roomBytes - room.bytes + 1)), false);
  for (let taken = 1; taken < 120; taken++) {
    await client.read();
    await clock.advance(990);
  }
  // It waits for more as long as that takes, with nothing kept for it.
  const next = client.read();
  await clock.advance(3_600_000);
  assert.equal(handled.cancelled, 0);
  await client.cancel();
  await next;
});

Deno.test("AnswerRoom: of a disk that is nearly full answers take a quarter of what is free", async () => {
  const { room, handled, client } = await behind({
    parts: 100,
    freeBytes: (keptBytes) => Promise.resolve(8 * 1024 * 1024 - keptBytes),
  });
  assert.ok(room.bytes <= 2 * 1024 * 1024, `${room.bytes} bytes are kept`);
  assert.ok(room.bytes >= 1024 * 1024, `${room.bytes} bytes are kept`);
  assert.equal(handled.held, true);
  await client.cancel();
});

Deno.test("ReadStream hands on all of an answer in its order, whatever fits on the disk", async () => {
  const seed = anySeed();
  const random = new Prng(seed);
  for (let round = 0; round < 50; round++) {
    const clock = new SimulatedClock();
    const simulated = new SimulatedDisk({ seed: BigInt(round) });
    simulated.capacityBytes = random.below(2) === 0 ? 0 : 1000 * random.below(200);
    const disk = simulated.mount();
    const temporaries = new TemporaryFiles({ disk, logger: silent, databasePath: "/db.sqlite" });
    const bytesMax = 1000 * (1 + random.below(200));
    const room = new AnswerRoom(temporaries, {
      answerBytesMax: bytesMax,
      answersBytesMax: bytesMax * 2,
    });
    const partsAhead = 1 + random.below(4);
    let credit = partsAhead;
    const stream = new ReadStream({
      clock,
      stallMs: 60_000,
      room,
      mayKeep: () => !random.chance(0.05),
      partsAhead,
      handlers: { wanted: () => credit++, cancelled: () => assert.fail(), held: () => {} },
    });
    const parts = Array.from(
      { length: 1 + random.below(60) },
      (_, i) => new Uint8Array(1 + random.below(9000)).fill(i),
    );
    const sent = parts.flatMap((part) => [...part]);
    const received: number[] = [];
    const client = stream.readable.getReader();
    let taking: Promise<void> | undefined;
    let done = false;
    while (!done) {
      const step = random.below(4);
      if (step === 0 && credit > 0 && parts.length > 0) {
        credit--;
        stream.part(parts.shift() ?? new Uint8Array(0), parts.length === 0);
      } else if (step === 1) {
        taking ??= client.read().then((read) => {
          taking = undefined;
          if (read.done) done = true;
          else for (const byte of read.value) received.push(byte);
        });
      } else if (step === 2) {
        await clock.advance(random.below(30));
      } else {
        await clock.settle();
      }
    }
    assert.deepEqual(received, sent, `seed ${seed}, round ${round}`);
    await until(async () => (await disk.list("/")).length === 0);
    assert.equal(room.bytes, 0, `seed ${seed}, round ${round}`);
  }
});
