import type { LeasePermit } from "../../src/node/lease_permit.ts";
import type { Message } from "../../src/raft/types.ts";
import type { Clock } from "../../src/io/types.ts";
import type { CheckedStore } from "./store_home.ts";
import { SafetyViolation } from "./ledger.ts";

/** A program whose other threads may answer reads by its permit. */
export interface Permitting {
  readonly permit: LeasePermit;
  readonly clock: Pick<Clock, "now">;
  readonly store: Pick<CheckedStore, "applied">;
}

/**
 * Before a message leaves: the other threads read while it does, and none of them may answer from
 * what lacks entries that the message tells of, or beside a leader that it helps to make.
 */
export function checkPermit({ permit, clock, store }: Permitting, message: Message): void {
  if (!permit.isInForce("weak", clock.now())) return;
  const { from, to, type } = message;
  if (committedIn(message) > store.applied.index) {
    throw new SafetyViolation(
      "Permit",
      `${from} permits reads of what it has applied, up to ${store.applied.index}, while its ${type} tells ${to} that more is committed`,
    );
  }
  if (makesLeader(message)) {
    throw new SafetyViolation("Permit", `${from} permits reads while its ${type} makes a leader`);
  }
}

function committedIn(message: Message): number {
  if (message.type === "read_index_response") return message.index;
  return "commitIndex" in message ? message.commitIndex : 0;
}

function makesLeader(message: Message): boolean {
  switch (message.type) {
    case "timeout_now":
      return true;
    case "vote_request":
      return !message.preVote;
    case "vote_response":
      return message.granted && !message.preVote;
    default:
      return false;
  }
}
