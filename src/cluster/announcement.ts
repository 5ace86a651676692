import type { Clock, Logger, Timer } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { type Member, nodeName } from "../raft/types.ts";
import type { Transport } from "../transport/types.ts";
import { reasonOf } from "./errors.ts";
import { encodeForm } from "./member_wire.ts";
import { readAnswer, RequestKind } from "./wire.ts";

/** Between two rounds, and how long each may take, in ms. */
const roundMs = 1_000;

interface Parts {
  readonly node: Pick<Node, "id" | "status" | "configuration">;
  readonly transport: Pick<Transport, "request">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly clusterId: () => string;
}

/**
 * Tells the other members of a cluster without a leader that they are in it. When it was formed they
 * gave no more than a promise, and hold nothing of it: one that does not hear of the cluster, since
 * it or the node that formed it died in that moment, would wait for it in vain, and without them
 * there may never be a leader.
 */
export class Announcement {
  readonly #parts: Parts;
  #timer: Timer | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** To be called whenever the node's status or configuration changed. */
  changed(): void {
    if (this.#parts.node.status.leader !== "") this.stop();
    else if (this.#timer === undefined) this.#round();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #round(): void {
    const { node, clock } = this.#parts;
    const others = node.configuration.members.filter((member) => member.id !== node.id);
    if (others.length === 0) return;
    this.#timer = clock.after(roundMs, () => this.#round());
    for (const other of others) this.#tell(other);
  }

  async #tell({ id, address }: Member): Promise<void> {
    const { transport, logger, clusterId } = this.#parts;
    const call = encodeForm({ phase: "commit", clusterId: clusterId(), to: id });
    try {
      readAnswer(
        await transport.request({ address, kind: RequestKind.form, payload: call }, {
          timeoutMs: roundMs,
        }),
      );
    } catch (error) {
      const text = `Node ${nodeName(id)} was not told of the cluster: ${reasonOf(error)}`;
      logger.log("DEBUG", "cluster", text);
    }
  }
}
