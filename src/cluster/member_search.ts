import type { Clock, Logger, Timer } from "../io/types.ts";
import type { Seeds } from "../discovery/seeds.ts";
import type { Node } from "../node/node.ts";
import { isAlone, membersMax } from "../raft/configuration.ts";
import type { Transport } from "../transport/types.ts";
import { reasonAt } from "./errors.ts";
import { decodeAddresses } from "./member_wire.ts";
import { readAnswer, RequestKind } from "./wire.ts";

/** Between two rounds, in ms: doubles from the first to the second. */
const pauseMsMin = 500;
const pauseMsMax = 5_000;
/** What one node may take to answer, in ms. */
const answerMs = 2_000;

interface Parts {
  readonly node: Pick<Node, "id" | "status" | "configuration">;
  readonly transport: Pick<Transport, "request">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly seeds: Pick<Seeds, "addresses" | "none">;
  readonly raftAddress: string;
}

/**
 * Looks for the other members while there is no leader. They may all have come back at addresses
 * that no configuration has yet, and none can be changed without a leader: but whoever connects says
 * who it is and where, and the transport takes the member's own word for it. Who is found is asked
 * where it knows others to be. Only servers of this cluster's configuration are ever counted, by
 * their ids, wherever they are: no address makes a member.
 */
export class MemberSearch {
  readonly #parts: Parts;
  /** Where members that answered know nodes to be. */
  readonly #heard = new Set<string>();
  #timer: Timer | undefined;
  #rounds = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** To be called whenever the node's status or configuration changed. */
  changed(): void {
    const { node, seeds } = this.#parts;
    if (node.status.leader !== "") this.stop();
    else if (this.#timer === undefined && !seeds.none) this.#later();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#rounds = 0;
    this.#heard.clear();
  }

  #later(): void {
    const pauseMs = Math.min(pauseMsMax, pauseMsMin * 2 ** this.#rounds);
    const timer = this.#parts.clock.after(pauseMs, async () => {
      this.#rounds++;
      await this.#round();
      if (this.#timer === timer) this.#later();
    });
    this.#timer = timer;
  }

  async #round(): Promise<void> {
    const { node, seeds, raftAddress } = this.#parts;
    if (isAlone(node.configuration, node.id)) return;
    const addresses = new Set([...await seeds.addresses(), ...this.#heard]);
    addresses.delete(raftAddress);
    await Promise.all([...addresses].slice(0, membersMax).map((address) => this.#ask(address)));
  }

  async #ask(address: string): Promise<void> {
    const { transport, logger } = this.#parts;
    try {
      const kind = RequestKind.addresses;
      const answer = await transport.request({ address, kind, payload: new Uint8Array() }, {
        timeoutMs: answerMs,
      });
      for (const other of decodeAddresses(readAnswer(answer))) {
        if (this.#heard.size < membersMax) this.#heard.add(other);
      }
    } catch (error) {
      this.#heard.delete(address);
      logger.log("DEBUG", "cluster", `No member found: ${reasonAt(address, error)}`);
    }
  }
}
