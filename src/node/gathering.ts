import type { Clock, Timer } from "../io/types.ts";

/** The longest that a write waits for others to share its sync, in ms. */
const gatherMsMax = 2;

/**
 * Decides when waiting proposals go into the log. When a batch is answered its clients come back
 * one after the other: were the first of them written at once, all others would wait for a sync
 * that carries one entry. So the node waits, for a moment at most, until all come that it knows to
 * write at the same time. What a batch costs by itself, on every node, is then shared by most.
 * A client by itself never waits; nor does anyone for long while a slow write is under way.
 *
 * Measured on three nodes of one machine, against waiting for as many as were just answered by
 * looking at each turn of the event loop: 64 clients 17,000 inserts a second where it was 10,600,
 * 16 clients 8,200 where it was 3,800, one client the same. To go on with half of the clients, so
 * that one batch is written while the other is answered, came to 15,300 and 6,400: every node pays
 * for each batch. A node by itself pays little, and half is better there: 25,800 against 23,200
 * with 64 clients.
 */
export class Gathering {
  readonly #clock: Clock;
  readonly #waiting: () => number;
  readonly #underWay: () => number;
  readonly #alone: () => boolean;
  readonly #enough: () => void;
  #timer: Timer | undefined;
  /** Clients that write at the same time, as far as was seen. */
  #clients = 1;

  /**
   * @param waiting How many proposals wait.
   * @param underWay How many are in the log and not yet answered.
   * @param alone Whether the log has no followers.
   * @param enough Called when those that wait should be taken.
   */
  constructor(
    clock: Clock,
    waiting: () => number,
    underWay: () => number,
    alone: () => boolean,
    enough: () => void,
  ) {
    this.#clock = clock;
    this.#waiting = waiting;
    this.#underWay = underWay;
    this.#alone = alone;
    this.#enough = enough;
  }

  /** True while more proposals are hoped for. */
  get gathering(): boolean {
    return this.#timer !== undefined;
  }

  /** A proposal has come, or those that wait could be taken now. */
  begin(): void {
    const waiting = this.#waiting();
    this.#clients = Math.max(this.#clients, waiting + this.#underWay());
    const wanted = this.#alone() ? this.#clients / 2 : this.#clients;
    if (waiting >= wanted) this.#end();
    else this.#timer ??= this.#clock.after(gatherMsMax, () => this.#late());
  }

  /** Not all came: so many are there now. */
  #late(): void {
    this.#clients = this.#waiting() + this.#underWay();
    this.#end();
  }

  #end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#enough();
  }
}
