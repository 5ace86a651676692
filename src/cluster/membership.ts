import type { Clock, Logger } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { NodeError } from "../node/types.ts";
import { nodeName } from "../raft/server_id.ts";
import type { Member, MembershipChange, NodeId } from "../raft/types.ts";
import type { Transport } from "../transport/types.ts";
import type { ClusterCounts } from "./counts.ts";
import { noLeader } from "./errors.ts";
import { identify } from "./joining.ts";
import type { LeaderWatch } from "./leader_watch.ts";
import { ServiceError } from "./types.ts";
import type { JoinCall } from "./wire.ts";

/** Pause before a change is tried again that found another one under way, in ms. */
const busyPauseMs = 50;
/** How long to ask a node who it is, in ms. */
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
   * caught up. A node with its data that comes back under another address keeps its suffrage. One
   * that has lost its data is another server, and takes the place of the old one of its name: that
   * one is removed first, since the votes and entries that it had promised are gone.
   */
  async join(call: JoinCall): Promise<void> {
    if (!this.#node.isLeader) throw noLeader();
    const deadline = this.#clock.now() + call.timeoutMs;
    const { id, address, httpAddress, suffrage } = call;
    const name = nodeName(id);
    const members = this.#node.configuration.members;
    const known = members.find((member) => nodeName(member.id) === name);
    const neighbour = members.find((m) => nodeName(m.id) !== name && m.address === address);
    if (neighbour !== undefined) await this.#checkTakenAddress(neighbour, known, call);
    if (known !== undefined) await this.#checkTakenName(known, call);
    if (known?.id === id) {
      if (known.address === address && known.httpAddress === httpAddress) {
        this.#counts.joinsIgnored++;
        return;
      }
      const member: Member = { id, address, httpAddress, suffrage: known.suffrage };
      await this.#change({ type: "put", member }, deadline);
    } else {
      if (known !== undefined) {
        await this.#checkCaller(call);
        await this.#change({ type: "remove", id: known.id }, deadline);
      }
      await this.#change({ type: "put", member: { id, address, httpAddress, suffrage } }, deadline);
    }
    this.#counts.joins++;
    if (known !== undefined) this.#counts.joinsInPlace++;
    const how = known?.id === id ? known.suffrage : suffrage;
    this.#logger.log("INFO", "cluster", `Node ${name} at ${address} joined as ${how}`);
  }

  /**
   * Where the caller itself answers, the member that is known to be there cannot be: it will say where
   * it is now. The refusal is final only for a node that is new: a member would be out for good.
   */
  async #checkTakenAddress(
    neighbour: Member,
    known: Member | undefined,
    { id, address }: JoinCall,
  ): Promise<void> {
    if (await this.#idAt(address) === id) return;
    throw new ServiceError(
      known?.id === id ? "unavailable" : "invalid",
      `Join refused: the address ${address} belongs to node ${
        nodeName(neighbour.id)
      }; remove that node first`,
    );
  }

  /** Two living nodes must not share a name: the one that has it answers at its known address. */
  async #checkTakenName(known: Member, call: JoinCall): Promise<void> {
    if (known.id === this.#node.id) {
      if (call.id !== known.id || call.address !== this.#address) throw taken(known);
      return;
    }
    if (known.address === call.address) return;
    const other = await this.#idAt(known.address);
    if (other !== undefined && nodeName(other) === nodeName(call.id)) throw taken(known);
  }

  /** A member gives way only to who is there: not to a call of a life that has ended since. */
  async #checkCaller(call: JoinCall): Promise<void> {
    if (await this.#idAt(call.address) === call.id) return;
    throw new ServiceError(
      "unavailable",
      `Join refused: the node that asked does not answer at ${call.address}, the Raft address that it advertises`,
    );
  }

  /** The id of the server that answers at an address; undefined when none does. */
  async #idAt(address: string): Promise<NodeId | undefined> {
    try {
      return (await identify(this.#transport, address, probeMs)).id;
    } catch {
      return undefined;
    }
  }

  /** Takes a member out; one that is none is no error. The leader may remove itself. */
  async remove(name: string, timeoutMs: number): Promise<void> {
    // Whoever does not lead cannot tell who is a member: least of all a node that has lost its data.
    if (!this.#node.isLeader) throw noLeader();
    const member = this.#memberOf(name);
    if (member === undefined) return;
    await this.#change({ type: "remove", id: member.id }, this.#clock.now() + timeoutMs);
    this.#counts.removals++;
    this.#logger.log("INFO", "cluster", `Node ${name} was removed`);
  }

  #memberOf(name: string): Member | undefined {
    return this.#node.configuration.members.find((member) => nodeName(member.id) === name);
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

  /** Hands leadership to `name`, or to the most advanced voter; with `wait`, until it has happened. */
  async stepDown(name: string | undefined, wait: boolean, timeoutMs: number): Promise<void> {
    const named = name === undefined ? undefined : this.#memberOf(name);
    if (name !== undefined && named === undefined) {
      throw new ServiceError("failed", "stepdown: node not found in cluster");
    }
    const successor = named?.id ?? this.#node.successor();
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
        throw new ServiceError(
          "timeout",
          `stepdown: ${nodeName(successor)} did not take over in time`,
        );
      }
      await this.#leaders.nextChange(left);
    }
  }
}

function taken(known: Member): ServiceError {
  return new ServiceError(
    "invalid",
    `Join refused: the id ${
      nodeName(known.id)
    } is taken by the node at ${known.address}; choose another with -node-id, or remove that node first`,
  );
}
