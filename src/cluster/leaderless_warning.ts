import type { Clock, Logger, Timer } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { type Configuration, type NodeId, nodeName } from "../raft/types.ts";

/** How long a node is without a leader before it says so, in ms: far longer than any election. */
const patienceMs = 30_000;

type Observed = Pick<Node, "id" | "status" | "configuration">;

/**
 * Says, once each time, that this node has been without a leader for long, and what to do. A node
 * that was removed while it was away hears of it from nobody: this line is all that it can tell.
 */
export class LeaderlessWarning {
  readonly #node: Observed;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #timer: Timer | undefined;
  #said = false;

  constructor(
    parts: { readonly node: Observed; readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#node = parts.node;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  /** To be called whenever the node's status or configuration changed. */
  changed(): void {
    const { leader } = this.#node.status;
    if (leader === "") {
      this.#timer ??= this.#clock.after(patienceMs, () => this.#say());
      return;
    }
    this.stop();
    if (this.#said) {
      this.#logger.log("INFO", "cluster", `There is a leader again: ${nodeName(leader)}`);
    }
    this.#said = false;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #say(): void {
    const { configuration, id } = this.#node;
    // A node that is joining for the first time says of each try how it went.
    if (configuration.members.length === 0) return;
    this.#said = true;
    const text = leaderlessText(configuration, id);
    this.#logger.log("WARN", "cluster", `No leader for ${patienceMs / 1000} s: ${text}`);
  }
}

function leaderlessText({ members }: Configuration, self: NodeId): string {
  if (!members.some((member) => member.id === self)) {
    return "this node was removed from its cluster; start it with -join to let it back in";
  }
  const others = members.filter((member) => member.id !== self)
    .map((member) => `${nodeName(member.id)} at ${member.address}`).join(", ");
  return `this node takes no writes, and reads at level none alone. See that a majority of the members ` +
    `runs and that they reach each other's Raft addresses (${others}). If this node was removed while ` +
    `it was away, start it with -join; if the majority is lost for good, name those that are left ` +
    `by raftlite recover`;
}
