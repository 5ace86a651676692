import { StoreFailedError } from "./failures.ts";
import type { LifeCycle } from "./life_cycle.ts";
import type { ReplyOf, RequestTo, Thread, ThreadHandlers, ThreadName, Threads } from "./threads.ts";

/**
 * Threads of a store, none of which may die. A connection that one leaves behind stays open in this
 * process, and nobody can close it: a read transaction of it would keep the WAL from being begun anew
 * for as long as the process runs. So the store fails, by which the node ends in order and says why;
 * its next start has none of it.
 */
export class VitalThreads implements Threads {
  readonly #threads: Threads;
  readonly #life: LifeCycle;

  constructor(threads: Threads, life: LifeCycle) {
    this.#threads = threads;
    this.#life = life;
  }

  start<Name extends ThreadName>(
    name: Name,
    handlers: ThreadHandlers<ReplyOf<Name>>,
  ): Thread<RequestTo<Name>> {
    return this.#threads.start(name, {
      receive: (reply) => handlers.receive(reply),
      died: (reason) => {
        handlers.died(reason);
        this.#life.fail(
          new StoreFailedError(
            `A thread died (${name}): ${reason}; what it held of the database only a start frees`,
          ),
        );
      },
    });
  }
}
