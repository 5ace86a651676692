import assert from "node:assert/strict";
import { ByteWriter, longBytesMin } from "../../src/base/bytes.ts";
import { sliceBytes } from "../../src/base/slices.ts";
import { TemporaryFiles } from "../../src/store/copy/temporary_files.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { AnswerRoom } from "../../src/store/read/answer_spool.ts";
import {
  decodeTasks,
  PieceKind,
  type ReadTask,
  writePiece,
} from "../../src/store/read/read_task.ts";
import { ReaderPool } from "../../src/store/read/reader_pool.ts";
import { partsAhead, ReaderSignals } from "../../src/store/read/reader_signals.ts";
import type { ReaderReply, ReaderRequest } from "../../src/store/read/reader_thread.ts";
import type { Thread, ThreadHandlers, Threads } from "../../src/store/threads.ts";
import { StoreBusyError } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
import { library, plain, silent } from "./fixture.ts";

/** A reader's thread that starts and answers what it was handed when the test says so. */
class TestReader implements Thread<ReaderRequest> {
  /** Of its message. */
  tasks: readonly ReadTask[] = [];
  isReading = false;
  releases = 0;
  hasEnded = false;
  readonly foreignKeys: boolean[] = [];
  readonly #handlers: ThreadHandlers<ReaderReply>;
  #signals: ReaderSignals | undefined;

  constructor(handlers: ThreadHandlers<ReaderReply>) {
    this.#handlers = handlers;
  }

  post(sent: ReaderRequest, transfer: Transferable[] = []): void {
    const request: ReaderRequest = structuredClone(sent, { transfer });
    if (request.type === "start") {
      this.#signals = new ReaderSignals(request.signals, () => assert.fail("It waits"));
    } else if (request.type === "run") {
      const tasks = decodeTasks(new Uint8Array(request.tasks));
      const { statements } = request;
      this.tasks = statements === undefined
        ? tasks
        : tasks.map((task) => ({ ...task, statements }));
      this.isReading = true;
    } else if (request.type === "foreign_keys") {
      this.foreignKeys.push(request.on);
    } else if (request.type === "release") {
      this.releases++;
      this.#handlers.receive({ type: "released" });
    }
  }

  /** Whether the task with that number in the message has not been taken back. */
  start(slot: number): boolean {
    return this.#signals?.start(slot) ?? false;
  }

  piece(slot: number, kind: number, text: string): void {
    const writer = new ByteWriter();
    const { task } = this.tasks[slot] ?? assert.fail("It has no such task");
    writePiece(writer, task, kind, new TextEncoder().encode(text));
    this.#handlers.receive({ type: "pieces", bytes: writer.copy().buffer });
  }

  /** Answers all that was not taken back, and is idle. */
  finish(): void {
    this.tasks.forEach((_, slot) => {
      if (this.start(slot)) this.piece(slot, PieceKind.whole, "answer");
    });
    this.idle();
  }

  idle(): void {
    this.isReading = false;
    this.#handlers.receive({ type: "idle" });
  }

  /** Whether what it streams is wanted still, of the task with that number in its message. */
  isWanted(slot: number): boolean {
    const { task } = this.tasks[slot] ?? assert.fail("It has no such task");
    return this.#signals?.awaitCredit(task) ?? false;
  }

  die(): void {
    this.#handlers.died("out of memory");
  }

  terminate(): void {
    this.hasEnded = true;
  }
}

function subject({ readersMax = 1, streamsMax = 1, roomBytes = 0 } = {}) {
  const clock = new SimulatedClock();
  const life = new LifeCycle();
  const readers: TestReader[] = [];
  const threads: Threads = {
    start: (_name, handlers) => {
      const reader = new TestReader(handlers as ThreadHandlers<never>);
      readers.push(reader);
      return reader as Thread<never>;
    },
  };
  const disk = new SimulatedDisk({ seed: 1n }).mount();
  const temporaries = new TemporaryFiles({ disk, logger: silent, databasePath: "/db.sqlite" });
  const pool = new ReaderPool({
    ...{ library, path: "/db.sqlite", foreignKeys: false, clock, threads, life },
    ...{ readersMax, streamsMax, queueMax: 100, stallMs: 30_000 },
    room: new AnswerRoom(temporaries, { answerBytesMax: roomBytes, answersBytesMax: roomBytes }),
    ...{ slow: undefined, reportSlow: () => {} },
  });
  life.opened();
  const reader = (at = 0) => readers[at] ?? assert.fail(`There is no reader ${at}`);
  const submit = (
    { sql = "SELECT 1", timeoutMs = 0, signal }: {
      readonly sql?: string;
      readonly timeoutMs?: number;
      readonly signal?: AbortSignal;
    } = {},
  ) => pool.read({ statements: [{ sql }], transaction: false, format: plain, timeoutMs }, signal);
  const read = async (options: Parameters<typeof submit>[0] = {}) => {
    const answer = await submit(options);
    return await new Response(answer as Uint8Array<ArrayBuffer>).text();
  };
  /** Reads an answer that comes in parts: its client, which has taken the first. */
  const stream = async () => {
    const answer = submit();
    const begun = readers.find((reader) => reader.isReading && reader.start(0)) ?? assert.fail();
    begun.piece(0, PieceKind.part, "first");
    const readable = await answer;
    assert.ok(readable instanceof ReadableStream);
    const client = readable.getReader();
    await client.read();
    return { client, reader: begun };
  };
  /** Has the first reader begun the first read of two in one message. */
  const both = async () => {
    const before = read();
    const reads = [read(), read()];
    reader().finish();
    await before;
    assert.equal(reader().tasks.length, 2);
    return reads;
  };
  return { clock, life, pool, readers, reader, read, stream, both };
}

const answered = "answer";

Deno.test("reads that wait behind a slow one in its message are handed to a reader that has nothing to do", async () => {
  const { clock, readers, reader, read } = subject({ readersMax: 2 });
  const reads = Array.from({ length: 6 }, () => read());
  assert.deepEqual(readers.map(({ tasks }) => tasks.length), [1, 1]);
  reader(0).finish();
  reader(1).finish();
  assert.deepEqual(readers.map(({ tasks }) => tasks.length), [2, 1]);
  assert.ok(reader(0).start(0));
  reader(1).finish();
  reader(1).finish();
  assert.equal(reader(1).isReading, false);
  await clock.advance(10);
  assert.equal(reader(1).isReading, true);
  assert.equal(reader(0).start(1), false, "It is another's");
  reader(1).finish();
  reader(0).piece(0, PieceKind.whole, answered);
  reader(0).idle();
  assert.deepEqual(await Promise.all(reads), reads.map(() => answered));
});

Deno.test("a message to a reader has a long read alone, and no more bytes than are copied at once", async () => {
  const { reader, read } = subject();
  const sql = (bytes: number) => `SELECT '${"x".repeat(bytes)}'`;
  const quarter = sliceBytes / 4 - 1000;
  const lengths = [quarter, quarter, quarter, quarter, quarter, longBytesMin, 1];
  const reads = [read(), ...lengths.map((bytes) => read({ sql: sql(bytes) }))];
  const messages: number[] = [];
  for (let left = reads.length; left > 0; left -= messages.at(-1) ?? 0) {
    messages.push(reader().tasks.length);
    reader().finish();
  }
  assert.deepEqual(messages, [1, 4, 1, 1, 1]);
  await Promise.all(reads);
});

Deno.test("a read whose time is over before it began is answered so; one that has begun has its reader's answer", async () => {
  const { clock, pool, reader, read } = subject();
  const begun = read({ timeoutMs: 100 });
  assert.ok(reader().start(0));
  const waiting = read({ timeoutMs: 50 });
  const live = pool.liveRead({
    ...{ statement: { sql: "SELECT 1" }, format: plain, timeoutMs: 50, rights: undefined },
  });
  const refused = assert.rejects(live, new StoreBusyError("All readers are busy"));
  await clock.advance(50);
  assert.equal(await waiting, '{"error":"query timeout"}');
  await refused;
  assert.equal(pool.status.queued, 0);
  await clock.advance(50);
  reader().piece(0, PieceKind.whole, "cut short");
  assert.equal(await begun, "cut short");
});

Deno.test("a read that timed out in its message behind another is taken back from it", async () => {
  const { clock, reader, read } = subject();
  const first = read();
  const [second, third] = [read(), read({ timeoutMs: 5 })];
  reader().finish();
  assert.equal(reader().tasks.length, 2);
  assert.ok(reader().start(0));
  await clock.advance(5);
  assert.equal(await third, '{"error":"query timeout"}');
  assert.equal(reader().start(1), false);
  reader().piece(0, PieceKind.whole, answered);
  assert.deepEqual([await first, await second], [answered, answered]);
});

Deno.test("a client that has gone is read nothing for, and is told nothing of another's", async () => {
  const { pool, reader, read } = subject();
  const reason = new Error("The client went away");
  await assert.rejects(read({ signal: AbortSignal.abort(reason) }), reason);
  assert.deepEqual(pool.status, { readers: 0, busy: 0, streaming: 0, queued: 0 });
  const gone = new AbortController();
  const others = [read(), read({ signal: gone.signal }), read()];
  const refused = assert.rejects(others[1] ?? assert.fail(), reason);
  gone.abort(reason);
  await refused;
  assert.equal(pool.status.queued, 1);
  reader().finish();
  reader().finish();
  assert.deepEqual([await others[0], await others[2]], [answered, answered]);
});

Deno.test("whileCalm waits until nothing is read, and has what comes meanwhile wait", async () => {
  const { clock, pool, reader, read } = subject();
  const before = read();
  let meanwhile: Promise<string> | undefined;
  const calm = pool.whileCalm(1000, async () => {
    meanwhile = read();
    await clock.settle();
    return reader().isReading;
  });
  await clock.advance(900);
  assert.equal(meanwhile, undefined);
  reader().finish();
  assert.equal(await before, answered);
  assert.equal(await calm, false);
  reader().finish();
  assert.equal(await meanwhile, answered);
});

Deno.test("whileCalm waits for no reader that takes too long", async () => {
  const { clock, pool, reader, read } = subject();
  const slow = read();
  const calm = pool.whileCalm(1000, () => Promise.resolve("late"));
  await clock.advance(1000);
  assert.equal(await calm, "late");
  reader().finish();
  assert.equal(await slow, answered);
});

Deno.test("a store that fails while reads are to be calm keeps nobody waiting", async () => {
  const { life, pool, read } = subject();
  const error = new Error("Page 7 is damaged");
  const failed = [assert.rejects(read(), error), assert.rejects(read(), error)];
  const calm = pool.whileCalm(1000, () => Promise.resolve("calm"));
  life.fail(error);
  assert.equal(await calm, "calm");
  await Promise.all(failed);
  await assert.rejects(read(), error);
});

Deno.test("an exchange of the file takes back what has not begun", async () => {
  const { life, reader, read, both } = subject();
  const reads = [...await both(), read()];
  assert.ok(reader().start(0));
  const exchange = life.exchange(() => Promise.resolve());
  assert.equal(reader().start(1), false);
  reader().piece(0, PieceKind.whole, answered);
  reader().idle();
  await exchange;
  assert.equal(reader().releases, 1);
  reader().finish();
  assert.deepEqual(await Promise.all(reads), [answered, answered, answered]);
});

Deno.test("an exchange of the file takes back no read whose statements are at its reader, which answers it", async () => {
  const { life, reader, read } = subject();
  const long = read({ sql: `SELECT '${"x".repeat(longBytesMin)}'` });
  const exchange = life.exchange(() => Promise.resolve());
  reader().finish();
  await exchange;
  assert.equal(await long, answered);
});

Deno.test("an exchange of the file waits a second for an answer, and then cuts it short", async () => {
  const { clock, life, pool, stream } = subject();
  const { client, reader } = await stream();
  let exchanged = false;
  const exchange = life.exchange(() => {
    exchanged = true;
    return Promise.resolve();
  });
  const rest = assert.rejects(client.read(), /the database is being replaced or closed/);
  await clock.advance(900);
  assert.ok(reader.isWanted(0));
  await clock.advance(100);
  assert.equal(reader.isWanted(0), false);
  assert.equal(exchanged, false);
  reader.piece(0, PieceKind.cancelled, "");
  reader.idle();
  await Promise.all([rest, exchange]);
  assert.equal(pool.status.streaming, 0);
});

Deno.test("a closed store answers what runs, refuses what waits, and ends its readers", async () => {
  const { life, reader, read, readers, both } = subject();
  const [running, behind] = await both();
  assert.ok(reader().start(0));
  const refused = [behind, read()].map((read) =>
    assert.rejects(read ?? assert.fail(), /The store is closed/)
  );
  const closed = life.close(() => Promise.resolve());
  await Promise.all(refused);
  reader().piece(0, PieceKind.whole, answered);
  reader().idle();
  assert.equal(await running, answered);
  await closed;
  assert.deepEqual(readers.map(({ hasEnded }) => hasEnded), [true]);
});

Deno.test("reads at a reader that dies fail, and the store with them", async () => {
  const { life, reader, stream } = subject();
  const { client } = await stream();
  reader().die();
  await assert.rejects(client.read(), /A reader died: out of memory/);
  await assert.rejects(life.failed, /A reader died: out of memory/);
});

/** Gives a stream more than may be ahead of its client. */
async function fill(clock: SimulatedClock, reader: TestReader): Promise<void> {
  for (let part = 0; part < partsAhead; part++) reader.piece(0, PieceKind.part, "x");
  await clock.advance(20);
}

const givenUp = /its client takes it slowly, as do too many others/;

Deno.test("a reader that answers what has failed already is not heard", async () => {
  const { life, pool, reader, read } = subject();
  const error = new Error("Page 7 is damaged");
  const failed = assert.rejects(read(), error);
  assert.ok(reader().start(0));
  life.fail(error);
  await failed;
  reader().piece(0, PieceKind.part, "first");
  assert.equal(pool.status.streaming, 0);
});

Deno.test("a reader that waits for its client is none that works, up to so many; the next is given up", async () => {
  const { clock, pool, readers, reader, read, stream } = subject();
  const slow = await stream();
  await fill(clock, slow.reader);
  const other = read();
  assert.equal(readers.length, 2, "Another reads for others");
  reader(1).finish();
  assert.equal(await other, answered);
  const slower = await stream();
  await fill(clock, slower.reader);
  await assert.rejects(slower.client.read(), givenUp);
  assert.equal(slower.reader.isWanted(0), false);
  assert.deepEqual(pool.status, { readers: 2, busy: 2, streaming: 2, queued: 0 });
});

for (const how of ["takes a part", "has gone"]) {
  Deno.test(`a reader whose client ${how} waits no more, and another may`, async () => {
    const { clock, pool, reader, stream, read } = subject();
    const slow = await stream();
    await fill(clock, slow.reader);
    const other = read();
    reader(1).finish();
    await other;
    const slower = await stream();
    if (how === "takes a part") await slow.client.read();
    else {
      await slow.client.cancel();
      assert.equal(slow.reader.isWanted(0), false);
      slow.reader.piece(0, PieceKind.cancelled, "");
      slow.reader.idle();
    }
    await fill(clock, slower.reader);
    slower.reader.piece(0, PieceKind.last, "");
    slower.reader.idle();
    let parts = 0;
    while (!(await slower.client.read()).done) parts++;
    assert.equal(parts, partsAhead + 1);
    assert.equal(pool.status.streaming, how === "takes a part" ? 1 : 0);
  });
}

Deno.test("readers are told of foreign keys when that changes, and only those at rest let go of the file to shrink", async () => {
  const { pool, readers, reader, read } = subject({ readersMax: 2 });
  const reads = [read(), read()];
  reader(0).finish();
  pool.setForeignKeys(false);
  pool.setForeignKeys(true);
  pool.setForeignKeys(true);
  pool.shrink();
  assert.deepEqual(readers.map(({ foreignKeys }) => foreignKeys), [[true], [true]]);
  assert.deepEqual(readers.map(({ releases }) => releases), [1, 0]);
  reader(1).finish();
  await Promise.all(reads);
});
