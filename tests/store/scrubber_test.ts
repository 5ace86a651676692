import assert from "node:assert/strict";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { Scrubber } from "../../src/store/scrub/scrubber.ts";
import type { NumberedScrubRequest, ScrubReply } from "../../src/store/scrub/scrub_thread.ts";
import type { ThreadHandlers, Threads } from "../../src/store/threads.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library } from "./fixture.ts";

/** A scrubber whose thread answers when the test says so. */
function subject() {
  const asked: NumberedScrubRequest[] = [];
  const state = {
    started: 0,
    ended: 0,
    handlers: undefined as ThreadHandlers<ScrubReply> | undefined,
  };
  const threads: Threads = {
    start: (_name, handlers) => {
      state.started++;
      state.handlers = handlers as ThreadHandlers<never> as ThreadHandlers<ScrubReply>;
      return {
        post: (request: object) => {
          if ("request" in request) asked.push(request as NumberedScrubRequest);
        },
        terminate: () => void state.ended++,
      };
    },
  };
  const life = new LifeCycle();
  const clock = new SimulatedClock();
  const scrubber = new Scrubber({ library, path: "db.sqlite", life, threads, clock });
  life.opened();
  const handlers = () => state.handlers ?? assert.fail("It has no thread");
  return {
    life,
    scrubber,
    state,
    /** What the thread is asked and has not answered. */
    asked: () => asked.map(({ request }) => request.type),
    /** Answers the first of these. */
    answer: (value?: unknown) => {
      const { id } = asked.shift() ?? assert.fail("It was not asked");
      handlers().receive({ type: "answer", id, value });
    },
    fail: (message: string) => {
      const { id } = asked.shift() ?? assert.fail("It was not asked");
      handlers().receive({ type: "failed", id, message });
    },
    die: () => {
      asked.length = 0;
      handlers().died("out of memory");
    },
  };
}

Deno.test("Scrubber lets another hold the copy once what could not be held is let go of", async () => {
  const { scrubber, asked, answer, fail } = subject();
  const held = scrubber.hold();
  await Promise.resolve();
  fail("database is locked");
  await assert.rejects(Promise.all([held, settled(() => answer())]), /database is locked/);
  const next = scrubber.hold();
  await settled(() => assert.deepEqual(asked(), ["hold"]));
  answer(7);
  assert.equal((await next).index, 7);
});

Deno.test("Scrubber holds nothing where the database was taken away before it could", async () => {
  const { scrubber, life, asked, answer } = subject();
  const held = scrubber.hold();
  const refused = assert.rejects(held, /The copy is held no more/);
  await Promise.resolve();
  const exchanged = life.exchange(() => Promise.resolve());
  assert.deepEqual(asked(), ["hold", "end"]);
  answer(7);
  await refused;
  answer();
  await exchanged;
  assert.equal(life.state, "open");
});

Deno.test("Scrubber has a copy that is held when the database is exchanged let go of once, and says that another is in place", async () => {
  const { scrubber, life, asked, answer } = subject();
  const holding = scrubber.hold();
  await Promise.resolve();
  answer(7);
  const held = await holding;
  assert.ok(held.isInPlace);
  held.end();
  const exchanged = life.exchange(() => Promise.resolve());
  held.end();
  assert.deepEqual(asked(), ["end"]);
  answer();
  await exchanged;
  assert.ok(!held.isInPlace);
  await life.exchange(() => Promise.resolve());
  assert.deepEqual(asked(), []);
});

Deno.test("Scrubber fails what it asked a thread that died, and starts another for the next", async () => {
  const { scrubber, state, answer, die } = subject();
  const holding = scrubber.hold();
  await Promise.resolve();
  answer(7);
  const held = await holding;
  const digest = assert.rejects(held.digest(""), /compares copies died: out of memory/);
  die();
  await digest;
  held.end();
  assert.equal(state.started, 2);
  answer();
  const next = scrubber.hold();
  await settled(() => answer(8));
  assert.equal((await next).index, 8);
});

Deno.test("Scrubber starts no thread for a store that has failed, and ends the one that it has", async () => {
  const failed = subject();
  failed.scrubber.prepare();
  assert.equal(failed.state.started, 1);
  const held = assert.rejects(failed.scrubber.hold(), /no good/);
  await Promise.resolve();
  failed.life.fail(new Error("no good"));
  await held;
  await failed.life.close(() => Promise.resolve());
  assert.equal(failed.state.ended, 1);
  failed.scrubber.prepare();
  assert.equal(failed.state.started, 1);
});

/** Does that once all promise work that is due is done. */
async function settled(then: () => void): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
  then();
}
