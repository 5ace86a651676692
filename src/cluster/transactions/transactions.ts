import { ByteReader } from "../../base/bytes.ts";
import { BoundedMap } from "../../base/bounded_map.ts";
import { messageOf } from "../../base/message_of.ts";
import { nodeName } from "../../raft/types.ts";
import { versionOf } from "../../raft/cluster_version.ts";
import { beginsWithWrite, encodeStep } from "../../store/codec/script_codec.ts";
import { plainFormat, scriptConflict, type Store } from "../../store/types.ts";
import { type Transport, TransportError } from "../../transport/types.ts";
import { neverArrived, serviceError } from "../errors.ts";
import { memberNamed, presentAddress } from "../members.ts";
import { keyedAnswer } from "../keyed_answer.ts";
import type { ReadPath } from "../read_path.ts";
import {
  type BeginRequest,
  ServiceError,
  type TransactionCommit,
  type TransactionRequest,
  type TransactionStep,
  type WriteAnswer,
} from "../types.ts";
import { beginAnswer, passedOnBytesMax, readAnswer, RequestKind } from "../wire.ts";
import type { WritePath } from "../write_path.ts";
import { newId, nodeIn } from "./ids.ts";
import { checkSize, conflict, Transaction, transactionOver } from "./transaction.ts";
import { TurnCalls, type TurnCallsParts } from "./turn_calls.ts";
import {
  decodeTransactionCall,
  encodeTransactionCall,
  keyOf,
  nothingDone,
  readDone,
  type TransactionCall,
  type TransactionDone,
  writeDone,
} from "./wire.ts";

/** Open transactions of one node, and those over of which it is remembered why. */
const openMax = 1024;
const overMax = 1024;
/** How long a transaction may wait for what was acknowledged before it began, in ms. */
const freshMs = 10_000;
/** The version of a cluster that all nodes of know transactions. */
const versionNeeded = 2;

interface Parts extends TurnCallsParts {
  readonly store: Store;
  readonly transport: Transport;
  readonly writes: WritePath;
  readonly reads: ReadPath;
}

/**
 * Transactions of several requests. Each is at the node where it began, which its id names: there
 * its requests are run, one behind the other, and from there it is committed through the log.
 */
export class Transactions {
  readonly #parts: Parts;
  readonly #open = new Map<string, Transaction>();
  /** Why they are over, by their ids. */
  readonly #over = new BoundedMap<string>(overMax);
  readonly #turns: TurnCalls;
  readonly #name: string;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#turns = new TurnCalls(parts);
    this.#name = nodeName(parts.node.id);
  }

  /** The node stops: none of them is committed. */
  stop(): void {
    for (const transaction of [...this.#open.values()]) {
      transaction.rollBack("it was rolled back, as its node stops");
    }
  }

  /** Begins one at this node and resolves with its id. */
  async begin(request: BeginRequest): Promise<string> {
    const { mode, user, rights, openMs, idleMs, timeoutMs } = request;
    const { node, clock, store, reads } = this.#parts;
    const version = versionOf(node.configuration);
    if (version < versionNeeded) {
      throw new ServiceError(
        "unavailable",
        `The cluster has version ${version}, transactions need version ${versionNeeded}: once all ` +
          "nodes have this release, raise it by POST /upgrade",
      );
    }
    if (this.#open.size >= openMax) {
      throw new ServiceError("overloaded", `Too many transactions (${openMax}), try again later`);
    }
    const deadline = clock.now() + timeoutMs;
    const transaction = new Transaction({
      id: newId(this.#name),
      mode,
      user,
      rights,
      openMs,
      idleMs,
    }, {
      store,
      clock,
      takeTurn: (transaction, deadline) => this.#turns.take(transaction, deadline),
      ended: (transaction) => this.#ended(transaction),
    });
    const { id } = transaction.options;
    this.#open.set(id, transaction);
    try {
      await transaction.next(async () => {
        if (mode === "immediate") await this.#turns.take(transaction, deadline);
        else await reads.barrier("quorum", Math.min(timeoutMs, freshMs));
      });
      return id;
    } catch (error) {
      transaction.end("it could not begin");
      throw error;
    }
  }

  /** Runs the statements of one request, here or at the node that has the transaction. */
  async run(request: TransactionStep): Promise<Uint8Array> {
    const { statements, readOnly, unified, atomic, format, statementTimeoutMs } = request;
    const { foreignKeys } = request;
    const { clock } = this.#parts;
    const surelyWrites = !readOnly && beginsWithWrite(statements);
    const [seed = 0n] = crypto.getRandomValues(new BigUint64Array(1));
    const step = encodeStep({
      statements,
      clock: clock.wallTime(),
      seed,
      atomic,
      unified,
      readOnly,
      timeoutMs: statementTimeoutMs,
      format,
      foreignKeys,
    });
    // Another node may not even be sent what no transaction takes.
    checkSize(step.length);
    const done = await this.#ask({ ...callOf(request), type: "run", step, surelyWrites });
    return done.results;
  }

  /** Commits it; throws a ServiceError that says whether that may have taken effect. */
  async commit(request: TransactionCommit): Promise<Pick<WriteAnswer, "raftIndex" | "repeated">> {
    const { raftIndex, repeated } = await this.#ask({
      ...callOf(request),
      type: "commit",
      key: request.key,
    });
    return repeated ? { raftIndex, repeated } : { raftIndex };
  }

  async rollback(request: TransactionRequest): Promise<void> {
    await this.#ask({ ...callOf(request), type: "rollback" });
  }

  /** Asks the node that has it. */
  async #ask(call: TransactionCall): Promise<TransactionDone> {
    const { transport, node } = this.#parts;
    const name = nodeIn(call.id);
    if (name === this.#name) {
      // As another node would tell of it.
      return await this.#carryOut(call, Infinity).catch((error) => {
        throw serviceError(error);
      });
    }
    const member = name === undefined ? undefined : memberNamed(node.configuration, name);
    if (name === undefined || member === undefined) throw unknown();
    const payload = encodeTransactionCall(call);
    const { timeoutMs } = call;
    const address = presentAddress(transport, member);
    try {
      const kind = RequestKind.transaction;
      const answer = await transport.request({ address, kind, payload }, { timeoutMs });
      return readDone(call.type, readAnswer(answer));
    } catch (error) {
      if (!(error instanceof TransportError)) throw serviceError(error);
      throw lost(name, call, error);
    }
  }

  /** This node's side of what others ask of its transactions. */
  async handle(payload: Uint8Array): Promise<Uint8Array> {
    const call = decodeTransactionCall(new ByteReader(payload));
    const done = await this.#carryOut(call, passedOnBytesMax);
    const answer = beginAnswer();
    writeDone(answer, call.type, done);
    return answer.copy();
  }

  async #carryOut(call: TransactionCall, resultBytesMax: number): Promise<TransactionDone> {
    const transaction = this.#find(call);
    const deadline = this.#parts.clock.now() + call.timeoutMs;
    switch (call.type) {
      case "run": {
        const { step, surelyWrites } = call;
        const run = () => transaction.run(step, { surelyWrites, resultBytesMax, deadline });
        return { ...nothingDone, results: await transaction.next(run) };
      }
      case "commit": {
        const commit = () => this.#commit(transaction, call, deadline);
        const { raftIndex, repeated } = await transaction.next(commit);
        return { ...nothingDone, raftIndex, repeated: repeated !== undefined };
      }
      case "rollback":
        await transaction.next(() => {
          transaction.end("it was rolled back by its client");
          return Promise.resolve();
        });
        return nothingDone;
    }
  }

  #find({ id, user, rights }: TransactionCall): Transaction {
    const transaction = this.#open.get(id);
    if (transaction?.options.user === user) {
      // What it has run was allowed by those that it began with, and is run again by them.
      if (transaction.options.rights !== rights) transaction.rollBack(rightsChanged);
      if (this.#parts.node.damage !== undefined) transaction.rollBack(copyDamaged);
      if (transaction.over === undefined) return transaction;
    }
    const why = this.#over.get(`${id} ${user}`);
    throw why === undefined ? unknown() : transactionOver(why);
  }

  async #commit(
    transaction: Transaction,
    { key, user, timeoutMs }: Extract<TransactionCall, { type: "commit" }>,
    deadline: number,
  ): Promise<Pick<WriteAnswer, "raftIndex" | "repeated">> {
    transaction.beginCommit();
    const { steps, options: { id, rights }, writes, askedForTurn } = transaction;
    if (!writes) {
      transaction.end("it was committed");
      return { raftIndex: 0 };
    }
    const named = keyOf(key, user);
    try {
      const answer = await this.#parts.writes.submit(
        (request) => ({ type: "script", steps, request, rights, key: named }),
        plainFormat,
        Math.min(timeoutMs, deadline - this.#parts.clock.now()),
        { turn: askedForTurn ? id : undefined },
      );
      const { results, raftIndex, repeated } = named === undefined ? answer : keyedAnswer(answer);
      const error = errorIn(results);
      if (error === scriptConflict) throw conflict();
      if (error !== undefined) {
        throw new ServiceError("invalid", `${error}: the transaction is rolled back`);
      }
      transaction.end("it was committed");
      return repeated === undefined ? { raftIndex } : { raftIndex, repeated: true };
    } catch (error) {
      const failure = ofCommit(serviceError(error));
      transaction.end(`its commit came to: ${failure.message}`);
      throw failure;
    }
  }

  #ended(transaction: Transaction): void {
    const { id, user } = transaction.options;
    this.#open.delete(id);
    this.#over.set(`${id} ${user}`, transaction.over ?? "");
    this.#turns.ended(transaction);
  }

  /** The leader's side of turns to write. */
  async handleTurn(payload: Uint8Array): Promise<Uint8Array> {
    return await this.#turns.handle(payload);
  }
}

/** An entry that was applied, and its answer lost, may have been a conflict. */
function ofCommit(failure: ServiceError): ServiceError {
  if (failure.kind !== "failed") return failure;
  return new ServiceError(
    "unknown_outcome",
    "Outcome unknown: the transaction was committed, or rolled back as what it had seen was " +
      "changed by others; the answer that says which is lost",
    { cause: failure },
  );
}

const copyDamaged =
  "it was rolled back, as its node's copy of the database is damaged and is being replaced";

const rightsChanged =
  "it was rolled back, as its user has other rights by table than when it began";

/** Why a call came to nothing, as far as is known, when the node that has the transaction is lost. */
function lost(name: string, { type }: TransactionCall, error: TransportError): ServiceError {
  const reason = messageOf(error);
  if (type === "rollback" || neverArrived(error)) {
    return new ServiceError(
      "unavailable",
      `Node ${name}, which has the transaction, does not answer: it is rolled back unless that returns in time: ${reason}`,
      { cause: error },
    );
  }
  const meant = type === "commit" ? "" : ": roll the transaction back";
  return new ServiceError(
    "unknown_outcome",
    `Outcome unknown: node ${name}, which has the transaction, was lost: ${reason}${meant}`,
    { cause: error },
  );
}

function callOf({ id, user, rights, timeoutMs }: TransactionRequest) {
  return { id, user, rights, timeoutMs };
}

function unknown(): ServiceError {
  return new ServiceError(
    "no_transaction",
    "No such transaction: it is over for long, or its node has started anew; it is rolled back, " +
      "unless it was committed before",
  );
}

/** The error that is all of an answer; undefined for an empty one. */
function errorIn(results: WriteAnswer["results"]): string | undefined {
  const text = typeof results === "string" ? results : new TextDecoder().decode(results);
  if (text === "") return undefined;
  const { error } = JSON.parse(text);
  return String(error);
}
