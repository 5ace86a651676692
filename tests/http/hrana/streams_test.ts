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

Deno.test("streams keep so much SQL for their clients, and those that rest for longest are given up", () => {
  const subject = new Subject();
  const full = () => {
    const stream = subject.streams.open("");
    assert.equal(stream.stored.store(1, `SELECT '${"x".repeat(250_000)}'`), undefined);
    return stream;
  };
  const first = full();
  subject.streams.keep(first);
  const again = subject.take(subject.streams.keep(full()));
  for (let i = 0; i < 132; i++) subject.streams.keep(full());
  assert.deepEqual(subject.ended, []);
  subject.streams.keep(again);
  for (let i = 0; i < 200; i++) subject.streams.keep(full());
  assert.equal(subject.ended[0], first);
  assert.equal(subject.streams.size, 134);
});

Deno.test("SQL that is stored is read once, and is one text however many statements it is", () => {
  const stream = new Subject().streams.open("");
  stream.stored.store(1, `SELECT '${"x".repeat(1000)}'`);
  const statement = { source: { sqlId: 1 }, args: [], namedArgs: [] };
  const [one, other] = [stream.bound(statement), stream.bound(statement)];
  assert("text" in one && "text" in other);
  assert.equal(one.text, other.text);
  stream.stored.store(1, "SELECT 2");
  const [changed] = [stream.bound(statement)];
  assert("text" in changed);
  assert.equal(changed.text.sql, "SELECT 2");
});

Deno.test("texts are not kept with more parameters than they are long", () => {
  const stream = new Subject().streams.open("");
  const args = Array(32_766).fill(1);
  stream.stored.store(1, "SELECT ?32766");
  for (const source of [{ sqlId: 1 }, { sql: "SELECT ?32766" }]) {
    const [one, other] = [0, 1].map(() => stream.bound({ source, args, namedArgs: [] }));
    assert(one && other && "text" in one && "text" in other);
    assert.equal(one.values.length, 32_766);
    assert.notEqual(one.text, other.text);
  }
});

Deno.test("arguments by name are found by name, tens of thousands of them too", () => {
  const stream = new Subject().streams.open("");
  const names = Array.from({ length: 32_766 }, (_, i) => `n${i}`);
  const sql = `SELECT ${names.map((name, i) => `${":@$"[i % 3]}${name}`).join(",")}`;
  const namedArgs = names.map((name, value) => ({ name, value })).reverse();
  const found = stream.bound({ source: { sql }, args: [], namedArgs });
  assert("values" in found);
  assert.deepEqual(found.values, names.map((_, i) => i));
  const stray = [...namedArgs.slice(1), { name: "other", value: 1 }];
  const refused = stream.bound({ source: { sql }, args: [], namedArgs: stray });
  assert(
    "error" in refused && /value for parameter \$n32765 not found/.test(refused.error.message),
  );
  const one = { source: { sql: "SELECT :a, @b" }, args: [] };
  const more = [{ name: "a", value: 1 }, { name: ":a", value: 2 }];
  const error = stream.bound({
    ...one,
    namedArgs: [...more.slice(0, 1), { name: "@b", value: 3 }],
  });
  assert("values" in error);
  assert.deepEqual(error.values, [1, 3]);
});
