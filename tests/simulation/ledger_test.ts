import assert from "node:assert/strict";
import { type Entry, EntryType, type Message } from "../../src/raft/types.ts";
import { Ledger, SafetyViolation } from "./ledger.ts";

function entry(index: number, term: number, checksum = 0): Entry {
  return { index, term, type: EntryType.command, data: new Uint8Array(), checksum };
}

function violates(property: string, run: () => void): void {
  assert.throws(run, (error) => error instanceof SafetyViolation && error.property === property);
}

Deno.test("Ledger.leads() refuses a second leader of a term", () => {
  const ledger = new Ledger();
  ledger.leads("a", 1);
  ledger.leads("a", 1);
  ledger.leads("b", 2);
  violates("Election safety", () => ledger.leads("b", 1));
});

Deno.test("Ledger.sent() takes the sender of entries and heartbeats for the leader", () => {
  const ledger = new Ledger();
  const heartbeat: Message = {
    type: "heartbeat_request",
    from: "a",
    to: "c",
    term: 3,
    commitIndex: 0,
    round: 1,
  };
  ledger.sent(heartbeat);
  violates("Election safety", () => ledger.sent({ ...heartbeat, from: "b" }));
});

Deno.test("Ledger.sent() refuses a second vote in a term, also for oneself", () => {
  const ledger = new Ledger();
  const vote: Message = {
    type: "vote_response",
    from: "c",
    to: "a",
    term: 4,
    preVote: false,
    granted: true,
  };
  ledger.sent(vote);
  ledger.sent(vote);
  ledger.sent({ ...vote, to: "b", preVote: true });
  ledger.sent({ ...vote, to: "b", granted: false });
  ledger.sent({ ...vote, to: "b", term: 5 });
  violates("One vote a term", () => ledger.sent({ ...vote, to: "b" }));
  violates("One vote a term", () =>
    ledger.sent({
      type: "vote_request",
      from: "c",
      to: "a",
      term: 4,
      preVote: false,
      lastLogIndex: 0,
      lastLogTerm: 0,
      leadershipTransfer: false,
    }));
});

Deno.test("Ledger.restarts() refuses a node that has forgotten the term it promised", () => {
  const ledger = new Ledger();
  ledger.sent({
    type: "vote_response",
    from: "c",
    to: "a",
    term: 4,
    preVote: false,
    granted: true,
  });
  ledger.restarts("c", 4);
  violates("Durable term", () => ledger.restarts("c", 3));
});

Deno.test("Ledger.holds() refuses another entry, and another past, at an index and term", () => {
  const ledger = new Ledger();
  ledger.holds("a", 1, entry(2, 2, 7));
  ledger.holds("b", 1, entry(2, 2, 7));
  ledger.holds("b", 1, entry(2, 3, 8));
  violates("Log matching", () => ledger.holds("b", 1, entry(2, 2, 8)));
  violates("Log matching", () => ledger.holds("b", 2, entry(2, 2, 7)));
});

Deno.test("Ledger.beginsToLead() refuses a leader that lacks what is committed", () => {
  const ledger = new Ledger();
  ledger.applies("a", entry(1, 1), 1, 2);
  ledger.applies("a", entry(2, 2), 2, 2);
  ledger.beginsToLead("b", 3, 3, () => 2);
  ledger.beginsToLead("b", 2, 2, () => 1);
  violates("Leader completeness", () => ledger.beginsToLead("b", 3, 3, () => 1));
  violates("Leader completeness", () => ledger.beginsToLead("b", 3, 2, () => 2));
  ledger.applies("a", entry(3, 2), 3, 5);
  ledger.beginsToLead("c", 4, 3, () => 2);
  ledger.beginsToLead("b", 3, 5, () => undefined, 4);
  violates("Leader completeness", () => ledger.beginsToLead("c", 6, 3, () => 2));
});

Deno.test("Ledger.applies() refuses another entry or state at an index, and a gap", () => {
  const ledger = new Ledger();
  ledger.applies("a", entry(1, 1), 10, 2);
  ledger.applies("b", entry(1, 1), 10, 2);
  violates("State machine safety", () => ledger.applies("b", entry(1, 2), 10, 2));
  violates("State machine safety", () => ledger.applies("b", entry(1, 1, 5), 10, 2));
  violates("State machine safety", () => ledger.applies("b", entry(1, 1), 11, 2));
  violates("State machine safety", () => ledger.applies("b", entry(3, 1), 11, 2));
  violates("State machine safety", () => ledger.hasState("b", 1, 11));
  violates("State machine safety", () => ledger.hasState("b", 2, 11));
});

Deno.test("Ledger.acknowledged() wants a majority of one set of voters", () => {
  const ledger = new Ledger();
  const on = (...ids: string[]) => (id: string) => ids.includes(id);
  ledger.acknowledged(1, [["a", "b", "c"]], on("a", "b"));
  ledger.acknowledged(1, [["a", "b", "c"], ["a"]], on("a"));
  violates("Durability", () => ledger.acknowledged(1, [["a", "b", "c"]], on("a")));
  violates("Durability", () => ledger.acknowledged(1, [["a", "b"]], on("a")));
});

Deno.test("Ledger.looks() refuses what goes back, and what is applied uncommitted", () => {
  const view = { id: "a", term: 2, leading: false, commitIndex: 5, appliedIndex: 4 };
  const seen = (change: Partial<typeof view>) => () => {
    const ledger = new Ledger();
    ledger.looks(view);
    ledger.looks({ ...view, ...change });
  };
  seen({ commitIndex: 6 })();
  violates("Monotonic commit", seen({ commitIndex: 4 }));
  violates("Monotonic apply", seen({ appliedIndex: 3 }));
  violates("Monotonic term", seen({ term: 1 }));
  violates("Apply after commit", seen({ appliedIndex: 6 }));
});

Deno.test("Ledger refuses a log cut or a state kept beyond what survives", () => {
  const ledger = new Ledger();
  ledger.compacts("a", 5, 5);
  violates("Compaction safety", () => ledger.compacts("a", 6, 5));
  ledger.fallsBack("a", 5, 5);
  violates("Apply after persist", () => ledger.fallsBack("a", 6, 5));
});
