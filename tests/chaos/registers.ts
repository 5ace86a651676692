import { judge, type RegisterOperation, unwritten } from "./linearizable.ts";
import { RequestFailed, rows, run } from "./request.ts";
import type { Site, Workload, WorkloadParts } from "./workload.ts";

/** So many operations are done to one register, that the search for an order is short. */
const operationsEach = 150;
/** Registers that are in use at the same time. */
const together = 2;

/** Registers that are read, written, and swapped when they have the value that one takes them to have. */
export class Registers implements Workload {
  readonly name = "registers";
  readonly setup = ["CREATE TABLE registers (key INTEGER PRIMARY KEY, value INTEGER NOT NULL)"];
  readonly clients = 4;
  readonly #parts: WorkloadParts;
  readonly #operations = new Map<number, RegisterOperation[]>();
  /** What was seen at level none, which may be old. */
  readonly #old: { readonly key: number; readonly seen: number; readonly returnedAt: number }[] =
    [];
  readonly #known = new Map<string, number>();
  #begun = 0;
  #lastValue = unwritten;

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
  }

  async once({ home, random }: Site, client: number): Promise<void> {
    const window = Math.floor(this.#begun++ / (operationsEach * together));
    const key = window * together + random.below(together);
    const draw = random.below(10);
    if (draw < 3) await this.#write(home, key, client);
    else if (draw < 5) await this.#swap(home, key, client);
    else {
      const levels = ["linearizable", "linearizable", "weak", "strong", "none"] as const;
      await this.#read(home, key, client, levels[random.below(levels.length)] ?? "none");
    }
  }

  #note(key: number, operation: RegisterOperation): void {
    const list = this.#operations.get(key) ?? [];
    this.#operations.set(key, list);
    list.push(operation);
    const known = operation.action;
    const value = known.kind === "read"
      ? known.seen
      : known.kind === "write"
      ? known.value
      : known.to;
    this.#known.set(`${key} ${operation.client}`, value);
  }

  async #write(home: Site["home"], key: number, client: number): Promise<void> {
    const { moment, report } = this.#parts;
    const value = ++this.#lastValue;
    const invokedAt = moment();
    let returnedAt = Infinity;
    const sql = "INSERT INTO registers VALUES (?, ?) " +
      "ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    try {
      const { results: [result] } = await run(home, "/db/execute?timeout=3s", [[sql, key, value]]);
      if (result?.error !== undefined) throw new Error(`Register ${key}: ${result.error}`);
      returnedAt = moment();
      report.count("register writes");
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      if (error.outcome === "refused") return;
      report.count("register writes of unknown fate");
    }
    this.#note(key, { client, action: { kind: "write", value }, invokedAt, returnedAt });
  }

  async #swap(home: Site["home"], key: number, client: number): Promise<void> {
    const { moment, report } = this.#parts;
    const from = this.#known.get(`${key} ${client}`) ?? unwritten;
    if (from === unwritten) return;
    const to = ++this.#lastValue;
    const invokedAt = moment();
    let returnedAt = Infinity;
    let done: boolean | undefined;
    const sql = "UPDATE registers SET value = ? WHERE key = ? AND value = ?";
    try {
      const { results: [result] } = await run(home, "/db/execute?timeout=3s", [
        [sql, to, key, from],
      ]);
      if (result?.error !== undefined) throw new Error(`Register ${key}: ${result.error}`);
      returnedAt = moment();
      done = (result?.rows_affected ?? 0) === 1;
      report.count("register swaps");
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      if (error.outcome === "refused") return;
      report.count("register swaps of unknown fate");
    }
    this.#note(key, { client, action: { kind: "swap", from, to, done }, invokedAt, returnedAt });
  }

  async #read(
    home: Site["home"],
    key: number,
    client: number,
    level: "none" | "weak" | "linearizable" | "strong",
  ): Promise<void> {
    const { moment, report } = this.#parts;
    const invokedAt = moment();
    const sql = "SELECT value FROM registers WHERE key = ?";
    const { values: [row] } = await rows(home, level, [sql, key]);
    const returnedAt = moment();
    const seen = Number(row?.[0] ?? unwritten);
    report.count(`register reads ${level}`);
    if (level === "none") this.#old.push({ key, seen, returnedAt });
    else this.#note(key, { client, action: { kind: "read", seen }, invokedAt, returnedAt });
  }

  check(): Promise<void> {
    const { report } = this.#parts;
    for (const [key, operations] of this.#operations) {
      const verdict = judge(operations);
      report.count(`registers ${verdict}`);
      if (verdict === "not linearizable") {
        report.violation("Linearizability", `register ${key} of the history is not`);
      }
    }
    this.#checkOld();
    return Promise.resolve();
  }

  /** Whatever is old was once new: somebody had asked for it to be written. */
  #checkOld(): void {
    const asked = new Map<number, number>();
    for (const operations of this.#operations.values()) {
      for (const { action, invokedAt } of operations) {
        if (action.kind === "write") asked.set(action.value, invokedAt);
        if (action.kind === "swap") asked.set(action.to, invokedAt);
      }
    }
    for (const { key, seen, returnedAt } of this.#old) {
      if (seen === unwritten || (asked.get(seen) ?? Infinity) < returnedAt) continue;
      this.#parts.report.violation(
        "Reads at none",
        `register ${key} was seen to be ${seen}, which nobody had asked for`,
      );
    }
  }

  get history(): unknown {
    return { operations: Object.fromEntries(this.#operations), old: this.#old };
  }
}
