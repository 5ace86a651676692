import { messageOf } from "../../base/message_of.ts";
import type { Library, LibraryLocation } from "../../sqlite/mod.ts";
import { type ThreadScope, transferOf } from "../threads.ts";
import { Answers } from "./answers.ts";
import { StatementRunner } from "./statement_runner.ts";
import { type Rehearsed, rehearseSteps } from "./rehearsing.ts";
import type { ScriptRun } from "./script_run.ts";
import { ScriptRunner } from "./script_runner.ts";
import { WriteConnection } from "./write_connection.ts";

/** What the main thread asks; each is answered once, under its number. */
export type HeldReadsRequest =
  /** Holds what is committed now, under the number `held`. */
  | { readonly type: "hold"; readonly held: number }
  /** Runs a script of one step on what is held. */
  | {
    readonly type: "run";
    readonly held: number;
    readonly script: Uint8Array;
    readonly rights: string | undefined;
  }
  | { readonly type: "let_go"; readonly held: number }
  /** Lets go of everything and closes all connections. */
  | { readonly type: "release" };

export interface HeldReadsStart {
  readonly type: "start";
  readonly library: LibraryLocation;
  readonly path: string;
  readonly foreignKeys: boolean;
  /** A word that is 1 while all that is held is to end. */
  readonly ending: SharedArrayBuffer;
}

export interface NumberedHeldRequest {
  readonly type: "request";
  readonly id: number;
  readonly request: HeldReadsRequest;
}

export type HeldReadsReply =
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "failed"; readonly id: number; readonly message: string };

/** Connections that hold nothing, kept for who comes next. */
const idleMax = 8;

interface Holding {
  readonly connection: WriteConnection;
  readonly scripts: ScriptRunner;
  readonly answers: Answers;
  /** Of the transaction for which it holds something. */
  run?: ScriptRun;
}

/** Reads that hold what they read, each on a connection of its own: it answers as the writer would. */
class HeldReads {
  readonly #scope: ThreadScope<HeldReadsReply>;
  readonly #start: HeldReadsStart;
  readonly #held = new Map<number, Holding>();
  readonly #idle: Holding[] = [];
  #library: Library | undefined;

  constructor(scope: ThreadScope<HeldReadsReply>, start: HeldReadsStart) {
    this.#scope = scope;
    this.#start = start;
  }

  handle(request: HeldReadsRequest): unknown {
    switch (request.type) {
      case "hold":
        return this.#hold(request.held);
      case "run":
        return this.#run(request);
      case "let_go":
        return this.#letGo(request.held);
      case "release":
        return this.#release();
    }
  }

  #hold(held: number): void {
    const holding = this.#idle.pop() ?? this.#open();
    try {
      holding.connection.hold();
    } catch (error) {
      // It may have begun to hold something, which nobody would let go of.
      holding.connection.close();
      throw error;
    }
    holding.run = holding.scripts.begin(false);
    this.#held.set(held, holding);
  }

  #open(): Holding {
    const { library, path, foreignKeys, ending } = this.#start;
    const words = new Int32Array(ending);
    this.#library ??= this.#scope.openLibrary(library);
    const connection = new WriteConnection(this.#library, path, foreignKeys, "hold");
    connection.limits.isLate = () => Atomics.load(words, 0) === 1;
    const answers = new Answers(this.#scope.clock);
    const runner = new StatementRunner(connection, answers);
    return { connection, answers, scripts: new ScriptRunner(connection, answers, runner) };
  }

  #run({ held, script, rights }: Extract<HeldReadsRequest, { type: "run" }>): Rehearsed {
    const holding = this.#held.get(held);
    if (holding?.run === undefined) throw new Error("What was read is no longer held");
    const { run, connection, answers } = holding;
    try {
      return rehearseSteps(run, { script, rights, connection, answers });
    } finally {
      answers.truncate(0);
    }
  }

  #letGo(held: number): void {
    const holding = this.#held.get(held);
    if (holding === undefined) return;
    this.#held.delete(held);
    holding.connection.rollback();
    if (this.#idle.length < idleMax) this.#idle.push(holding);
    else holding.connection.close();
  }

  #release(): void {
    for (const held of [...this.#held.keys()]) this.#letGo(held);
    for (const { connection } of this.#idle.splice(0)) connection.close();
  }
}

/** The thread of held reads: one request after the other. */
export function heldReadsThread(
  scope: ThreadScope<HeldReadsReply>,
): (message: HeldReadsStart | NumberedHeldRequest) => void {
  let reads: HeldReads | undefined;
  return (message) => {
    if (message.type === "start") {
      reads = new HeldReads(scope, message);
      return;
    }
    const { id, request } = message;
    try {
      const value = reads?.handle(request);
      const { results } = (value ?? {}) as { readonly results?: Uint8Array<ArrayBuffer> };
      scope.post({ type: "answer", id, value }, results === undefined ? [] : transferOf(results));
    } catch (error) {
      scope.post({ type: "failed", id, message: messageOf(error) });
    }
  };
}
