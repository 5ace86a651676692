import type { TransactionMode } from "../../cluster/transactions/transaction.ts";
import type { ReadAnswer, TransactionRequest } from "../../cluster/types.ts";
import { Withdrawal } from "../../cluster/withdrawal.ts";
import type { AnswerFormat, Results, Statement } from "../../store/types.ts";
import { plainFormat } from "../../store/types.ts";
import type { Requester } from "../../access/types.ts";
import type { AppState } from "../app_state.ts";
import type { WatchedClient } from "../disconnect_watch.ts";
import { endOfValue } from "../json_scanner.ts";
import { clusterTimeoutMs } from "../query_parameters.ts";
import type { FailureListener } from "./refusals.ts";
import { sqliteError } from "./errors.ts";
import { failed, nothing, type Outcome, outcomeOf } from "./results.ts";

const typed: AnswerFormat = { ...plainFormat, unified: true, typed: true };
const described: AnswerFormat = { ...typed, describes: true };

/** How long a read may wait for what was acknowledged before it, in ms. */
const freshMs = 10_000;

/** For whom statements are run. */
export interface Asker {
  /** "" where nobody is asked who they are. */
  readonly user: string;
  /** By table, as `rightsOf` has it. */
  readonly rights: string | undefined;
  /** Of the client. */
  readonly address: string;
  /** What the client has seen of the log, if it says so. */
  readonly minIndex: number | undefined;
  readonly failures?: FailureListener | undefined;
  /** Undefined where another node passes it on. */
  readonly client?: AskingClient | undefined;
}

/** A client of this node's own. */
export interface AskingClient {
  readonly request: Request;
  readonly requester: Requester;
  readonly watched: WatchedClient;
}

/**
 * Runs the statements of one request of a stream by the cluster's service. What is read is as fresh
 * as can be, since clients of libSQL know of no levels: linearizable.
 */
export class StatementRunner {
  readonly #app: AppState;
  readonly #asker: Asker;
  #seenIndex: number | undefined;

  constructor(app: AppState, asker: Asker) {
    this.#app = app;
    this.#asker = asker;
  }

  /** What its client has seen of the log then. */
  get seenIndex(): number | undefined {
    return this.#seenIndex;
  }

  /** Why its user may not set whether foreign keys are enforced; undefined for one who may. */
  get foreignKeysRefusal(): string | undefined {
    const { user, rights } = this.#asker;
    if (rights === undefined) return undefined;
    return "PRAGMA foreign_keys is prohibited: it is for users of all tables, and user " +
      `${JSON.stringify(user)} may read and write some`;
  }

  /** What a stream has set, which is void once its user has lost the right to. */
  #inForce(foreignKeys: boolean | undefined): boolean | undefined {
    return this.foreignKeysRefusal === undefined ? foreignKeys : undefined;
  }

  #saw(index: number | undefined): void {
    if (index === undefined || index === 0) return;
    this.#seenIndex = Math.max(this.#seenIndex ?? 0, index);
  }

  /** Tells who wants to know of a statement that failed. */
  #told(outcome: Outcome, sql: string): Outcome {
    if (outcome.type === "failed") this.#asker.failures?.(sql, outcome.error);
    return outcome;
  }

  /** What was refused to its user by rights by table. */
  refused(sql: string, why: string): Outcome {
    return this.#told(failed(sqliteError(why, "SQLITE_AUTH")), sql);
  }

  /** Whether a statement may write; false, too, for one that SQLite does not understand. */
  async writes(sql: string): Promise<boolean> {
    // It is read where it does not.
    this.#asker.client?.watched.lasts();
    const [verdict] = await this.#app.service.inspect([{ sql }], this.#asker.rights);
    return verdict === false;
  }

  async read(statement: Statement): Promise<Outcome> {
    const result = await this.#read(statement, typed);
    if (result instanceof ReadableStream) return { type: "done", result };
    return this.#told(outcomeOf(result), statement.sql);
  }

  /** The description of a statement, in JSON. */
  async describe(sql: string): Promise<string> {
    const result = await this.#read({ sql }, described);
    return result instanceof ReadableStream ? await new Response(result).text() : result;
  }

  async #read(
    statement: Statement,
    format: AnswerFormat,
  ): Promise<string | ReadableStream<Uint8Array>> {
    const { rights, minIndex, client } = this.#asker;
    const statements = [statement];
    const reading = this.#app.service.read(
      { statements, transaction: false, format, timeoutMs: 0, rights },
      {
        level: "linearizable",
        freshnessMs: 0,
        freshnessStrict: false,
        minIndex,
        timeoutMs: freshMs,
      },
      client?.watched.signal,
    );
    const { results, seenIndex } = client !== undefined && reading instanceof Promise
      ? await this.#listed(client, statements, reading)
      : await reading;
    this.#saw(seenIndex);
    return results instanceof ReadableStream ? results : textOf(results);
  }

  /** A read that takes longer: it is seen, and can be ended. */
  async #listed(
    { request, requester, watched }: AskingClient,
    statements: readonly Statement[],
    reading: Promise<ReadAnswer>,
  ): Promise<ReadAnswer> {
    watched.lasts();
    using running = this.#app.running.begin({ request, requester, statements }, { read: watched });
    const answer = await running.orEnded(reading);
    const { results } = answer;
    return results instanceof ReadableStream
      ? { ...answer, results: running.streaming(results) }
      : answer;
  }

  async write(statement: Statement, foreignKeys: boolean | undefined): Promise<Outcome> {
    const { results, raftIndex } = await this.#write([statement], foreignKeys, false);
    return this.#told(outcomeOf(results, raftIndex), statement.sql);
  }

  /** All or none; what each came to, and nothing behind the first that failed. */
  async writeAll(
    statements: readonly Statement[],
    foreignKeys: boolean | undefined,
  ): Promise<Outcome[]> {
    const { results, raftIndex } = await this.#write(statements, foreignKeys, true);
    const outcomes: Outcome[] = [];
    for (let at = 0; at < results.length;) {
      const end = endOfValue(results, at);
      const outcome = outcomeOf(results.slice(at, end), raftIndex);
      outcomes.push(this.#told(outcome, statements[outcomes.length]?.sql ?? ""));
      at = end + 1;
    }
    return outcomes;
  }

  async #write(
    statements: readonly Statement[],
    foreignKeys: boolean | undefined,
    transaction: boolean,
  ): Promise<{ readonly results: string; readonly raftIndex: number }> {
    const inForce = this.#inForce(foreignKeys);
    const setting = inForce === undefined
      ? []
      : [{ sql: `PRAGMA foreign_keys = ${inForce ? "ON" : "OFF"}` }];
    const { rights, client } = this.#asker;
    const withdrawal = new Withdrawal();
    using _ = client && this.#app.running.begin({ ...client, statements }, { write: withdrawal });
    const answer = await this.#app.service.write({
      statements: [...setting, ...statements],
      transaction,
      unified: true,
      format: typed,
      statementTimeoutMs: 0,
      timeoutMs: clusterTimeoutMs,
      rights,
      withdrawal,
    });
    this.#saw(answer.raftIndex);
    const results = textOf(answer.results);
    // A commit that fails is all that there is to tell.
    const ofSetting = setting.length > 0 && results.startsWith(nothing) ? nothing.length + 1 : 0;
    return { results: results.slice(ofSetting), raftIndex: answer.raftIndex };
  }

  async begin(mode: TransactionMode): Promise<string> {
    const { transactionOpenMs: openMs, transactionIdleMs: idleMs } = this.#app.limits;
    const { user, rights } = this.#asker;
    const timeoutMs = clusterTimeoutMs;
    return await this.#app.service.begin({ mode, user, rights, openMs, idleMs, timeoutMs });
  }

  /** A statement of a transaction; `reads`: it cannot write. */
  async runIn(
    id: string,
    statement: Statement,
    { reads, foreignKeys }: {
      readonly reads: boolean;
      readonly foreignKeys: boolean | undefined;
    },
  ): Promise<Outcome> {
    const asked = { readOnly: reads, format: typed, foreignKeys: this.#inForce(foreignKeys) };
    return this.#told(outcomeOf(await this.#step(id, statement, asked)), statement.sql);
  }

  async describeIn(id: string, sql: string): Promise<string> {
    const asked = { readOnly: true, format: described, foreignKeys: undefined };
    return await this.#step(id, { sql }, asked);
  }

  async #step(
    id: string,
    statement: Statement,
    { readOnly, format, foreignKeys }: {
      readonly readOnly: boolean;
      readonly format: AnswerFormat;
      readonly foreignKeys: boolean | undefined;
    },
  ): Promise<string> {
    return textOf(
      await this.#app.service.runInTransaction({
        ...this.#transaction(id),
        statements: [statement],
        readOnly,
        unified: true,
        atomic: false,
        format,
        foreignKeys,
        // Others' writes wait while one runs.
        statementTimeoutMs: this.#app.limits.transactionOpenMs,
      }),
    );
  }

  /** The index of the commit; 0 where nothing was written. */
  async commit(id: string): Promise<number> {
    const { raftIndex } = await this.#app.service.commit({
      ...this.#transaction(id),
      key: undefined,
    });
    this.#saw(raftIndex);
    return raftIndex;
  }

  async rollback(id: string): Promise<void> {
    await this.#app.service.rollback(this.#transaction(id));
  }

  #transaction(id: string): TransactionRequest {
    const { user, rights } = this.#asker;
    return { id, user, rights, timeoutMs: clusterTimeoutMs };
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function textOf(results: Results): string {
  return typeof results === "string" ? results : decoder.decode(results);
}
