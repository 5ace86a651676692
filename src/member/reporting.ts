import { messageOf } from "../base/message_of.ts";
import type { Entry, Registry } from "../discovery/types.ts";
import { repeat } from "../io/repeat.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import type { Node } from "../node/node.ts";

/** Between two reports, in ms: rqlite's. */
const reportIntervalMs = 10_000;

type Reported = Pick<Node, "id" | "isLeader" | "configuration">;

interface Parts {
  readonly registry: Registry;
  /** How this node is to be written down, as of now. */
  readonly entry: () => Entry;
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
  #wasMember = false;
  #underWay: Promise<void> | undefined;
  #said = "";

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(node: Reported): void {
    this.#node = node;
    this.#timer = repeat(this.#parts.clock, reportIntervalMs, () => this.#report());
    this.changed();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#node = undefined;
  }

  /** To be called whenever status or configuration changed: a new leader or member is written down at once. */
  changed(): void {
    const isLeader = this.#node?.isLeader ?? false;
    const isMember = this.#isMember;
    const isNew = (isLeader && !this.#wasLeader) || (isMember && !this.#wasMember);
    this.#wasLeader = isLeader;
    this.#wasMember = isMember;
    if (isNew) void this.#report();
  }

  get #isMember(): boolean {
    const node = this.#node;
    return node !== undefined && node.configuration.members.some(({ id }) => id === node.id);
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
    if (node === undefined || !this.#isMember) return;
    try {
      await registry.report(entry(), node.isLeader);
      if (this.#said !== "") logger.log("INFO", "discovery", `This node is written down again`);
      this.#said = "";
    } catch (error) {
      const text = `${messageOf(error)}; it is tried again`;
      logger.log(text === this.#said ? "DEBUG" : "WARN", "discovery", text);
      this.#said = text;
    }
  }
}
