import type { Clock } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import type { Member } from "../raft/types.ts";

/** Knows who leads, and lets requests wait a little while nobody does. */
export class LeaderWatch {
  readonly #node: Node;
  readonly #clock: Clock;
  #waiting: (() => void)[] = [];

  constructor(node: Node, clock: Clock) {
    this.#node = node;
    this.#clock = clock;
  }

  /** The leader as a member; undefined when none is known. */
  get leader(): Member | undefined {
    const { leader } = this.#node.status;
    if (leader === "") return undefined;
    return this.#node.configuration.members.find((member) => member.id === leader);
  }

  /** To be called whenever the node's status or configuration changed. */
  changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves at the next change, or after `ms`. */
  async nextChange(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(Math.max(1, ms), resolve);
      this.#waiting.push(() => {
        timer.cancel();
        resolve();
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
