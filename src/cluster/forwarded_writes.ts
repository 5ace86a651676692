import { joinByLength, type NextTurn } from "../base/slices.ts";
import { nextTurnOf } from "../io/next_turn.ts";
import type { Clock } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { duplicate } from "../store/types.ts";
import type { Trace, Tracing } from "./tracing.ts";
import { waitingUntil, type WriteTurns } from "./transactions/write_turns.ts";
import {
  decodeCommit,
  decodeTracedWrite,
  decodeWrite,
  encodeWriteAnswer,
  passedOnBytesMax,
  type WriteCall,
} from "./wire.ts";

/** The leader's side of writes that other nodes forward. */
export class ForwardedWrites {
  readonly #node: Node;
  readonly #clock: Clock;
  readonly #turns: WriteTurns;
  readonly #tracing: Tracing | undefined;
  readonly #nextTurn: NextTurn;

  constructor(parts: {
    readonly node: Node;
    readonly clock: Clock;
    readonly turns: WriteTurns;
    readonly tracing?: Tracing | undefined;
  }) {
    this.#node = parts.node;
    this.#clock = parts.clock;
    this.#turns = parts.turns;
    this.#tracing = parts.tracing;
    this.#nextTurn = nextTurnOf(parts.clock);
  }

  /** Carries out one, as `encodeWrite` has it. */
  async handle(payload: Uint8Array, trace?: Trace): Promise<Uint8Array> {
    return await this.#handle(decodeWrite(payload), { trace });
  }

  /** The same of a write that is traced. */
  async handleTraced(payload: Uint8Array): Promise<Uint8Array> {
    const { traceparent, write } = decodeTracedWrite(payload);
    const name = "write at the leader";
    const trace = this.#tracing?.begin(traceparent, () => ({ name, attributes: {} }));
    try {
      const answer = await this.handle(write, trace);
      trace?.end();
      return answer;
    } catch (error) {
      trace?.end(error);
      throw error;
    }
  }

  /** The same of the commit of a transaction that has, or had, the turn to write. */
  async handleCommit(payload: Uint8Array): Promise<Uint8Array> {
    const { turn, ...call } = decodeCommit(payload);
    return await this.#handle(call, { turn });
  }

  async #handle(
    { timeoutMs, format, command }: WriteCall,
    { turn, trace }: { readonly turn?: string; readonly trace?: Trace | undefined },
  ): Promise<Uint8Array> {
    const now = this.#clock.now();
    const deadline = now + timeoutMs;
    const waited = this.#turns.pass(command.length, waitingUntil(now, timeoutMs), turn);
    if (waited !== undefined) await waited;
    const proposed = this.#node.proposeReceived(command, { format, deadline, trace });
    // Whoever comes next goes into the log behind it.
    if (turn !== undefined) this.#turns.end(turn);
    const { index, answer } = await proposed;
    // Of a longer one the node that asks makes its own, as it applies the write.
    const isTooLong = answer instanceof Uint8Array && answer.length > passedOnBytesMax;
    if (answer === duplicate || isTooLong) return encodeWriteAnswer(index, true, "");
    const encoded = encodeWriteAnswer(index, false, typeof answer === "string" ? answer : "");
    return answer instanceof Uint8Array ? joinByLength(encoded, answer, this.#nextTurn) : encoded;
  }
}
