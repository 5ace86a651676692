import { ByteReader } from "../../base/bytes.ts";
import type { Clock, Timer } from "../../io/types.ts";
import type { Node } from "../../node/node.ts";
import { noLeader, serviceError } from "../errors.ts";
import type { LeaderCalls } from "../leader_calls.ts";
import { beginAnswer, RequestKind } from "../wire.ts";
import type { Transaction } from "./transaction.ts";
import { decodeTurn, encodeTurn, type TurnCall } from "./wire.ts";
import { waitingUntil, type WriteTurns } from "./write_turns.ts";

/** How long a turn to write lasts without a word of the transaction's node, and how often that has one, in ms. */
const turnKeptMs = 10_000;
const turnRenewedMs = 3_000;

export interface TurnCallsParts {
  readonly node: Node;
  readonly clock: Clock;
  readonly calls: LeaderCalls;
  readonly turns: WriteTurns;
}

/** The turns to write of this node's transactions, asked of the leader; and the leader's answers. */
export class TurnCalls {
  readonly #parts: TurnCallsParts;
  readonly #renewals = new Map<string, Timer>();

  constructor(parts: TurnCallsParts) {
    this.#parts = parts;
  }

  /** Takes the turn to write, and waits until all before it is applied here. */
  async take(transaction: Transaction, deadline: number): Promise<void> {
    const { node, clock } = this.#parts;
    const { id } = transaction.options;
    transaction.askedForTurn = true;
    const answer = await this.#call("take", id, deadline);
    if (transaction.over !== undefined) {
      this.#end(id);
      return;
    }
    this.#renewLater(id);
    const timeoutMs = Math.max(1, Math.ceil(deadline - clock.now()));
    await node.waitApplied(answer.integer(), timeoutMs).catch((error) => {
      throw serviceError(error);
    });
  }

  /** A transaction is over: its turn ends, if it may have it. */
  ended({ options: { id }, askedForTurn }: Transaction): void {
    this.#renewals.get(id)?.cancel();
    this.#renewals.delete(id);
    if (askedForTurn) this.#end(id);
  }

  #renewLater(id: string): void {
    const { clock } = this.#parts;
    this.#renewals.get(id)?.cancel();
    const timer = clock.after(turnRenewedMs, () => {
      this.#renewLater(id);
      // Without its turn it may still be committed, if nobody has come between.
      this.#call("renew", id, clock.now() + turnRenewedMs).catch(() => {});
    });
    this.#renewals.set(id, timer);
  }

  #end(id: string): void {
    this.#call("end", id, this.#parts.clock.now() + turnRenewedMs).catch(() => {});
  }

  #call(
    operation: TurnCall["operation"],
    transaction: string,
    deadline: number,
  ): Promise<ByteReader> {
    const { calls, clock } = this.#parts;
    const call = () => {
      const timeoutMs = Math.max(1, Math.ceil(deadline - clock.now()));
      return encodeTurn({ operation, transaction, keptMs: turnKeptMs, timeoutMs });
    };
    return calls.atLeader(RequestKind.turn, call, deadline);
  }

  /** The leader's side. */
  async handle(payload: Uint8Array): Promise<Uint8Array> {
    const { operation, transaction, timeoutMs, ...call } = decodeTurn(new ByteReader(payload));
    const { node, turns, clock } = this.#parts;
    const keptMs = Math.min(call.keptMs, turnKeptMs);
    if (!node.isLeader) throw noLeader();
    const answer = beginAnswer();
    switch (operation) {
      case "take":
        await turns.take(transaction, keptMs, waitingUntil(clock.now(), timeoutMs));
        try {
          answer.integer(await this.#behindAll(timeoutMs));
        } catch (error) {
          turns.end(transaction);
          throw error;
        }
        break;
      case "renew":
        turns.renew(transaction, keptMs);
        break;
      case "end":
        turns.end(transaction);
    }
    return answer.copy();
  }

  /**
   * At the leader, which this node still is when it resolves: the index behind which no write is
   * that came before. What waits for the log has an entry beside it there.
   */
  async #behindAll(timeoutMs: number): Promise<number> {
    const { node } = this.#parts;
    const { takenIndex } = node;
    if (takenIndex === undefined) return await node.proposeBarrier(timeoutMs);
    return Math.max(takenIndex, await node.readBarrier("quorum", timeoutMs));
  }
}
