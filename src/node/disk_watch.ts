import type { StateMachine } from "../store/types.ts";
import type { LogWriter } from "./log_writer.ts";

/** Whether this node's disk takes writes. */
export class DiskWatch {
  readonly #writer: Pick<LogWriter, "full">;
  readonly #stateMachine: Pick<StateMachine, "full">;

  constructor(writer: Pick<LogWriter, "full">, stateMachine: Pick<StateMachine, "full">) {
    this.#writer = writer;
    this.#stateMachine = stateMachine;
  }

  /** What keeps the disk from taking writes; undefined when nothing does. */
  get trouble(): string | undefined {
    // Neither the log nor the state machine may be short of room.
    if (this.#writer.full || this.#stateMachine.full !== undefined) {
      return "The disk is full: writes wait until there is room";
    }
    return undefined;
  }
}
