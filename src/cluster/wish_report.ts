import type { Admission } from "../access/admission.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import type { NodeId } from "../raft/types.ts";
import type { Transport } from "../transport/types.ts";
import { serviceError } from "./errors.ts";
import type { LeaderWatch } from "./leader_watch.ts";
import type { Wish } from "./role_plan.ts";
import { encodeWish } from "./member_wire.ts";
import { readAnswer, RequestKind } from "./wire.ts";

/** Before a leader that did not take it in is told again, in ms. */
const againMs = 1_000;
/** What a leader may take to answer, in ms. */
const answerMs = 2_000;

interface Parts {
  readonly node: Pick<Node, "id" | "status">;
  readonly leaders: Pick<LeaderWatch, "leader">;
  readonly transport: Pick<Transport, "request">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly wish: Wish;
  /** Undefined: every node may have a vote. */
  readonly admission?: Admission | undefined;
}

/** Tells every leader once what this node's flags ask for it to be. */
export class WishReport {
  readonly #parts: Parts;
  /** The leader that is told, or has been, and its term: it forgets when it comes to lead once more. */
  #told = { leader: "", term: 0 };
  #again: Timer | undefined;
  #said = "";

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** To be called whenever the node's status or configuration changed. */
  changed(): void {
    const { node, leaders } = this.#parts;
    const leader = leaders.leader?.id ?? "";
    const { term } = node.status;
    if (leader === this.#told.leader && term === this.#told.term) return;
    this.stop();
    this.#told = { leader, term };
    if (leader !== "" && leader !== node.id) this.#tell(this.#told);
  }

  stop(): void {
    this.#again?.cancel();
    this.#again = undefined;
    this.#told = { leader: "", term: 0 };
  }

  async #tell(told: { readonly leader: NodeId }): Promise<void> {
    const { leaders, transport, wish, admission, clock, logger } = this.#parts;
    const member = leaders.leader;
    if (told !== this.#told || member?.id !== told.leader) return;
    const { address } = member;
    // Only who asks for a vote besides the one that it came in for has to say in whose name.
    const credentials = wish === "standby" ? admission?.own : undefined;
    const call = { address, kind: RequestKind.wish, payload: encodeWish({ wish, credentials }) };
    try {
      readAnswer(await transport.request(call, { timeoutMs: answerMs }));
    } catch (error) {
      const { kind, message } = serviceError(error);
      const text = `The leader was not told that this node is a ${wish}: ${message}`;
      const isNews = wish === "standby" && kind !== "no_leader" && message !== this.#said;
      logger.log(isNews ? "WARN" : "DEBUG", "cluster", text);
      this.#said = message;
      // A leader of an older release does not know the call, and has no use for it.
      if (kind === "invalid" || told !== this.#told) return;
      this.#again = clock.after(againMs, () => this.#tell(told));
    }
  }
}
