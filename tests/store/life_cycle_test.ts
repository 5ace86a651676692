import assert from "node:assert/strict";
import { InvariantError } from "../../src/base/assert.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";

function open(): LifeCycle {
  const life = new LifeCycle();
  life.opened();
  return life;
}

/** Lets all promise work that is due be done. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("LifeCycle lets what comes during an exchange wait, and begins it in the order that it came", async () => {
  const life = open();
  const begun: number[] = [];
  const { promise: exchanged, resolve: endExchange } = Promise.withResolvers<void>();
  const exchange = life.exchange(() => exchanged);
  const uses = [1, 2, 3].map((n) => life.whenOpen(() => Promise.resolve(begun.push(n))));
  await settle();
  assert.deepEqual([life.state, begun], ["exchanging", []]);
  endExchange();
  await exchange;
  assert.deepEqual([life.state, begun], ["open", [1, 2, 3]]);
  await Promise.all(uses);
});

Deno.test("LifeCycle exchanges when the last use has ended and every holder has let go", async () => {
  const life = open();
  const seen: string[] = [];
  life.hold({
    hurry: (patienceMs) => seen.push(`hurry ${patienceMs > 0}`),
    release: () => Promise.resolve().then(() => void seen.push("released")),
    resume: () => seen.push("resumed"),
  });
  const ends = [life.begin(), life.begin()];
  const exchange = life.exchange(() => Promise.resolve(void seen.push("exchanged")));
  ends[0]?.();
  await settle();
  assert.deepEqual(seen, ["hurry true"]);
  ends[1]?.();
  await exchange;
  assert.deepEqual(seen, ["hurry true", "released", "exchanged", "resumed"]);
});

Deno.test("LifeCycle refuses what waits and what comes once it has failed or is closed", async () => {
  for (const how of ["fail", "close"] as const) {
    const life = new LifeCycle();
    const waiting = assert.rejects(life.whenOpen(() => Promise.resolve()), /no good|closed/);
    const refused: string[] = [];
    life.hold({ refuse: (error) => refused.push(error.message) });
    if (how === "fail") assert.equal(life.fail(new Error("no good")), true);
    else await life.close(() => Promise.resolve());
    await waiting;
    assert.equal(refused.length, 1);
    await assert.rejects(life.use(() => Promise.resolve()), /no good|closed/);
    await assert.rejects(life.exchange(() => Promise.resolve()), /no good|closed/);
    assert.equal(life.fail(new Error("again")), false);
    if (how === "fail") await assert.rejects(life.failed, /no good/);
  }
});

Deno.test("LifeCycle.close waits for an exchange, and an exchange that fails ends no worse", async () => {
  const life = open();
  const { promise: exchanged, reject: breakExchange } = Promise.withResolvers<void>();
  const exchange = life.exchange(() => exchanged);
  const failing = assert.rejects(exchange, /no disk/);
  const last: string[] = [];
  const closed = life.close(() => Promise.resolve(void last.push("last")));
  await settle();
  assert.equal(life.state, "exchanging");
  breakExchange(new Error("no disk"));
  await failing;
  life.fail(new Error("no disk"));
  await closed;
  assert.deepEqual([life.state, last], ["closed", []]);
});

Deno.test("LifeCycle stops whoever uses the file when it must not be used, or says twice that it has ended", async () => {
  const life = new LifeCycle();
  assert.throws(() => life.begin(), InvariantError);
  life.opened();
  assert.throws(() => life.opened(), InvariantError);
  const end = life.begin();
  end();
  assert.throws(end, InvariantError);
  const exchange = life.exchange(async () => {
    await assert.rejects(life.exchange(() => Promise.resolve()), InvariantError);
    assert.throws(() => life.begin(), InvariantError);
  });
  await exchange;
  await life.close(() => Promise.resolve());
  assert.throws(() => life.opened(), InvariantError);
});

Deno.test("LifeCycle exchanges nothing that has failed, or that fails while it is let go of", async () => {
  const life = open();
  const end = life.begin();
  const error = new Error("Page 7 is damaged");
  const notDone = () => assert.fail("It was exchanged");
  const exchange = assert.rejects(life.exchange(notDone), error);
  life.fail(error);
  await exchange;
  end();
  await assert.rejects(life.exchange(notDone), error);
  assert.equal(life.state, "failed");
});
