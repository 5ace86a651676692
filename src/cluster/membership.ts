import type { Clock, Logger } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { NodeError } from "../node/types.ts";
import type { Member, MembershipChange, NodeId } from "../raft/types.ts";
import type { Transport } from "../transport/types.ts";
import type { ClusterCounts } from "./counts.ts";
import { noLeader } from "./errors.ts";
import type { LeaderWatch } from "./leader_watch.ts";
import { ServiceError } from "./types.ts";
import { type JoinCall, readAnswer, readIdentification, RequestKind } from "./wire.ts";

/** Pause before a change is tried again that found another one under way, in ms. */
const busyPauseMs = 50;
/** How long to ask a member of the same id whether it is alive, in ms. */
const probeMs = 1_000;

/** The leader's side of joining, removing and handing over. */
export class Membership {
  readonly #node: Node;
  readonly #transport: Transport;
  readonly #leaders: LeaderWatch;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counts: ClusterCounts;
  /** Where this node itself is reached now. */
  readonly #address: string;

  constructor(parts: {
    readonly node: Node;
    readonly transport: Transport;
    readonly leaders: LeaderWatch;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly raftAddress: string;
    readonly counts: ClusterCounts;
  }) {
    this.#node = parts.node;
    this.#transport = parts.transport;
    this.#leaders = parts.leaders;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#address = parts.raftAddress;
    this.#counts = parts.counts;
  }

  /**
   * Makes a node a member: a new voter joins as staging and becomes a voter by itself once it has
   * caught up. A node with data that comes back under another address keeps its suffrage; one
   * without data takes the place of the old one of its name, which is removed first, since the
   * votes and entries that it had promised are gone.
   */
  async join(call: JoinCall): Promise<void> {
    if (!this.#node.isLeader) throw noLeader();
    const deadline = this.#clock.now() + call.timeoutMs;
    const member: Member = {
      id: call.id,
      address: call.address,
      httpAddress: call.httpAddress,
      suffrage: call.suffrage,
    };
    const members = this.#node.configuration.members;
    const known = members.find((m) => m.id === call.id);
    const neighbour = members.find((m) => m.id !== call.id && m.address === call.address);
    if (neighbour !== undefined) {
      throw new ServiceError(
        "invalid",
        `Join refused: the address ${call.address} belongs to node ${neighbour.id}; remove that node first`,
      );
    }
    if (known !== undefined) await this.#checkTakenId(known, call);
    if (known !== undefined && !call.fresh) {
      if (known.address === call.address && known.httpAddress === call.httpAddress) {
        this.#counts.joinsIgnored++;
        return;
      }
      await this.#change(
        { type: "put", member: { ...member, suffrage: known.suffrage } },
        deadline,
      );
    } else {
      if (known !== undefined) await this.#change({ type: "remove", id: call.id }, deadline);
      await this.#change({ type: "put", member }, deadline);
    }
    this.#counts.joins++;
    if (known !== undefined) this.#counts.joinsInPlace++;
    this.#logger.log(
      "INFO",
      "cluster",
      `Node ${call.id} at ${call.address} joined as ${member.suffrage}`,
    );
  }

  /** Two living nodes must not share an id: the one that has it answers at its known address. */
  async #checkTakenId(known: Member, call: JoinCall): Promise<void> {
    if (known.address === call.address) return;
    if (known.id === this.#node.id) {
      if (call.address !== this.#address) throw taken(known);
      return;
    }
    let id: NodeId;
    try {
      const answer = await this.#transport.request(
        known.address,
        RequestKind.identify,
        new Uint8Array(),
        { timeoutMs: probeMs },
      );
      id = readIdentification(readAnswer(answer)).id;
    } catch {
      return;
    }
    if (id === call.id) throw taken(known);
  }

  /** Takes a member out; one that is none is no error. The leader may remove itself. */
  async remove(id: NodeId, timeoutMs: number): Promise<void> {
    // Whoever does not lead cannot tell who is a member: least of all a node that has lost its data.
    if (!this.#node.isLeader) throw noLeader();
    if (!this.#node.configuration.members.some((member) => member.id === id)) return;
    await this.#change({ type: "remove", id }, this.#clock.now() + timeoutMs);
    this.#counts.removals++;
    this.#logger.log("INFO", "cluster", `Node ${id} was removed`);
  }

  /** Makes the change, waiting for another one that is under way. */
  async #change(change: MembershipChange, deadline: number): Promise<void> {
    for (;;) {
      const left = Math.max(1, deadline - this.#clock.now());
      try {
        await this.#node.changeMembership(change, left);
        return;
      } catch (error) {
        const busy = error instanceof NodeError && error.kind === "membership_busy";
        if (!busy || this.#clock.now() >= deadline) throw error;
      }
      await this.#leaders.nextChange(busyPauseMs);
    }
  }

  /** Hands leadership to `id`, or to the most advanced voter; with `wait`, until it has happened. */
  async stepDown(id: NodeId | undefined, wait: boolean, timeoutMs: number): Promise<void> {
    const { members } = this.#node.configuration;
    if (id !== undefined && !members.some((member) => member.id === id)) {
      throw new ServiceError("failed", "stepdown: node not found in cluster");
    }
    const successor = id ?? this.#node.successor();
    if (successor === undefined) {
      if (wait) throw new ServiceError("failed", "stepdown: cannot find peer");
      return;
    }
    if (successor === this.#node.id) return;
    this.#counts.stepDowns++;
    const result = this.#node.transferLeadership(successor);
    if (!result.ok) throw new ServiceError("failed", `stepdown: ${result.reason}`);
    const deadline = this.#clock.now() + timeoutMs;
    while (wait && this.#node.isLeader) {
      const left = deadline - this.#clock.now();
      if (left <= 0) {
        throw new ServiceError("timeout", `stepdown: ${successor} did not take over in time`);
      }
      await this.#leaders.nextChange(left);
    }
  }
}

function taken(known: Member): ServiceError {
  return new ServiceError(
    "invalid",
    `Join refused: the id ${known.id} is taken by the node at ${known.address}; choose another with -node-id, or remove that node first`,
  );
}
