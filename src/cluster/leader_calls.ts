import type { ByteReader } from "../base/bytes.ts";
import type { Clock } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import type { Member } from "../raft/types.ts";
import type { Transport } from "../transport/types.ts";
import { noLeader, serviceError } from "./errors.ts";
import { leaderWaitMs, type LeaderWatch, retryPauseMs } from "./leader_watch.ts";
import type { PeerRequests } from "./peer_requests.ts";
import type { ServiceError } from "./types.ts";
import { readAnswer } from "./wire.ts";

/** Whether another try, here or at another leader, may do better: nothing was done. */
export function isPassing({ kind }: ServiceError): boolean {
  return kind === "no_leader" || kind === "unavailable";
}

/** Requests that only the leader can answer, and that may be made twice without harm. */
export class LeaderCalls {
  readonly #node: Node;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #leaders: LeaderWatch;
  readonly #here: PeerRequests;

  constructor(
    parts: { readonly node: Node; readonly transport: Transport; readonly clock: Clock },
    leaders: LeaderWatch,
    here: PeerRequests,
  ) {
    this.#node = parts.node;
    this.#transport = parts.transport;
    this.#clock = parts.clock;
    this.#leaders = leaders;
    this.#here = here;
  }

  /** The leader, waiting a little for an election to end; throws `no_leader`. */
  async leader(deadline: number): Promise<Member> {
    const known = this.#leaders.leader;
    if (known !== undefined) return known;
    const wait = Math.min(deadline, this.#clock.now() + leaderWaitMs);
    const leader = await this.#leaders.waitForLeader(wait);
    if (leader === undefined) throw noLeader();
    return leader;
  }

  /** Asks the leader, here or over the transport, again for as long as it meets none. */
  async atLeader(
    kind: number,
    payload: () => Uint8Array,
    deadline: number,
  ): Promise<ByteReader> {
    for (;;) {
      const leader = await this.leader(deadline);
      const timeoutMs = Math.max(1, Math.ceil(deadline - this.#clock.now()));
      try {
        const answer = leader.id === this.#node.id
          ? await this.#here.answer(kind, payload())
          : await this.#transport.request({ address: leader.address, kind, payload: payload() }, {
            timeoutMs,
          });
        return readAnswer(answer);
      } catch (error) {
        const failure = serviceError(error);
        if (!isPassing(failure) || this.#clock.now() >= deadline) throw failure;
      }
      await this.#leaders.nextChange(retryPauseMs);
    }
  }
}
