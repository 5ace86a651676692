import { Outbox, type Server } from "./server.ts";
import type { Configuration, HardState, Ready, Role, Status } from "./types.ts";

/** Makes the Readys of a server: each holds what has come about since the one before. */
export class ReadyReport {
  readonly #server: Server;
  #hardState: HardState;
  #applyThrough: number;
  #configuration: Configuration;
  #status: Status;

  constructor(server: Server) {
    this.#server = server;
    const { term, votedFor, promiseMs } = server;
    this.#hardState = { term, votedFor, promiseMs };
    this.#applyThrough = server.commitIndex;
    this.#configuration = server.membership.current;
    this.#status = { role: "follower", term: server.term, leader: server.leader };
  }

  /** What is to be done; undefined when nothing is. */
  next(role: Role): Ready | undefined {
    const server = this.#server;
    const { outbox } = server;
    const entries = server.log.takeUnwritten();
    const applyThrough = Math.min(server.commitIndex, server.log.durableIndex);
    const applyMore = applyThrough > this.#applyThrough;
    const hardState = this.#changedHardState();
    const configuration = this.#changedConfiguration();
    const status = this.#changedStatus(role);
    const changed = entries.length > 0 || applyMore || hardState !== undefined ||
      configuration !== undefined || status !== undefined;
    if (!changed && outbox.empty) return undefined;
    if (applyMore) this.#applyThrough = applyThrough;
    server.outbox = new Outbox();
    return {
      hardState,
      entries,
      messages: outbox.messages,
      messagesAfterPersist: outbox.messagesAfterPersist,
      applyThrough: this.#applyThrough,
      readStates: outbox.readStates,
      readsDropped: outbox.readsDropped,
      loads: outbox.loads,
      snapshots: outbox.snapshots,
      configuration,
      status,
    };
  }

  #changedHardState(): HardState | undefined {
    const { term, votedFor, promiseMs } = this.#server;
    const known = this.#hardState;
    const same = term === known.term && votedFor === known.votedFor &&
      promiseMs === known.promiseMs;
    if (same) return undefined;
    this.#hardState = { term, votedFor, promiseMs };
    return this.#hardState;
  }

  #changedConfiguration(): Configuration | undefined {
    const { current } = this.#server.membership;
    if (current === this.#configuration) return undefined;
    this.#configuration = current;
    return current;
  }

  #changedStatus(role: Role): Status | undefined {
    const { term, leader } = this.#server;
    const known = this.#status;
    if (role === known.role && term === known.term && leader === known.leader) return undefined;
    this.#status = { role, term, leader };
    return this.#status;
  }
}
