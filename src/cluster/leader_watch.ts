import { RingMap } from "../base/ring_map.ts";
import type { Clock } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import type { Member, NodeId } from "../raft/types.ts";
import type { Transport } from "../transport/types.ts";

/** How long a request waits for there to be a leader before it is said that there is none, in ms. */
export const leaderWaitMs = 2_000;
/** Pause before what came to nothing is tried again, in ms; a change of leader ends it. */
export const retryPauseMs = 50;

/** A request that a leader was sent and has not answered. */
interface Asked {
  readonly leader: NodeId;
  readonly replaced: () => void;
}

/** Knows who leads, and lets requests wait a little while nobody does. */
export class LeaderWatch {
  readonly #node: Node;
  readonly #clock: Clock;
  readonly #transport: Pick<Transport, "addressOf">;
  readonly #waiting = new Set<() => void>();
  readonly #asked = new RingMap<Asked>();
  #lastAsked = 0;

  constructor(
    parts: {
      readonly node: Node;
      readonly clock: Clock;
      readonly transport: Pick<Transport, "addressOf">;
    },
  ) {
    this.#node = parts.node;
    this.#clock = parts.clock;
    this.#transport = parts.transport;
  }

  /** The leader as a member, where it is reached now; undefined when none is known. */
  get leader(): Member | undefined {
    const { leader } = this.#node.status;
    if (leader === "") return undefined;
    const known = this.#node.configuration.members.find((member) => member.id === leader);
    const address = known && this.#transport.addressOf(leader);
    // As it is in all but the time between a move and its entry: every forwarded write comes here.
    if (address === undefined || address === known?.address) return known;
    return known && { ...known, address };
  }

  /** To be called whenever the node's status or configuration changed. */
  changed(): void {
    for (const wake of this.#waiting) wake();
    const leader = this.leader?.id;
    if (leader === undefined) return;
    for (const [number, asked] of this.#asked) {
      if (asked.leader === leader) continue;
      this.#asked.take(number);
      asked.replaced();
    }
  }

  /** Resolves at the next change, or after `ms`. */
  async nextChange(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#clock.after(Math.max(1, ms), end);
      const wake = () => {
        timer.cancel();
        end();
      };
      this.#waiting.add(wake);
    });
  }

  /**
   * What the leader that was asked answers; undefined as soon as another one is known to lead: a
   * leader that is frozen or cut off would be waited for in vain.
   */
  answerOf<T>(leader: NodeId, answer: Promise<T>): Promise<T | undefined> {
    // By hand, not by Promise.race: every forwarded write comes through here.
    return new Promise((resolve, reject) => {
      const number = ++this.#lastAsked;
      this.#asked.set(number, { leader, replaced: () => resolve(undefined) });
      const settled = () => this.#asked.take(number);
      answer.then((value) => {
        settled();
        resolve(value);
      }, (error) => {
        settled();
        reject(error);
      });
    });
  }

  /** The leader, waiting until `deadline` at the latest for there to be one. */
  async waitForLeader(deadline: number): Promise<Member | undefined> {
    while (this.leader === undefined) {
      const left = deadline - this.#clock.now();
      if (left <= 0) return undefined;
      await this.nextChange(left);
    }
    return this.leader;
  }
}
