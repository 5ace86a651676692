import { strict as assert } from "node:assert";
import { LeasePermit } from "../../src/node/lease_permit.ts";
import type { Message } from "../../src/raft/types.ts";
import { SafetyViolation } from "./ledger.ts";
import { checkPermit } from "./permit_check.ts";

const envelope = { from: "a", to: "b", term: 2 } as const;

/** Whether a program that permits reads until 10, of what is applied up to 7, may say it at a time. */
function mayTell(message: Message, nowMs: number): boolean {
  const permit = new LeasePermit();
  permit.publish(10, false);
  const applied = { index: 7, term: 2 };
  const check = () =>
    checkPermit({ permit, clock: { now: () => nowMs }, store: { applied } }, message);
  try {
    check();
    return true;
  } catch (error) {
    assert(error instanceof SafetyViolation);
    return false;
  }
}

Deno.test("checkPermit() refuses to tell of what is committed and not applied while reads are permitted", () => {
  const heartbeat = (commitIndex: number): Message => ({
    ...envelope,
    type: "heartbeat_request",
    commitIndex,
    round: 1,
  });
  assert.equal(mayTell(heartbeat(7), 9), true);
  assert.equal(mayTell(heartbeat(8), 9), false);
  assert.equal(mayTell(heartbeat(8), 10), true);
  assert.equal(
    mayTell({ ...envelope, type: "read_index_response", context: 1, index: 8 }, 9),
    false,
  );
});

Deno.test("checkPermit() refuses to make another leader while reads are permitted", () => {
  const handOver: Message = { ...envelope, type: "timeout_now" };
  const vote = (granted: boolean, preVote: boolean): Message => ({
    ...envelope,
    type: "vote_response",
    preVote,
    granted,
  });
  assert.equal(mayTell(handOver, 9), false);
  assert.equal(mayTell(vote(true, false), 9), false);
  assert.equal(mayTell(vote(true, true), 9), true);
  assert.equal(mayTell(vote(false, false), 9), true);
  assert.equal(mayTell(vote(true, false), 10), true);
});
