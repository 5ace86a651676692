import type { Clock, Logger } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { NodeError } from "../node/types.ts";
import { versionOf } from "../raft/cluster_version.ts";
import {
  type Configuration,
  type Member,
  type MemberChange,
  type MembershipChange,
  type NodeId,
  nodeName,
} from "../raft/types.ts";
import type { Transport } from "../transport/types.ts";
import { joinRefused, noLeader } from "./errors.ts";
import { identify } from "./joining.ts";
import type { LeaderWatch } from "./leader_watch.ts";
import { type ClusterCounts, ServiceError } from "./types.ts";
import type { JoinCall } from "./member_wire.ts";
import { memberNamed } from "./members.ts";

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
   * that has lost its data is another server, and takes the place of the old one of its name, or of
   * its address: that one is removed first, since the votes and entries that it had promised are gone.
   */
  async join(call: JoinCall): Promise<void> {
    const deadline = this.#clock.now() + call.timeoutMs;
    const { id } = call;
    const lost: Member[] = [];
    for (;;) {
      const configuration = this.#leadersConfiguration();
      const known = memberNamed(configuration, nodeName(id));
      const neighbour = neighbourOf(configuration, call);
      if (neighbour !== undefined) await this.#checkTakenAddress(neighbour, known, call);
      if (known !== undefined) await this.#checkTakenName(known, call);
      const change = changeFor(call, known, neighbour);
      if (change === undefined) {
        this.#counts.joinsIgnored++;
        return;
      }
      // What was found out holds for the members of that moment.
      if (!await this.#change(configuration, change, deadline)) continue;
      if (change.type === "remove") {
        lost.push(...configuration.members.filter((member) => member.id === change.id));
        continue;
      }
      this.#counts.joins++;
      if (known !== undefined || lost.length > 0) this.#counts.joinsInPlace++;
      this.#logger.log("INFO", "cluster", joinedText(change.member, known, lost));
      return;
    }
  }

  /**
   * Where the caller itself answers, the member that is known to be there cannot be. A caller that is
   * a member has moved, and so will the other have: it will say where it is now. One that is new
   * takes the place of a server that is gone, but not of one that lives on elsewhere. The refusal
   * is final only for a node that is new: a member would be out for good.
   */
  async #checkTakenAddress(
    neighbour: Member,
    known: Member | undefined,
    { id, address }: JoinCall,
  ): Promise<void> {
    const taken = `${joinRefused}: the address ${address} belongs to node ${
      nodeName(neighbour.id)
    }`;
    const moved = known?.id === id;
    if (await this.#idAt(address) !== id) {
      throw new ServiceError(moved ? "unavailable" : "invalid", `${taken}; remove that node first`);
    }
    if (moved) return;
    const elsewhere = neighbour.id === this.#node.id
      ? this.#address
      : this.#transport.callerAddress(neighbour.id);
    if (elsewhere !== undefined && elsewhere !== address) {
      throw new ServiceError(
        "unavailable",
        `${taken}, which lives at ${elsewhere} now and has yet to announce it; try again, or remove that node first`,
      );
    }
  }

  /**
   * Two living nodes must not share a name: the one that has it answers at its known address. And a
   * member gives way only to who is there: not to a call of a life that has ended since.
   */
  async #checkTakenName(known: Member, call: JoinCall): Promise<void> {
    if (known.id === this.#node.id) {
      if (call.id !== known.id || call.address !== this.#address) throw taken(known);
      return;
    }
    if (known.address !== call.address) {
      const other = await this.#idAt(known.address);
      if (other !== undefined && nodeName(other) === nodeName(call.id)) throw taken(known);
    }
    if (known.id === call.id || await this.#idAt(call.address) === call.id) return;
    throw new ServiceError(
      "unavailable",
      `${joinRefused}: the node that asked does not answer at ${call.address}, the Raft address that it advertises`,
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

  /**
   * Takes a member out; one that is none is no error. The leader may remove itself. Who leads no more
   * may not have heard of a member yet: that there is none is said by who leads for sure.
   */
  async remove(name: string, timeoutMs: number): Promise<void> {
    const deadline = this.#clock.now() + timeoutMs;
    for (;;) {
      const configuration = this.#leadersConfiguration();
      const member = memberNamed(configuration, name);
      if (member === undefined) {
        await this.#node.readBarrier("quorum", Math.max(1, deadline - this.#clock.now()));
        if (memberNamed(this.#leadersConfiguration(), name) === undefined) return;
        continue;
      }
      if (await this.#change(configuration, { type: "remove", id: member.id }, deadline)) break;
    }
    this.#counts.removals++;
    this.#logger.log("INFO", "cluster", `Node ${name} was removed`);
  }

  /** Raises the cluster's version, which every member must understand; a newer one stays. */
  async raise(version: number, timeoutMs: number): Promise<void> {
    const deadline = this.#clock.now() + timeoutMs;
    for (;;) {
      const configuration = this.#leadersConfiguration();
      if (versionOf(configuration) >= version) return;
      if (await this.#change(configuration, { type: "version", version }, deadline)) break;
    }
    const line = `The cluster has version ${version} now: no older release can take part any more`;
    this.#logger.log("INFO", "cluster", line);
  }

  /** Whoever does not lead cannot tell who is a member: least of all a node that has lost its data. */
  #leadersConfiguration(): Configuration {
    if (!this.#node.isLeader) throw noLeader();
    return this.#node.configuration;
  }

  /**
   * Makes a change to that configuration, waiting for another one that is under way; false when
   * another configuration has taken its place.
   */
  async #change(
    configuration: Configuration,
    change: MembershipChange,
    deadline: number,
  ): Promise<boolean> {
    while (this.#node.configuration === configuration) {
      const left = Math.max(1, deadline - this.#clock.now());
      try {
        await this.#node.changeMembership(change, left);
        return true;
      } catch (error) {
        const busy = error instanceof NodeError && error.kind === "membership_busy";
        if (!busy || this.#clock.now() >= deadline) throw error;
      }
      await this.#leaders.nextChange(busyPauseMs);
    }
    return false;
  }

  /** Hands leadership to `name`, or to the most advanced voter; with `wait`, until it has happened. */
  async stepDown(name: string | undefined, wait: boolean, timeoutMs: number): Promise<void> {
    const named = name === undefined ? undefined : memberNamed(this.#node.configuration, name);
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

/** The member of another name that is known to be where the caller says it is. */
function neighbourOf({ members }: Configuration, { id, address }: JoinCall): Member | undefined {
  return members.find((member) =>
    member.address === address && nodeName(member.id) !== nodeName(id)
  );
}

/** What lets the caller in, or the first step to it; undefined when all is as it says. */
function changeFor(
  call: JoinCall,
  known: Member | undefined,
  neighbour: Member | undefined,
): MemberChange | undefined {
  const { id, address, httpAddress, suffrage } = call;
  const lost = known?.id === id ? undefined : known ?? neighbour;
  if (lost !== undefined) return { type: "remove", id: lost.id };
  if (known === undefined) return { type: "put", member: { id, address, httpAddress, suffrage } };
  if (known.address === address && known.httpAddress === httpAddress) return undefined;
  return { type: "put", member: { id, address, httpAddress, suffrage: known.suffrage } };
}

/** `known`: the same server as it was known; `lost`: those whose place it has taken. */
function joinedText(
  { id, address, httpAddress, suffrage }: Member,
  known: Member | undefined,
  lost: readonly Member[],
): string {
  const name = nodeName(id);
  if (known !== undefined) {
    return known.address === address
      ? `Node ${name} at ${address} serves HTTP at ${httpAddress} now`
      : `Node ${name} moved from ${known.address} to ${address}`;
  }
  const places = lost.map((member) =>
    nodeName(member.id) === name
      ? `without the data that it had at ${member.address}`
      : `in place of node ${nodeName(member.id)}, which was there and is gone`
  );
  return [`Node ${name} at ${address} joined as ${suffrage}`, ...places].join(", ");
}

function taken(known: Member): ServiceError {
  return new ServiceError(
    "invalid",
    `${joinRefused}: the id ${
      nodeName(known.id)
    } is taken by the node at ${known.address}; choose another with -node-id, or remove that node first`,
  );
}
