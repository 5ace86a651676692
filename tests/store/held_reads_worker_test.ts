import assert from "node:assert/strict";
import { HeldReads } from "../../src/store/apply/held_reads.ts";
import type {
  HeldReadsReply,
  NumberedHeldRequest,
} from "../../src/store/apply/held_reads_thread.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import type { ThreadHandlers, Threads } from "../../src/store/threads.ts";
import { HeldReadLostError, StoreBusyError } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library, stepOf } from "./fixture.ts";

/** Held reads of one thread, which answers when the test says so. */
function subject() {
  const asked: NumberedHeldRequest[] = [];
  let handlers: ThreadHandlers<HeldReadsReply> | undefined;
  const threads: Threads = {
    start: (_name, given) => {
      handlers = given as ThreadHandlers<never> as ThreadHandlers<HeldReadsReply>;
      return {
        post: (request: object) => {
          if ("request" in request) asked.push(request as NumberedHeldRequest);
        },
        terminate: () => {},
      };
    },
  };
  const life = new LifeCycle();
  const reads = new HeldReads({
    ...{ library, path: "db.sqlite", foreignKeys: () => false, life, threads },
    ...{ clock: new SimulatedClock(), threadsMax: 1 },
  });
  life.opened();
  const thread = () => handlers ?? assert.fail("There is no thread");
  const reply = (value: { message: string } | { value: unknown }) => {
    const { id } = asked.shift() ?? assert.fail("It was not asked");
    if ("message" in value) thread().receive({ type: "failed", id, ...value });
    else thread().receive({ type: "answer", id, ...value });
  };
  return {
    life,
    reads,
    asked: () => asked.map(({ request }) => request.type),
    answer: (value?: unknown) => reply({ value }),
    fail: (message: string) => reply({ message }),
    die: () => thread().died("out of memory"),
  };
}

type Subject = ReturnType<typeof subject>;

/** Has something held. */
async function hold({ reads, answer }: Subject) {
  const holding = reads.hold();
  await Promise.resolve();
  answer();
  return await holding;
}

Deno.test("HeldReads holds so much at a time and no more, and another once one is let go of", async () => {
  const made = subject();
  const held = [];
  for (let i = 0; i < 256; i++) held.push(await hold(made));
  await assert.rejects(made.reads.hold(), StoreBusyError);
  held[0]?.letGo();
  held[0]?.letGo();
  assert.deepEqual(made.asked(), ["let_go"], "once, though it was said twice");
  made.answer();
  await hold(made);
  await assert.rejects(made.reads.hold(), StoreBusyError);
});

Deno.test("HeldReads counts nothing that its thread could not hold", async () => {
  const made = subject();
  const { reads, answer, fail } = made;
  for (let i = 0; i < 300; i++) {
    const refused = assert.rejects(
      reads.hold(),
      /^StoreBusyError: Read failed: database is locked/,
    );
    await Promise.resolve();
    fail("database is locked");
    await refused;
    answer();
  }
  await hold(made);
});

Deno.test("What was read at a thread that died is lost, also where a step was under way", async () => {
  const made = subject();
  const { answer, asked, die } = made;
  const [one, other] = [await hold(made), await hold(made)];
  const run = assert.rejects(one.run(stepOf("SELECT 1"), undefined), HeldReadLostError);
  die();
  await run;
  await assert.rejects(other.run(stepOf("SELECT 1"), undefined), HeldReadLostError);
  assert.deepEqual(asked(), ["run"]);
  answer();
  other.letGo();
  assert.deepEqual(asked(), [], "nobody is there to let go of it");
});

Deno.test("HeldReads lets an exchange of the database pass while there is no thread to take it from", async () => {
  const made = subject();
  await hold(made);
  made.die();
  await made.life.exchange(() => Promise.resolve());
  assert.deepEqual(made.asked(), []);
});

Deno.test("HeldReads rejects with why the store has failed", async () => {
  const made = subject();
  const held = await hold(made);
  made.life.fail(new Error("no good"));
  await assert.rejects(held.run(stepOf("SELECT 1"), undefined), /no good/);
  await assert.rejects(made.reads.hold(), /no good/);
});
