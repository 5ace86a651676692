import { strict as assert } from "node:assert";
import { Ticker } from "../../src/node/ticker.ts";
import type { Clock, Timer } from "../../src/io/types.ts";
import { promiseMs } from "../../src/raft/lease.ts";
import { Raft } from "../../src/raft/raft.ts";
import { EntryType, type Message } from "../../src/raft/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

/** As the program has them by default. */
const timing = { tickMs: 50, electionTicks: 10, heartbeatTicks: 2, leaseTicks: 8 };

/** A clock that counts how often it wakes somebody up. */
class CountingClock implements Clock {
  woken = 0;

  constructor(readonly clock: SimulatedClock) {}

  now(): number {
    return this.clock.now();
  }

  wallTime(): number {
    return this.clock.wallTime();
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.clock.after(delayMs, () => {
      this.woken++;
      callback();
    });
  }
}

/** Nodes, each driven by its ticker, whose messages take a millisecond; the first leads. */
class Nodes {
  readonly clock = new SimulatedClock();
  readonly ids: readonly string[];
  readonly rafts = new Map<string, Raft>();
  readonly tickers = new Map<string, Ticker>();
  readonly clocks = new Map<string, CountingClock>();
  messages = 0;

  constructor(size: number) {
    this.ids = ["a", "b", "c"].slice(0, size);
    const members = this.ids.map((id) => ({
      id,
      address: `${id}:1`,
      httpAddress: `${id}:2`,
      suffrage: "voter" as const,
    }));
    for (const id of this.ids) {
      const clock = new CountingClock(this.clock);
      const raft = new Raft({
        id,
        ...timing,
        appendBytesMax: 1000,
        inflightMax: 8,
        cacheBytesMax: 1000,
        random: (limit) => limit >> 1,
        hardState: { term: 0, votedFor: "", promiseMs: promiseMs(timing) },
        compaction: { index: 0, term: 0, configuration: { members } },
        log: { lastIndex: 0, termStarts: [], configurations: [], entries: [] },
        applied: 0,
      });
      const ticker = new Ticker({
        raft,
        clock,
        timing,
        each: () => this.run(id),
        ticksUntilDue: () => Infinity,
      });
      this.rafts.set(id, raft);
      this.clocks.set(id, clock);
      this.tickers.set(id, ticker);
      ticker.start();
    }
  }

  raft(id: string): Raft {
    const raft = this.rafts.get(id);
    assert(raft);
    return raft;
  }

  /** As the driver does it: what the core wants, and then sleep no longer than it allows. */
  run(id: string): void {
    const raft = this.raft(id);
    for (let ready = raft.ready(); ready !== undefined; ready = raft.ready()) {
      for (const message of [...ready.messages, ...ready.messagesAfterPersist]) this.#send(message);
      const last = ready.entries.at(-1);
      if (last !== undefined) raft.persisted(last.index, last.term);
    }
    this.tickers.get(id)?.hurry();
  }

  #send(message: Message): void {
    this.messages++;
    this.clock.after(1, () => {
      this.tickers.get(message.to)?.catchUp();
      this.raft(message.to).step(message);
      this.run(message.to);
    });
  }

  async lead(): Promise<void> {
    this.raft("a").campaign();
    this.run("a");
    await this.clock.advance(10_000);
    assert.deepEqual(this.ids.map((id) => this.raft(id).status.leader), this.ids.map(() => "a"));
  }

  /** How often each node wakes up by itself in a minute, and how many messages go about. */
  async minute(): Promise<{ readonly woken: number[]; readonly messages: number }> {
    for (const clock of this.clocks.values()) clock.woken = 0;
    this.messages = 0;
    await this.clock.advance(60_000);
    return {
      woken: [...this.clocks.values()].map(({ woken }) => woken),
      messages: this.messages,
    };
  }
}

Deno.test("nodes at rest wake up for heartbeats and to look after them, and for nothing else", async () => {
  const nodes = new Nodes(3);
  await nodes.lead();
  const { woken: [leader = 0, ...followers], messages } = await nodes.minute();
  // Every 200 ms a round: two heartbeats and their answers.
  assert.equal(messages, 60 * 5 * 4);
  assert(leader <= 60 * 5 + 60 * 2, `the leader woke up ${leader} times`);
  for (const follower of followers) {
    assert(follower <= 60 * 2, `a follower woke up ${follower} times`);
  }
  assert.deepEqual(nodes.ids.map((id) => nodes.raft(id).status), [
    { role: "leader", term: 1, leader: "a" },
    { role: "follower", term: 1, leader: "a" },
    { role: "follower", term: 1, leader: "a" },
  ]);
});

Deno.test("a node that is alone wakes up for nothing at rest", async () => {
  const nodes = new Nodes(1);
  await nodes.lead();
  const { woken, messages } = await nodes.minute();
  assert.equal(messages, 0);
  assert((woken[0] ?? 0) <= 60 / 5, `it woke up ${woken} times`);
});

Deno.test("a leader at rest keeps its lease, and answers the first who asks by it", async () => {
  const nodes = new Nodes(3);
  await nodes.lead();
  for (let ms = 0; ms < 5_000; ms += 7) {
    await nodes.clock.advance(7);
    nodes.tickers.get("a")?.catchUp();
    assert.notEqual(nodes.raft("a").leaseIndex, undefined, `no lease after ${ms} ms`);
  }
});

Deno.test("a leader that is asked for something beats twice as often, and tells the news within a tick", async () => {
  const nodes = new Nodes(3);
  await nodes.lead();
  const { messages: atRest } = await nodes.minute();
  nodes.messages = 0;
  for (let i = 0; i < 600; i++) {
    nodes.raft("a").propose(EntryType.noop, new Uint8Array());
    nodes.run("a");
    await nodes.clock.advance(timing.tickMs + 10);
    const { commitIndex } = nodes.raft("a");
    for (const id of ["b", "c"]) assert.equal(nodes.raft(id).commitIndex, commitIndex);
    await nodes.clock.advance(100 - timing.tickMs - 10);
  }
  // Beside the entries, the news of them, and the answers to both.
  const rounds = (nodes.messages - 600 * 8) / 4;
  assert(rounds >= 1.8 * atRest / 4, `${rounds} rounds while asked, ${atRest / 4} at rest`);
});

Deno.test("a follower at rest campaigns no later for having slept", async () => {
  const nodes = new Nodes(3);
  await nodes.lead();
  nodes.tickers.get("a")?.stop();
  const { electionTicks, tickMs } = timing;
  const limitMs = (electionTicks + (electionTicks >> 1) + 1) * tickMs;
  await nodes.clock.advance(limitMs);
  assert(["b", "c"].some((id) => nodes.raft(id).status.role !== "follower"));
});
