import type { TransactionMode } from "../../src/cluster/transactions/transaction.ts";
import type { Prng } from "../../src/base/prng.ts";
import {
  anomaliesIn,
  type Anomaly,
  type MicroOperation,
  type SeenTransaction,
} from "./anomalies.ts";

/** Thrown by a {@linkcode TransactionCalls} for a request that failed: nothing is known to be done. */
export class CallFailed extends Error {
  override name = "CallFailed";

  /** @param isUnknown It may have been done. */
  constructor(message: string, readonly isUnknown: boolean) {
    super(message);
  }
}

/** The answer to one statement. */
export interface StatementAnswer {
  readonly values?: readonly (readonly unknown[])[];
  readonly error?: string;
}

/** How a client speaks to the cluster; every request may go to another node. Rejects with a CallFailed. */
export interface TransactionCalls {
  begin(mode: TransactionMode): Promise<string>;
  run(tx: string, sql: readonly string[]): Promise<readonly StatementAnswer[]>;
  commit(tx: string): Promise<void>;
  rollback(tx: string): Promise<void>;
  /** A write on its own, outside of transactions. */
  write(sql: string): Promise<void>;
}

const lists = 4;
const accounts = 4;
const moneyEach = 100;

/** What clients rely on; more than once does no harm. */
export const transactionSetup: readonly string[] = [
  "CREATE TABLE IF NOT EXISTS tx_lists (key INTEGER PRIMARY KEY, list TEXT NOT NULL)",
  ...Array.from(
    { length: lists },
    (_, key) => `INSERT OR IGNORE INTO tx_lists VALUES (${key}, '')`,
  ),
  "CREATE TABLE IF NOT EXISTS tx_bank (id INTEGER PRIMARY KEY, money INTEGER CHECK (money >= 0))",
  ...Array.from(
    { length: accounts },
    (_, id) => `INSERT OR IGNORE INTO tx_bank VALUES (${id}, ${moneyEach})`,
  ),
];

/** What they read and write; the same in the final state. */
export const finalLists = "SELECT key, list FROM tx_lists ORDER BY key";
export const finalMoney = "SELECT sum(money) FROM tx_bank";

/** What makes a transaction go other ways through a node, and tells of no list. */
const asides = [
  // No matter of a moment: for another thread.
  "SELECT count(*) FROM tx_lists WHERE list LIKE '%1%'",
  "INSERT INTO tx_lists VALUES (0, 'there is one')",
  "SELEC",
  "SAVEPOINT a; UPDATE tx_lists SET list = list || ' 0'; ROLLBACK TO a; RELEASE a",
  "UPDATE tx_bank SET money = money - 1000 WHERE id = 0",
  "CREATE TABLE IF NOT EXISTS tx_aside (x)",
  "INSERT INTO tx_aside VALUES (1)",
  "PRAGMA defer_foreign_keys = ON",
];

/** Clients of transactions, each of whom does one after the other, and what they saw. */
export class TransactionClients {
  readonly seen: SeenTransaction[] = [];
  readonly #anomalies: Anomaly[] = [];
  readonly #moment: () => number;
  #lastValue = 0;

  /** @param moment Later than all before it, each time. */
  constructor(moment: () => number) {
    this.#moment = moment;
  }

  /** How many came to that end. */
  count(outcome: SeenTransaction["outcome"]): number {
    return this.seen.filter((one) => one.outcome === outcome).length;
  }

  /** What is wrong with all that was seen, beside what the database holds at the end. */
  anomalies(
    rows: readonly (readonly unknown[])[],
    money: unknown,
  ): readonly Anomaly[] {
    const final = new Map(rows.map(([key, list]) => [Number(key), valuesIn(list)]));
    const found = [...this.#anomalies, ...anomaliesIn(this.seen, final)];
    if (money !== accounts * moneyEach) found.push({ name: "bank", text: `${money} at the end` });
    return found;
  }

  /** One transaction, or one write outside of any, as `random` has it. */
  async once(calls: TransactionCalls, random: Prng, mode: TransactionMode): Promise<void> {
    if (random.chance(0.1)) return await this.#write(calls, random);
    const name = `T${this.seen.length + 1} (${mode})`;
    const operations: MicroOperation[] = [];
    const end = this.#begin(name, operations);
    let tx: string | undefined;
    let outcome: SeenTransaction["outcome"] = "aborted";
    try {
      tx = await calls.begin(mode);
      if (random.chance(0.3)) await this.#bank(calls, random, tx, mode);
      else await this.#steps(calls, random, { tx, mode, operations, name });
      if (random.chance(0.1)) {
        await calls.rollback(tx);
        return;
      }
      outcome = "unknown";
      await calls.commit(tx);
      outcome = "committed";
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      if (!error.isUnknown) outcome = "aborted";
      // Its client gives it up, and says so where it can.
      if (tx !== undefined && outcome === "aborted") await calls.rollback(tx).catch(() => {});
    } finally {
      end(outcome);
    }
  }

  async #write(calls: TransactionCalls, random: Prng): Promise<void> {
    const value = ++this.#lastValue;
    const key = random.below(lists);
    const end = this.#begin(`write of ${value}`, [{ kind: "append", key, value }]);
    let outcome: SeenTransaction["outcome"] = "committed";
    try {
      await calls.write(append(key, value));
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      outcome = error.isUnknown ? "unknown" : "aborted";
    }
    end(outcome);
  }

  /** Notes that a transaction has begun; what it came to is told by what this returns, if ever. */
  #begin(
    name: string,
    operations: readonly MicroOperation[],
  ): (outcome: SeenTransaction["outcome"]) => void {
    const invokedAt = this.#moment();
    const seen: SeenTransaction = {
      name,
      operations,
      outcome: "unknown",
      invokedAt,
      returnedAt: Infinity,
    };
    this.seen.push(seen);
    return (outcome) => Object.assign(seen, { outcome, returnedAt: this.#moment() });
  }

  async #steps(
    calls: TransactionCalls,
    random: Prng,
    { tx, mode, operations, name }: {
      readonly tx: string;
      readonly mode: TransactionMode;
      readonly operations: MicroOperation[];
      readonly name: string;
    },
  ): Promise<void> {
    for (let left = 1 + random.below(4); left > 0; left--) {
      const key = random.below(lists);
      if (mode !== "read" && random.chance(0.2)) {
        await calls.run(tx, (asides[random.below(asides.length)] ?? "").split("; "));
      }
      if (mode === "read" || random.chance(0.5)) {
        const all = random.chance(0.2);
        const [answer] = await calls.run(tx, [all ? finalLists : read(key)]);
        for (const [of, list] of rowsOf(answer, name)) {
          operations.push({ kind: "read", key: Number(of), seen: valuesIn(list) });
        }
      } else {
        const value = ++this.#lastValue;
        const [answer] = await calls.run(tx, [append(key, value)]);
        rowsOf(answer, name);
        operations.push({ kind: "append", key, value });
      }
    }
  }

  /** Moves money, or counts it: all of it must be there at any moment. */
  async #bank(
    calls: TransactionCalls,
    random: Prng,
    tx: string,
    mode: TransactionMode,
  ): Promise<void> {
    const [answer] = await calls.run(tx, ["SELECT id, money FROM tx_bank ORDER BY id"]);
    const money = rowsOf(answer, "the bank").map(([, money]) => Number(money));
    const total = money.reduce((sum, one) => sum + one, 0);
    if (total !== accounts * moneyEach) {
      this.#anomalies.push({ name: "bank", text: `a ${mode} transaction saw ${total}` });
    }
    if (mode === "read") return;
    const [from, to] = [random.below(accounts), random.below(accounts)];
    const part = random.below((money[from] ?? 0) + 1);
    for (
      const sql of [
        // What was read is written, not what is there.
        `UPDATE tx_bank SET money = ${(money[from] ?? 0) - part} WHERE id = ${from}`,
        `UPDATE tx_bank SET money = money + ${part} WHERE id = ${to}`,
      ]
    ) rowsOf((await calls.run(tx, [sql]))[0], "the bank");
  }
}

function append(key: number, value: number): string {
  return `UPDATE tx_lists SET list = list || ' ${value}' WHERE key = ${key}`;
}

function read(key: number): string {
  return `SELECT key, list FROM tx_lists WHERE key = ${key}`;
}

function valuesIn(list: unknown): number[] {
  return String(list).split(" ").filter((value) => value !== "").map(Number);
}

function rowsOf(
  answer: StatementAnswer | undefined,
  name: string,
): readonly (readonly unknown[])[] {
  if (answer?.error !== undefined) throw new Error(`${name}: ${answer.error}`);
  return answer?.values ?? [];
}
