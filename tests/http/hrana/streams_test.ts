import assert from "node:assert/strict";
import type { Stream } from "../../../src/http/hrana/stream.ts";
import { readBaton, Streams } from "../../../src/http/hrana/streams.ts";

class Subject {
  now = 0;
  readonly ended: Stream[] = [];
  readonly streams = new Streams("a.b:1", (stream) => this.ended.push(stream), () => this.now);

  /** A stream with something to lose. */
  stateful(user = ""): Stream {
    const stream = this.streams.open(user);
    stream.stored.store(0, "SELECT 1");
    return stream;
  }

  take(baton: string, user = ""): Stream {
    return this.streams.take(readBaton(baton), user);
  }
}

Deno.test("a baton names its node, and cannot be guessed, nor used by another user", () => {
  const subject = new Subject();
  const stream = subject.stateful("ann");
  const baton = subject.streams.keep(stream);
  assert.equal(readBaton(baton).node, "a.b:1");
  assert.throws(() => subject.take(baton, "bob"), { code: "STREAM_EXPIRED" });
  assert.throws(() => subject.take(baton.replace(/s\.../, "s.zz"), "ann"), {
    code: "STREAM_EXPIRED",
  });
  assert.equal(subject.take(baton, "ann"), stream);
  assert.throws(() => subject.take(baton, "ann"), /has already been used/);
});

Deno.test("a stream with something to lose is ended behind ten seconds without a request", async () => {
  const subject = new Subject();
  const stream = subject.stateful();
  const busy = subject.stateful();
  const baton = subject.streams.keep(stream);
  const ofBusy = subject.streams.keep(busy);
  const leave = await busy.enter();
  subject.now = 9_000;
  const again = subject.take(baton);
  (await again.enter())();
  const next = subject.streams.keep(again);
  subject.now = 18_000;
  assert.equal(subject.take(next), stream);
  const last = subject.streams.keep(stream);
  subject.now = 20_000;
  assert.throws(() => subject.take(last), { code: "STREAM_EXPIRED", message: /inactivity/ });
  assert.deepEqual(subject.ended, [stream]);
  leave();
  assert.equal(subject.take(ofBusy), busy, "something was asked of it all the time");
});

Deno.test("a stream without anything to lose goes on at any time, and may be another then", () => {
  const subject = new Subject();
  const stream = subject.streams.open("");
  const baton = subject.streams.keep(stream);
  subject.now = 1e9;
  assert.equal(subject.take(baton), stream);
  assert.notEqual(subject.take(baton), stream);
  // Given as one that may have something to lose, which it then has not.
  const other = subject.streams.keep(stream, true);
  subject.now = 2e9;
  assert.equal(subject.take(other), stream);
  assert.deepEqual(subject.ended, []);
});

Deno.test("streams are bounded: that which rests for longest is given up", () => {
  const subject = new Subject();
  const first = subject.stateful();
  const baton = subject.streams.keep(first);
  for (let i = 0; i < 2048; i++) subject.streams.keep(subject.stateful());
  assert.deepEqual(subject.ended, [first]);
  assert.throws(() => subject.take(baton), { code: "STREAM_EXPIRED" });
  for (let i = 0; i < 20_000; i++) subject.streams.keep(subject.streams.open(""));
  assert.equal(subject.streams.size, 12_048);
});
