import type { Audit, AuditEvent } from "../audit/types.ts";
import { repeat } from "../io/repeat.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { type Member, type MembershipChange, type NodeId, nodeName } from "../raft/types.ts";
import { messageOf } from "../base/message_of.ts";
import { nextRole, type RoleStep, type RoleTimes, type Standing, type Wish } from "./role_plan.ts";
import type { ClusterCounts } from "./types.ts";

/** Between two looks at the members, in ms: often enough for the time after which a voter is gone. */
const roundMsMin = 100;
const roundMsMax = 1_000;
/** What a change may take, in ms. */
const changeMs = 10_000;

interface Parts {
  readonly node: Pick<
    Node,
    | "id"
    | "isLeader"
    | "configuration"
    | "peerProgress"
    | "changeMembership"
    | "transferLeadership"
    | "successor"
  >;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counts: ClusterCounts;
  readonly times: RoleTimes;
  /** This node's own. */
  readonly wish: Wish;
  /** Undefined: nobody wants to know who did what. */
  readonly audit?: Audit | undefined;
}

/** What this leader has seen of a member. */
interface Seen {
  /** The last round of heartbeats that it answered, and how long none has come since. */
  round: number;
  silentMs: number;
}

/**
 * While this node leads: gives standbys the places of voters that are gone, and back, and takes
 * members out that have been gone for long.
 */
export class Roles {
  readonly #parts: Parts;
  readonly #seen = new Map<NodeId, Seen>();
  /** What members have said that their flags ask for, since this node leads. */
  readonly #wishes = new Map<NodeId, Wish>();
  #timer: Timer | undefined;
  #lookedAt = 0;
  #said = "";

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** To be called whenever the node's status changed. */
  changed(): void {
    if (!this.#parts.node.isLeader) this.stop();
    else this.#timer ??= repeat(this.#parts.clock, this.#roundMs, () => this.#round());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#seen.clear();
    this.#wishes.clear();
  }

  /** A member says what it would be. */
  told(id: NodeId, wish: Wish): void {
    const isMember = this.#parts.node.configuration.members.some((member) => member.id === id);
    if (isMember) this.#wishes.set(id, wish);
  }

  get #roundMs(): number {
    const { standbyMs } = this.#parts.times;
    return Math.max(roundMsMin, Math.min(roundMsMax, (standbyMs || Infinity) / 4));
  }

  async #round(): Promise<void> {
    const { node, times } = this.#parts;
    if (!node.isLeader || !this.#isNeeded) return;
    try {
      this.#look();
      const step = nextRole(this.#standings(), times);
      if (step !== undefined && node.isLeader) await this.#take(step);
      else this.#said = "";
    } catch (error) {
      this.#say("WARN", `A change of roles came to nothing yet: ${messageOf(error)}`);
    }
  }

  /** Without reaping and without a standby there is nothing to look for. */
  get #isNeeded(): boolean {
    const { times, wish } = this.#parts;
    if (times.reapMs > 0 || times.reapReadOnlyMs > 0) return true;
    return times.standbyMs > 0 && [wish, ...this.#wishes.values()].includes("standby");
  }

  /**
   * Notes who has answered since the last look. Where that is long ago (this machine has slept, or this
   * process was held up) nobody could be heard, and it counts for nobody's silence.
   */
  #look(): void {
    const { node, clock } = this.#parts;
    const now = clock.now();
    const passedMs = Math.min(now - this.#lookedAt, 2 * this.#roundMs);
    this.#lookedAt = now;
    const progress = node.peerProgress;
    for (const { id, ackedRound } of progress) {
      const seen = this.#seen.get(id);
      if (seen === undefined) {
        this.#seen.set(id, { round: ackedRound, silentMs: 0 });
      } else if (seen.round !== ackedRound) {
        seen.round = ackedRound;
        seen.silentMs = 0;
      } else {
        seen.silentMs += passedMs;
      }
    }
    const ids = new Set(progress.map(({ id }) => id));
    for (const known of [this.#seen, this.#wishes]) {
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
    }
  }

  #standings(): Standing[] {
    const { node, wish } = this.#parts;
    return node.configuration.members.map((member) => {
      const isSelf = member.id === node.id;
      const seen = this.#seen.get(member.id);
      return {
        member,
        isSelf,
        wish: isSelf ? wish : this.#wishes.get(member.id),
        silentMs: isSelf || seen === undefined ? 0 : seen.silentMs,
      };
    });
  }

  async #take(step: RoleStep): Promise<void> {
    const { audit } = this.#parts;
    this.#say("INFO", textOf(step));
    try {
      await this.#carryOut(step);
      audit?.record(eventOf(step, "ok"));
    } catch (error) {
      audit?.record(eventOf(step, "failed"));
      throw error;
    }
  }

  async #carryOut(step: RoleStep): Promise<void> {
    const { node, counts } = this.#parts;
    switch (step.type) {
      case "promote":
        return await this.#change({ type: "put", member: { ...step.member, suffrage: "staging" } });
      case "demote":
        return await this.#change({ type: "put", member: { ...step.member, suffrage: "learner" } });
      case "hand_over": {
        const successor = node.successor();
        if (successor !== undefined) node.transferLeadership(successor);
        return;
      }
      case "reap":
        try {
          await this.#change({ type: "remove", id: step.member.id });
          counts.reaped++;
        } catch (error) {
          counts.reapsFailed++;
          throw error;
        }
    }
  }

  async #change(change: MembershipChange): Promise<void> {
    await this.#parts.node.changeMembership(change, changeMs);
  }

  #say(level: "INFO" | "WARN", text: string): void {
    this.#parts.logger.log(text === this.#said ? "DEBUG" : level, "cluster", text);
    this.#said = text;
  }
}

const acts = {
  promote: "promote",
  demote: "demote",
  hand_over: "stepdown",
  reap: "remove",
} as const;

function eventOf(step: RoleStep, outcome: "ok" | "failed"): AuditEvent {
  const target = step.type === "hand_over" ? undefined : nodeName(step.member.id);
  return { what: acts[step.type], outcome, details: { target, reason: step.why } };
}

function textOf(step: RoleStep): string {
  switch (step.type) {
    case "promote":
      return `Node ${nameOf(step.member)} is to get a vote: ${step.why}`;
    case "demote":
      return `Node ${nameOf(step.member)} loses its vote: ${step.why}`;
    case "hand_over":
      return `This node hands the lead over, to lose its vote: ${step.why}`;
    case "reap":
      return `Node ${nameOf(step.member)} is taken out of the cluster: ${step.why}`;
  }
}

function nameOf({ id, address }: Member): string {
  return `${nodeName(id)} at ${address}`;
}
