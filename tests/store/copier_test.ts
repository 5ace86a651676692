import assert from "node:assert/strict";
import { Copier } from "../../src/store/copy/copier.ts";
import type { CopyReply, CopyRequest } from "../../src/store/copy/copy_thread.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import type { ThreadHandlers, Threads } from "../../src/store/threads.ts";
import { StoreBusyError } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library } from "./fixture.ts";

/** A copier whose thread answers when the test says so. */
function subject() {
  const life = new LifeCycle();
  const state = {
    /** Paths of the requests that the threads got. */
    asked: [] as string[],
    started: 0,
    ended: 0,
    handlers: undefined as ThreadHandlers<CopyReply> | undefined,
    /** Whether the work at hand is to be given up. */
    cancelled: () => false,
  };
  const threads: Threads = {
    start: (_name, handlers) => {
      state.started++;
      state.handlers = handlers as ThreadHandlers<never> as ThreadHandlers<CopyReply>;
      return {
        post: (request: object) => {
          if ("cancelled" in request) {
            const word = new Int32Array(request.cancelled as SharedArrayBuffer);
            state.cancelled = () => word[0] === 1;
          } else state.asked.push((request as CopyRequest).path);
        },
        terminate: () => void state.ended++,
      };
    },
  };
  const clock = new SimulatedClock();
  const copier = new Copier(library, life, threads, clock);
  const verify = (path: string, signal?: AbortSignal) =>
    copier.run({ type: "verify", path }, signal);
  const answer = (reply: CopyReply) => (state.handlers ?? assert.fail("No thread")).receive(reply);
  const done = (index: number) => answer({ type: "answer", value: { index, term: 1 } });
  return { copier, life, clock, state, verify, answer, done };
}

Deno.test("Copier does one thing after the other, in one thread, once the database is open", async () => {
  const { life, state, verify, done } = subject();
  const results = [verify("a"), verify("b")];
  assert.equal(state.started, 0);
  life.opened();
  assert.deepEqual(state.asked, ["a"]);
  done(1);
  assert.deepEqual(state.asked, ["a", "b"]);
  done(2);
  assert.deepEqual(await Promise.all(results), [{ index: 1, term: 1 }, { index: 2, term: 1 }]);
  assert.equal(state.started, 1);
});

Deno.test("Copier refuses more than eight that wait, and takes some again", async () => {
  const { life, verify, done } = subject();
  life.opened();
  const results = Array.from({ length: 9 }, (_, i) => verify(`${i}`));
  await assert.rejects(verify("one too many"), StoreBusyError);
  done(0);
  results.push(verify("another"));
  for (let i = 1; i < 10; i++) done(i);
  assert.equal((await Promise.all(results)).length, 10);
});

Deno.test("Copier gives up what nobody wants: what waits at once, what runs when its files are free", async () => {
  const { life, state, verify, answer, done } = subject();
  life.opened();
  const [running, waiting] = [new AbortController(), new AbortController()];
  const reason = new Error("The client went away");
  const first = assert.rejects(verify("running", running.signal), reason);
  const second = assert.rejects(verify("waiting", waiting.signal), reason);
  const third = verify("wanted");
  waiting.abort(reason);
  await second;
  running.abort(reason);
  assert.equal(state.cancelled(), true);
  assert.deepEqual(state.asked, ["running"], "its files are in use until the thread says so");
  answer({ type: "failed", message: "The copy was given up", cause: "other" });
  await first;
  assert.deepEqual(state.asked, ["running", "wanted"]);
  assert.equal(state.cancelled(), false, "the next one is not to be given up");
  done(3);
  assert.deepEqual(await third, { index: 3, term: 1 });
  await assert.rejects(verify("in vain", AbortSignal.abort(reason)), reason);
});

Deno.test("Copier tells a full disk, a broken one and any other failure apart", async () => {
  const { life, verify, answer } = subject();
  life.opened();
  for (
    const [cause, wanted] of [
      ["full", { name: "DiskError", kind: "full", message: "/copy: no room" }],
      ["disk", { name: "StoreFailedError", message: "no room" }],
      ["other", { name: "Error", message: "no room" }],
    ] as const
  ) {
    const refused = assert.rejects(verify("/copy"), wanted);
    answer({ type: "failed", message: "no room", cause });
    await refused;
  }
});

Deno.test("Copier fails what ran when its thread died, and starts another", async () => {
  const { life, state, verify, done } = subject();
  life.opened();
  const lost = assert.rejects(verify("a"), /The copying Worker died: out of memory/);
  const next = verify("b");
  state.handlers?.died("out of memory");
  await lost;
  assert.deepEqual([state.started, state.asked], [2, ["a", "b"]]);
  done(2);
  assert.deepEqual(await next, { index: 2, term: 1 });
});

Deno.test("Copier has what runs give up when the store closes or fails, and takes nothing more", async () => {
  const closing = subject();
  closing.life.opened();
  const outcomes = ["running", "waiting"].map((path) =>
    assert.rejects(closing.verify(path), /The store is closed|given up/)
  );
  const closed = closing.life.close(() => Promise.resolve());
  while (!closing.state.cancelled()) await Promise.resolve();
  closing.answer({ type: "failed", message: "The copy was given up", cause: "other" });
  await Promise.all([closed, ...outcomes]);
  assert.deepEqual([closing.state.asked, closing.state.ended], [["running"], 1]);
  await assert.rejects(closing.verify("late"), /The store is closed/);

  const failing = subject();
  failing.life.opened();
  const failed = ["running", "waiting"].map((path) =>
    assert.rejects(failing.verify(path), /Page 7 is damaged/)
  );
  failing.life.fail(new Error("Page 7 is damaged"));
  assert.equal(failing.state.cancelled(), true);
  await failing.life.close(() => assert.fail("a failed store has no last work"));
  await Promise.all(failed);
  assert.equal(failing.copier.isRunning, false);
});

Deno.test("Copier ends its thread when that has had nothing to do for a while, and never at a job", async () => {
  const { copier, life, clock, state, verify, done } = subject();
  life.opened();
  const threads = () => ({ started: state.started, running: state.started - state.ended });
  const one = async (afterMs: number) => {
    const outcome = verify("nowhere");
    await clock.advance(afterMs);
    done(1);
    return await outcome;
  };
  assert.equal(state.started, 0);
  await one(60_000);
  await clock.advance(59_000);
  await one(60_000);
  await clock.advance(59_000);
  assert.deepEqual(threads(), { started: 1, running: 1 });
  await clock.advance(2_000);
  assert.deepEqual(threads(), { started: 1, running: 0 });
  await one(60_000);
  assert.deepEqual(threads(), { started: 2, running: 1 });
  const both = [verify("one"), verify("other")];
  done(1);
  await clock.advance(60_000);
  done(2);
  await Promise.all(both);
  assert.deepEqual(threads(), { started: 2, running: 1 });
  copier.end();
  await clock.advance(60_000);
  assert.deepEqual(threads(), { started: 2, running: 0 });
});
