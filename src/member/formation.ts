import type { Admission } from "../access/admission.ts";
import type { Audit } from "../audit/types.ts";
import { FormatError } from "../base/bytes.ts";
import type { Seeds } from "../discovery/seeds.ts";
import { hostOf } from "../io/address.ts";
import { pause } from "../io/pause.ts";
import type { Clock, Logger } from "../io/types.ts";
import { newestVersion } from "../raft/cluster_version.ts";
import { membersMax } from "../raft/configuration.ts";
import { type Configuration, type Member, nodeName } from "../raft/types.ts";
import type { Peer, Transport, TransportHandlers } from "../transport/types.ts";
import { reasonAt, reasonOf, serviceError, unauthorized } from "../cluster/errors.ts";
import { identify, JoinError } from "../cluster/joining.ts";
import { ServiceError } from "../cluster/types.ts";
import {
  decodeAddresses,
  decodeForm,
  decodeNotify,
  encodeAddresses,
  encodeForm,
  encodeNotify,
  type FormCall,
  type NotifyCall,
} from "../cluster/member_wire.ts";
import {
  beginAnswer,
  encodeFailure,
  readAnswer,
  RequestKind,
  writeIdentification,
} from "../cluster/wire.ts";

/** Between two rounds of asking around, in ms. */
const roundMs = 300;
const requestTimeoutMs = 2_000;
/** How long a promise to form a cluster holds when nothing comes of it, in ms. */
const promiseMs = 5_000;
/** How long after its last word a node that waits is counted, in ms. */
const presenceMs = 3_000;

/** What came of waiting for the others. */
export type Formed =
  /** This node forms the cluster: it begins its log with this configuration, then tells the others. */
  | {
    readonly type: "former";
    readonly clusterId: string;
    readonly configuration: Configuration;
  }
  /** Another node does, and this one is in it. */
  | { readonly type: "member"; readonly clusterId: string }
  /** There is a cluster already: join it. */
  | { readonly type: "exists" };

export interface FormationOptions {
  readonly member: Member;
  /** Where the nodes to form a cluster with are; may name this node's own address. */
  readonly seeds: Pick<Seeds, "look" | "addresses">;
  /** How many nodes the cluster begins with, this one counted. */
  readonly expect: number;
  readonly timeoutMs: number;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
  /** Draws the id of a new cluster: 16 hex digits. */
  readonly newClusterId: () => string;
  /** Undefined: every node may take part. */
  readonly admission?: Admission | undefined;
  /** Undefined: nobody wants to know who did what. */
  readonly audit?: Audit | undefined;
}

/**
 * Nodes that start together find each other (`-bootstrap-expect`): each tells the others that it
 * waits; the one with the lowest id of all that it has heard from asks the rest for their promise,
 * and forms the cluster only when every one has given it. A node promises itself to one at a time,
 * so that two sets of nodes that overlap cannot both become clusters.
 */
export class Formation implements TransportHandlers {
  readonly #options: FormationOptions;
  /** Who has told this node that it waits too, by name, and until when that counts. */
  readonly #known = new Map<string, { readonly member: Member; readonly until: number }>();
  /** Where to ask around: those that the operator or discovery named, and those that they have heard of. */
  #addresses: ReadonlySet<string> = new Set();
  readonly #heard = new Set<string>();
  /** This node's own, by whatever names. */
  readonly #own: Set<string>;
  /** Why those that could not be asked, or were of no use, were not, by address. */
  readonly #failures = new Map<string, string>();
  #promise: { readonly clusterId: string; readonly until: number } | undefined;
  #forming = false;
  #member: string | undefined;
  /**
   * The cluster that this node would form: the same at every try. Others may be bound, each for
   * another while, by promises to one that came to nothing; who is free first then holds on to this
   * one until the last is, where a new cluster at each try would find somebody bound for ever.
   */
  readonly #clusterId: string;

  constructor(options: FormationOptions) {
    this.#options = options;
    this.#clusterId = options.newClusterId();
    this.#own = new Set([options.member.address]);
  }

  /** The nodes that wait now, this one among them, sorted by id. */
  #present(): Member[] {
    const now = this.#options.clock.now();
    for (const [name, { until }] of this.#known) if (until <= now) this.#known.delete(name);
    const others = [...this.#known.values()].map(({ member }) => member);
    return [this.#options.member, ...others].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Waits until there is a cluster; throws when there is none in time. */
  async run(): Promise<Formed> {
    const { clock, timeoutMs, expect, logger, member } = this.#options;
    const deadline = clock.now() + timeoutMs;
    logger.log("INFO", "cluster", `Waiting for ${expect} nodes to form a cluster`);
    while (clock.now() < deadline) {
      const isTold = await this.#lookAround();
      if (await this.#askAround()) return { type: "exists" };
      if (this.#member !== undefined) return { type: "member", clusterId: this.#member };
      const present = this.#present();
      const free = this.#promise === undefined || this.#promise.until <= clock.now();
      // One that names others belongs with them, even when it would be enough by itself.
      const belongs = present.length > 1 || (isTold && this.#addresses.size === 0);
      const enough = present.length >= expect && belongs;
      if (enough && present[0]?.id === member.id && free) {
        const formed = await this.#form(present);
        if (formed !== undefined) return formed;
      }
      await pause(clock, roundMs);
    }
    throw new ServiceError(
      "timeout",
      `No cluster of ${expect} nodes came together within ${
        timeoutMs / 1000
      } s: heard of ${this.#present().length}${this.#reasons()}; check -join or discovery, and that the other nodes run with the same -bootstrap-expect`,
    );
  }

  /** Finds out whom to ask; false when discovery does not say. */
  async #lookAround(): Promise<boolean> {
    const { seeds } = this.#options;
    const isTold = await seeds.look();
    const addresses = new Set([...await seeds.addresses(), ...this.#heard]);
    for (const own of this.#own) addresses.delete(own);
    this.#addresses = addresses;
    for (const address of this.#failures.keys()) {
      if (!addresses.has(address)) this.#failures.delete(address);
    }
    return isTold;
  }

  /** Tells the others of this node; true when one of them is in a cluster that has a leader. */
  async #askAround(): Promise<boolean> {
    const { member, transport } = this.#options;
    const found = await Promise.all([...this.#addresses].map(async (address) => {
      try {
        const other = await identify(transport, address, requestTimeoutMs);
        if (nodeName(other.id) === nodeName(member.id)) {
          return this.#meetNamesake(address, other.address);
        }
        if (other.clusterId !== "") {
          if (other.leader === "") {
            this.#failed(address, `${address} is in cluster ${other.clusterId}, without a leader`);
          }
          return other.leader !== "";
        }
        const answer = await transport.request({
          address,
          kind: RequestKind.notify,
          payload: encodeNotify(member, this.#options.admission?.own),
        }, {
          timeoutMs: requestTimeoutMs,
        });
        this.#hear(decodeAddresses(readAnswer(answer)));
        this.#failures.delete(address);
      } catch (error) {
        if (error instanceof JoinError) throw error;
        this.#failed(address, reasonAt(address, error));
      }
      return false;
    }));
    return found.includes(true);
  }

  #failed(address: string, reason: string): void {
    const level = this.#failures.has(address) ? "DEBUG" : "WARN";
    this.#failures.set(address, reason);
    this.#options.logger.log(
      level,
      "cluster",
      `${reason}; it is asked again until there is a cluster`,
    );
  }

  #reasons(): string {
    return this.#failures.size === 0 ? "" : ` (${[...this.#failures.values()].join("; ")})`;
  }

  /** This node itself under another name, which must not count twice, or one that took its id. */
  #meetNamesake(address: string, advertised: string): false {
    const { member } = this.#options;
    if (advertised !== member.address) {
      throw new JoinError(
        `No cluster can be formed: the node at ${advertised} has this node's id ${
          nodeName(member.id)
        }, too; give each its own by -node-id`,
      );
    }
    this.#own.add(address);
    return false;
  }

  /** Learns where else to ask. */
  #hear(addresses: readonly string[]): void {
    for (const address of addresses) {
      if (!this.#own.has(address) && this.#heard.size < membersMax) this.#heard.add(address);
    }
  }

  async #form(members: readonly Member[]): Promise<Formed | undefined> {
    const { member, logger } = this.#options;
    this.#forming = true;
    try {
      const clusterId = this.#clusterId;
      const others = members.filter((other) => other.id !== member.id);
      const versions = await Promise.all(others.map((other) => this.#prepare(other, clusterId)));
      logger.log("INFO", "cluster", `Forming cluster ${clusterId} of ${members.length} nodes`);
      const version = Math.min(newestVersion, ...versions);
      return { type: "former", clusterId, configuration: { members, version } };
    } catch (error) {
      logger.log("INFO", "cluster", `No cluster yet: ${reasonOf(error)}`);
      return undefined;
    } finally {
      this.#forming = false;
    }
  }

  /** Returns the newest version of clusters that the other understands. */
  async #prepare(other: Member, clusterId: string): Promise<number> {
    const { transport } = this.#options;
    const call = encodeForm({ phase: "prepare", clusterId, to: other.id });
    const version = await transport.versionAt(other.address, requestTimeoutMs);
    readAnswer(
      await transport.request({ address: other.address, kind: RequestKind.form, payload: call }, {
        timeoutMs: requestTimeoutMs,
      }),
    );
    return version;
  }

  message(): void {}

  unreachable(): void {}

  stream(): Promise<Uint8Array> {
    return Promise.reject(new ServiceError("unavailable", "This node is in no cluster yet"));
  }

  async request(peer: Peer, kind: number, payload: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#answer(peer, kind, payload);
    } catch (error) {
      if (error instanceof FormatError) throw error;
      return encodeFailure(serviceError(error));
    }
  }

  /** Takes the word of a node that waits, if it says it in the name of somebody who may. */
  async #takeNotice(peer: Peer, { member, credentials }: NotifyCall): Promise<void> {
    const { admission, audit, clock } = this.#options;
    const identity = await admission?.admit(credentials, "join");
    const isRefused = admission !== undefined && identity === undefined;
    const name = nodeName(member.id);
    // Each is told of once: they say it again and again.
    if (isRefused || !this.#known.has(name)) {
      audit?.record({
        what: "notify",
        outcome: isRefused ? "refused" : "ok",
        requester: { username: identity?.username, address: hostOf(peer.remoteAddress) },
        claimedUser: isRefused ? credentials?.username : undefined,
        details: { target: name, raft_address: member.address, http_address: member.httpAddress },
      });
    }
    if (isRefused) throw unauthorized();
    const until = clock.now() + presenceMs;
    if (this.#known.size < membersMax) this.#known.set(name, { member, until });
    this.#hear([member.address]);
  }

  async #answer(peer: Peer, kind: number, payload: Uint8Array): Promise<Uint8Array> {
    const answer = beginAnswer();
    switch (kind) {
      case RequestKind.identify: {
        const { member, version } = this.#options;
        writeIdentification(answer, {
          clusterId: this.#member ?? "",
          id: member.id,
          address: member.address,
          httpAddress: member.httpAddress,
          leader: "",
          leaderAddress: "",
          version,
        });
        break;
      }
      case RequestKind.notify: {
        await this.#takeNotice(peer, decodeNotify(payload));
        encodeAddresses(answer, [...this.#addresses]);
        break;
      }
      case RequestKind.form:
        this.#promiseOrJoin(decodeForm(payload));
        break;
      default:
        throw new ServiceError("unavailable", "This node is in no cluster yet");
    }
    return answer.copy();
  }

  #promiseOrJoin({ phase, clusterId, to }: FormCall): void {
    const now = this.#options.clock.now();
    if (to !== this.#options.member.id) {
      throw new ServiceError("invalid", "The node that is meant lost its data and began anew");
    }
    if (this.#member !== undefined && this.#member !== clusterId) {
      throw new ServiceError("invalid", "This node is in another cluster");
    }
    if (phase === "commit") {
      this.#member = clusterId;
      return;
    }
    const promised = this.#promise !== undefined && this.#promise.until > now;
    if (this.#forming || (promised && this.#promise?.clusterId !== clusterId)) {
      throw new ServiceError("unavailable", "This node has promised itself to another cluster");
    }
    this.#promise = { clusterId, until: now + promiseMs };
  }
}
