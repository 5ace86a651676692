import { RequestFailed, rows, run } from "./request.ts";
import type { FinalRead, Site, Workload, WorkloadParts } from "./workload.ts";

const accounts = 8;
const moneyEach = 100;

/** What all accounts have together, at any moment. */
export const allMoney = accounts * moneyEach;

const levels = ["none", "weak", "linearizable", "strong"] as const;

/** Money that is moved by requests of two statements: nobody ever sees one of them alone. */
export class Bank implements Workload {
  readonly name = "bank";
  readonly setup = [
    "CREATE TABLE bank (id INTEGER PRIMARY KEY, money INTEGER NOT NULL CHECK (money >= 0))",
    ...Array.from({ length: accounts }, (_, id) => `INSERT INTO bank VALUES (${id}, ${moneyEach})`),
  ];
  readonly clients = 2;
  readonly #parts: WorkloadParts;
  readonly #seen: { readonly level: string; readonly node: string; readonly total: number }[] = [];

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
  }

  async once({ home, random }: Site): Promise<void> {
    const { report } = this.#parts;
    if (random.chance(0.5)) {
      const level = levels[random.below(levels.length)] ?? "none";
      const { values } = await rows(home, level, "SELECT sum(money) FROM bank");
      this.#note(level, home.id, Number(values[0]?.[0]));
      report.count(`bank reads ${level}`);
      return;
    }
    const money = random.below(30);
    try {
      const { results } = await run(home, "/db/execute?transaction&timeout=3s", [
        ["UPDATE bank SET money = money + ? WHERE id = ?", money, random.below(accounts)],
        ["UPDATE bank SET money = money - ? WHERE id = ?", money, random.below(accounts)],
      ]);
      const error = results.find(({ error }) => error !== undefined)?.error;
      if (error !== undefined && !/CHECK constraint/.test(error)) throw new Error(`Bank: ${error}`);
      report.count(error === undefined ? "money moved" : "money not there");
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      report.count(`money moved, ${error.outcome}`);
    }
  }

  #note(level: string, node: string, total: number): void {
    this.#seen.push({ level, node, total });
    if (total === allMoney) return;
    this.#parts.report.violation("Bank", `${node} showed ${total} at level ${level}`);
  }

  async check(read: FinalRead): Promise<void> {
    this.#note("none", "everyone", Number((await read("SELECT sum(money) FROM bank"))[0]?.[0]));
  }

  get history(): unknown {
    return this.#seen;
  }
}
