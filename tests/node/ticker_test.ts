import { strict as assert } from "node:assert";
import { Ticker } from "../../src/node/ticker.ts";
import { promiseMs } from "../../src/raft/lease.ts";
import { Raft } from "../../src/raft/raft.ts";
import type { Message } from "../../src/raft/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

const timing = { tickMs: 50, electionTicks: 10, heartbeatTicks: 2, leaseTicks: 8 };
const members = ["a", "b", "c"].map((id) => ({
  id,
  address: `${id}:1`,
  httpAddress: `${id}:2`,
  suffrage: "voter" as const,
}));

/** Node a of three, driven by a ticker. */
function nodeA() {
  const clock = new SimulatedClock();
  const raft = new Raft({
    id: "a",
    ...timing,
    appendBytesMax: 1000,
    inflightMax: 8,
    cacheBytesMax: 1000,
    random: () => 0,
    hardState: { term: 1, votedFor: "", promiseMs: promiseMs(timing) },
    compaction: { index: 0, term: 0, configuration: { members } },
    log: { lastIndex: 0, termStarts: [], configurations: [], entries: [] },
    applied: 0,
  });
  const ticker = new Ticker({
    raft,
    clock,
    timing,
    each: () => raft.ready(),
    ticksUntilDue: () => Infinity,
  });
  ticker.start();
  return { clock, raft, ticker };
}

function fromB(message: Partial<Message> & Pick<Message, "type">): Message {
  return { from: "b", to: "a", term: 1, ...message } as Message;
}

const heartbeat = fromB({ type: "heartbeat_request", commitIndex: 0, round: 1 });

Deno.test("a follower whose loop was held up reads what waits before it takes the leader for gone", async () => {
  const { clock, raft, ticker } = nodeA();
  raft.step(heartbeat);
  clock.jump(1500);
  assert.equal(raft.status.role, "follower", "the heartbeats of that time are not read yet");
  ticker.catchUp();
  raft.step(heartbeat);
  await clock.advance(400);
  assert.deepEqual(raft.status, { role: "follower", term: 1, leader: "b" });
});

Deno.test("a follower whose loop was held up campaigns at the next tick when nothing was there to read", async () => {
  const { clock, raft } = nodeA();
  raft.step(heartbeat);
  clock.jump(1500);
  assert.equal(raft.status.role, "follower");
  await clock.advance(50);
  assert.equal(raft.status.role, "pre-candidate");
});

Deno.test("a loop that is always late does not put elections off for ever", () => {
  const { clock, raft } = nodeA();
  raft.step(heartbeat);
  for (let i = 0; i < 7; i++) clock.jump(150);
  assert.equal(raft.status.role, "pre-candidate");
});

Deno.test("a leader whose loop was held up reads its followers' answers before it gives up the lead", async () => {
  const { clock, raft, ticker } = nodeA();
  raft.campaign();
  await clock.advance(1000);
  raft.step(fromB({ type: "vote_response", preVote: true, granted: true, term: 2 }));
  raft.ready();
  raft.step(fromB({ type: "vote_response", preVote: false, granted: true, term: 2 }));
  assert.equal(raft.status.role, "leader");
  raft.ready();
  const answer = fromB({ type: "heartbeat_response", round: 1, term: 2, promiseMs: 450 });
  raft.step(answer);
  clock.jump(1500);
  assert.equal(raft.status.role, "leader");
  assert.equal(raft.leaseIndex, undefined, "time has passed all the same: no lease");
  ticker.catchUp();
  raft.step(answer);
  await clock.advance(400);
  assert.equal(raft.status.role, "leader");
  clock.jump(1500);
  await clock.advance(600);
  assert.notEqual(raft.status.role, "leader", "nobody answered");
});

Deno.test("a ticker gets on whatever fraction of a millisecond it began at", async () => {
  const clock = new SimulatedClock();
  let elapsed = 0;
  let woken = 0;
  const raft = { elapse: () => void elapsed++, act: () => {}, ticksUntilDue: 1 };
  for (let i = 0; i < 200; i++) {
    await clock.advance(9.691797 * i);
    const each = () => assert(++woken < 1_000, "it is woken in vain");
    const ticker = new Ticker({ raft, clock, timing, each, ticksUntilDue: () => Infinity });
    ticker.start();
    elapsed = woken = 0;
    await clock.advance(500);
    ticker.stop();
    assert(elapsed >= 9 && elapsed <= 10, `${elapsed} ticks in 500 ms`);
    assert(woken <= 20, `woken ${woken} times for ${elapsed} ticks`);
  }
});

Deno.test("time counts at once for what a follower promised, and what is due waits", () => {
  const { clock, raft, ticker } = nodeA();
  raft.step(heartbeat);
  clock.jump(600);
  ticker.catchUp();
  // The promise to b has run out: c may have the vote.
  raft.step({
    type: "vote_request",
    from: "c",
    to: "a",
    term: 2,
    preVote: true,
    lastLogIndex: 0,
    lastLogTerm: 0,
    leadershipTransfer: false,
  });
  const [response] = raft.ready()?.messages ?? [];
  assert.equal(response?.type === "vote_response" && response.granted, true);
});
