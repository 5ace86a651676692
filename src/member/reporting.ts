import { messageOf } from "../base/message_of.ts";
import type { Entry, Registry } from "../discovery/types.ts";
import { repeat } from "../io/repeat.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import type { Node } from "../node/node.ts";

/** Between two reports, in ms: rqlite's. */
export const reportIntervalMs = 10_000;

type Reported = Pick<Node, "id" | "isLeader" | "configuration">;

interface Parts {
  readonly registry: Registry;
  readonly entry: Entry;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps it written down where a member is, and that it leads while it does. */
export class Reporting {
  readonly #parts: Parts;
  /** From the start on. */
  #node: Reported | undefined;
  #timer: Timer | undefined;
  #wasLeader = false;
  #underWay: Promise<void> | undefined;
  #said = "";

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(node: Reported): void {
    this.#node = node;
    this.#timer = repeat(this.#parts.clock, reportIntervalMs, () => this.#report());
    void this.#report();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#node = undefined;
  }

  /** To be called whenever the node's status changed: a new leader is written down at once. */
  changed(): void {
    const isLeader = this.#node?.isLeader ?? false;
    const isNew = isLeader && !this.#wasLeader;
    this.#wasLeader = isLeader;
    if (isNew) void this.#report();
  }

  /** One at a time; what changes meanwhile is written by one more. */
  #report(): Promise<void> {
    const before = this.#underWay ?? Promise.resolve();
    const report = before.then(() => this.#write());
    this.#underWay = report;
    return report;
  }

  async #write(): Promise<void> {
    const { registry, entry, logger } = this.#parts;
    const node = this.#node;
    if (!node?.configuration.members.some(({ id }) => id === node.id)) return;
    try {
      await registry.report(entry, node.isLeader);
      if (this.#said !== "") logger.log("INFO", "discovery", `This node is written down again`);
      this.#said = "";
    } catch (error) {
      const text = `${messageOf(error)}; it is tried again`;
      logger.log(text === this.#said ? "DEBUG" : "WARN", "discovery", text);
      this.#said = text;
    }
  }
}
