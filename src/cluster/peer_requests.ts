import type { Admission } from "../access/admission.ts";
import type { Requester } from "../access/types.ts";
import type { Audit } from "../audit/types.ts";
import { FormatError } from "../base/bytes.ts";
import { hostOf } from "../io/address.ts";
import type { Clock } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { snapshotStream } from "../node/types.ts";
import type { Message, NodeId } from "../raft/types.ts";
import type { Peer, Transport, TransportHandlers } from "../transport/types.ts";
import { joinRefused, noLeader, serviceError, unauthorized } from "./errors.ts";
import type { ForwardedWrites } from "./forwarded_writes.ts";
import { leaderWaitMs, type LeaderWatch } from "./leader_watch.ts";
import { writeMemberFigures } from "./member_figures.ts";
import { presentAddress } from "./members.ts";
import type { AskedBackups } from "./asked_backups.ts";
import type { Copies } from "./copies.ts";
import type { Membership } from "./membership.ts";
import { joinEvent, passedOn, standbyRefused, withOutcome } from "./peer_audit.ts";
import type { SqliteAgreement } from "./sqlite_agreement.ts";
import type { Roles } from "./roles.ts";
import { type ClusterCounts, type MemberFigures, ServiceError } from "./types.ts";
import {
  decodeForm,
  decodeJoin,
  decodeRemove,
  decodeStepDown,
  decodeWish,
  encodeAddresses,
  encodeJoin,
  type FormCall,
  type JoinCall,
  type WishCall,
} from "./member_wire.ts";
import {
  beginAnswer,
  decodeBarrier,
  encodeFailure,
  RequestKind,
  writeIdentification,
} from "./wire.ts";
import type { Upgrade } from "./upgrade.ts";
import type { Relay } from "./relay.ts";
import type { Transactions } from "./transactions/transactions.ts";

/** What a change of the cluster may take, in ms. */
export const changeTimeoutMs = 10_000;

export interface PeerRequestParts {
  readonly node: Node;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly leaders: LeaderWatch;
  readonly forwarded: ForwardedWrites;
  readonly transactions: () => Transactions;
  readonly relay: Relay;
  readonly copies: Copies;
  readonly askedBackups: AskedBackups;
  readonly membership: Membership;
  readonly upgrade: Upgrade;
  readonly counts: ClusterCounts;
  readonly clusterId: () => string;
  readonly raftAddress: string;
  readonly httpAddress: string;
  readonly version: string;
  readonly sqlite: SqliteAgreement;
  readonly roles: Roles;
  readonly figures: () => Promise<MemberFigures>;
  /** Undefined: every node may join. */
  readonly admission?: Admission | undefined;
  /** Undefined: nobody wants to know who did what. */
  readonly audit?: Audit | undefined;
}

/** This node's side of all traffic between nodes: Raft's messages, requests, snapshot streams. */
export class PeerRequests implements TransportHandlers {
  readonly #parts: PeerRequestParts;
  readonly #node: Node;

  constructor(parts: PeerRequestParts) {
    this.#parts = parts;
    this.#node = parts.node;
  }

  message(message: Message): void {
    this.#node.step(message);
  }

  unreachable(id: NodeId): void {
    this.#node.unreachable(id);
  }

  async request(peer: Peer, kind: number, payload: Uint8Array): Promise<Uint8Array> {
    try {
      if (kind === RequestKind.join) return await this.#admit(peer, decodeJoin(payload));
      if (kind === RequestKind.wish) return await this.#hearWish(peer, decodeWish(payload));
      const { audit } = this.#parts;
      if (audit === undefined) return await this.answer(kind, payload);
      const event = passedOn(peer, kind, payload);
      const answer = this.answer(kind, payload);
      return await (event === undefined ? answer : withOutcome(audit, event, answer));
    } catch (error) {
      // The transport knows whose bytes they are, and says so.
      if (error instanceof FormatError) throw error;
      return encodeFailure(serviceError(error));
    }
  }

  /** Carries out a request; the payloads and answers are those of wire.ts. */
  async answer(kind: number, payload: Uint8Array): Promise<Uint8Array> {
    switch (kind) {
      case RequestKind.identify:
        return this.#identification();
      case RequestKind.write:
        return await this.#parts.forwarded.handle(payload);
      case RequestKind.tracedWrite:
        return await this.#parts.forwarded.handleTraced(payload);
      case RequestKind.commit:
        return await this.#parts.forwarded.handleCommit(payload);
      case RequestKind.turn:
        return await this.#parts.transactions().handleTurn(payload);
      case RequestKind.transaction:
        return await this.#parts.transactions().handle(payload);
      case RequestKind.relayed:
        return await this.#parts.relay.handle(payload);
      case RequestKind.barrier: {
        const index = await this.#node.proposeBarrier(decodeBarrier(payload));
        const answer = beginAnswer();
        answer.integer(index);
        return answer.copy();
      }
      case RequestKind.join:
        return await this.#join(decodeJoin(payload));
      case RequestKind.remove:
        await this.#parts.membership.remove(decodeRemove(payload).name, changeTimeoutMs);
        return beginAnswer().copy();
      case RequestKind.stepDown: {
        if (!this.#node.isLeader) throw noLeader();
        const { name, wait } = decodeStepDown(payload);
        await this.#parts.membership.stepDown(name, wait, changeTimeoutMs);
        return beginAnswer().copy();
      }
      case RequestKind.raise:
        await this.#parts.upgrade.handle(payload, changeTimeoutMs);
        return beginAnswer().copy();
      case RequestKind.form:
        if (!this.#isIn(decodeForm(payload))) throw isMember();
        return beginAnswer().copy();
      case RequestKind.addresses:
        return this.#addresses();
      case RequestKind.figures: {
        const answer = beginAnswer();
        writeMemberFigures(answer, await this.#parts.figures());
        return answer.copy();
      }
      case RequestKind.copies:
        return await this.#parts.copies.handleCall(payload);
      case RequestKind.verify:
        return this.#parts.copies.handleVerify(payload);
      case RequestKind.freshCopy:
        return await this.#parts.copies.handleFresh(payload);
      case RequestKind.backUp:
        if (!this.#node.isLeader) throw noLeader();
        return await this.#parts.askedBackups.handle();
      case RequestKind.notify:
        throw isMember();
      default:
        throw new ServiceError("invalid", `Unknown request kind ${kind}`);
    }
  }

  /** Whether this is the server that is told of its cluster: one that hears of it once more. */
  #isIn({ phase, clusterId, to }: FormCall): boolean {
    return phase === "commit" && clusterId === this.#parts.clusterId() && to === this.#node.id;
  }

  #identification(): Uint8Array {
    const leader = this.#parts.leaders.leader;
    const answer = beginAnswer();
    writeIdentification(answer, {
      clusterId: this.#parts.clusterId(),
      id: this.#node.id,
      address: this.#parts.raftAddress,
      httpAddress: this.#parts.httpAddress,
      leader: leader?.id ?? "",
      leaderAddress: leader?.address ?? "",
      version: this.#parts.version,
    });
    return answer.copy();
  }

  /** Where the other members are, as far as this node knows: first of all where they say they are. */
  #addresses(): Uint8Array {
    const { transport } = this.#parts;
    const others = this.#node.configuration.members.filter(({ id }) => id !== this.#node.id);
    const answer = beginAnswer();
    encodeAddresses(answer, others.map((member) => presentAddress(transport, member)));
    return answer.copy();
  }

  /**
   * A node wants to be a member. It has to say in whose name, except a member that comes back, and
   * what another member passes on, which was checked there.
   */
  async #admit(peer: Peer, call: JoinCall): Promise<Uint8Array> {
    const { admission, audit, leaders } = this.#parts;
    const isRelayed = call.relayed && peer.member;
    const isMember = this.#node.configuration.members.some((member) => member.id === call.id);
    const address = hostOf(peer.remoteAddress);
    let requester: Requester | undefined = isRelayed ? call.requester : { address };
    const forwardedTo = this.#node.isLeader ? undefined : leaders.leader?.address;
    const event = () => joinEvent({ peer, call, isRelayed, requester, forwardedTo });
    if (admission !== undefined && !isRelayed && !isMember) {
      const { suffrage, credentials } = call;
      const permission = suffrage === "learner" ? "join-read-only" : "join";
      const identity = await admission.admit(credentials, permission);
      if (identity === undefined) {
        audit?.record({ ...event(), outcome: "refused", claimedUser: credentials?.username });
        throw unauthorized();
      }
      requester = { username: identity.username, address };
    }
    const answer = this.#join(call, requester);
    return await (audit === undefined ? answer : withOutcome(audit, event(), answer));
  }

  /** A standby is to vote one day: it has to come from who may let in voters. */
  async #hearWish(peer: Peer, { wish, credentials }: WishCall): Promise<Uint8Array> {
    if (!this.#node.isLeader) throw noLeader();
    const { admission, audit, roles } = this.#parts;
    if (wish === "standby" && admission !== undefined) {
      if (await admission.admit(credentials, "join") === undefined) {
        audit?.record(standbyRefused(peer, credentials?.username));
        throw unauthorized();
      }
    }
    roles.told(peer.id, wish);
    return beginAnswer().copy();
  }

  /** Any member may be asked to let a node join: the leader is who does it. */
  async #join(call: JoinCall, requester?: Requester): Promise<Uint8Array> {
    this.#parts.counts.joinRequests++;
    if (!this.#node.isLeader && !call.relayed) {
      const wait = Math.min(call.timeoutMs, leaderWaitMs);
      const leader = await this.#parts.leaders.waitForLeader(this.#parts.clock.now() + wait);
      if (leader === undefined) throw noLeader();
      return await this.#parts.transport.request({
        address: leader.address,
        kind: RequestKind.join,
        payload: encodeJoin({ ...call, relayed: true, requester }),
      }, { timeoutMs: call.timeoutMs });
    }
    const refusal = this.#parts.sqlite.refusal(call, call.sqlite);
    if (refusal !== undefined) {
      // Not final for a member that moved: it may be this node that is to be mended.
      const known = this.#node.configuration.members.some(({ id }) => id === call.id);
      throw new ServiceError(known ? "unavailable" : "invalid", `${joinRefused}: ${refusal}`);
    }
    await this.#parts.membership.join(call);
    return beginAnswer().copy();
  }

  async stream(
    peer: Peer,
    kind: number,
    header: Uint8Array,
    body: AsyncIterable<Uint8Array>,
  ): Promise<Uint8Array> {
    if (kind !== snapshotStream) throw new ServiceError("invalid", `Unknown stream kind ${kind}`);
    await this.#node.receiveSnapshot(peer.id, header, body);
    return new Uint8Array();
  }
}

function isMember(): ServiceError {
  return new ServiceError("invalid", "This node is a member of a cluster: join it instead");
}
