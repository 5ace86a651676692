import type { Logger } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { type Configuration, nodeName } from "../raft/types.ts";

/** Says, on the leader, that a member which was catching up has got its vote. */
export class PromotionLog {
  readonly #node: Pick<Node, "isLeader" | "configuration">;
  readonly #logger: Logger;
  #seen: Configuration;

  constructor(
    parts: {
      readonly node: Pick<Node, "isLeader" | "configuration">;
      readonly logger: Logger;
    },
  ) {
    this.#node = parts.node;
    this.#logger = parts.logger;
    this.#seen = parts.node.configuration;
  }

  /** To be called whenever the configuration changed. */
  changed(): void {
    const { configuration, isLeader } = this.#node;
    const before = this.#seen;
    this.#seen = configuration;
    if (!isLeader || configuration === before) return;
    const staging = new Set(
      before.members.filter((member) => member.suffrage === "staging").map(({ id }) => id),
    );
    for (const { id, address, suffrage } of configuration.members) {
      if (suffrage !== "voter" || !staging.has(id)) continue;
      const text = `Node ${nodeName(id)} at ${address} has caught up and is a voter now`;
      this.#logger.log("INFO", "cluster", text);
    }
  }
}
