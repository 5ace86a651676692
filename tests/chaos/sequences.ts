import { RequestFailed, run } from "./request.ts";
import type { FinalRead, Site, Workload, WorkloadParts } from "./workload.ts";

interface Draw {
  readonly what: "ticket" | "counter";
  readonly name: number;
  readonly invokedAt: number;
  returnedAt: number;
  /** What was answered; undefined when nothing was. */
  number: number | undefined;
  isRefused: boolean;
}

/**
 * Numbers that are given out, as the row ids of a table and by a counter: none twice, and later ones
 * to who asked later.
 */
export class Sequences implements Workload {
  readonly name = "sequences";
  readonly setup = [
    "CREATE TABLE tickets (id INTEGER PRIMARY KEY AUTOINCREMENT, name INTEGER NOT NULL)",
    "CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)",
    "INSERT INTO counters VALUES (1, 0)",
  ];
  readonly clients = 2;
  readonly #parts: WorkloadParts;
  readonly #draws: Draw[] = [];

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
  }

  async once({ home, random }: Site): Promise<void> {
    const { moment, report } = this.#parts;
    const what = random.chance(0.5) ? "ticket" : "counter";
    const name = this.#draws.length + 1;
    const draw: Draw = {
      ...{ what, name, invokedAt: moment(), returnedAt: Infinity },
      ...{ number: undefined, isRefused: false },
    };
    this.#draws.push(draw);
    try {
      const { results: [result] } = what === "ticket"
        ? await run(home, "/db/execute?timeout=3s", [[
          "INSERT INTO tickets (name) VALUES (?)",
          name,
        ]])
        : await run(home, "/db/request?timeout=3s", [
          "UPDATE counters SET n = n + 1 WHERE id = 1 RETURNING n",
        ]);
      if (result?.error !== undefined) throw new Error(`A ${what}: ${result.error}`);
      const number = what === "ticket" ? result?.last_insert_id : result?.values?.[0]?.[0];
      if (typeof number !== "number") {
        report.violation("Sequences", `A ${what} has no number: ${JSON.stringify(result)}`);
        return;
      }
      draw.number = number;
      draw.returnedAt = moment();
      report.count(`${what}s`);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      draw.isRefused = error.outcome === "refused";
      report.count(`${what}s ${error.outcome}`);
    }
  }

  async check(read: FinalRead): Promise<void> {
    const { report } = this.#parts;
    for (const what of ["ticket", "counter"] as const) {
      const draws = this.#draws.filter((draw) => draw.what === what);
      this.#checkOrder(what, draws.filter(({ number }) => number !== undefined));
    }
    const holders = new Map<number, number>();
    const named = new Set<number>();
    for (const [id, name] of await read("SELECT id, name FROM tickets")) {
      if (named.has(Number(name))) {
        report.violation("Sequences", `ticket ${id} is the second of ${name}`);
      }
      named.add(Number(name));
      holders.set(Number(id), Number(name));
    }
    for (const { what, name, number } of this.#draws) {
      if (what !== "ticket" || number === undefined || holders.get(number) === name) continue;
      const other = holders.get(number);
      report.violation("Sequences", `ticket ${number} of ${name} is that of ${other}`);
    }
    const counted = this.#draws.filter(({ what }) => what === "counter");
    const least = counted.filter(({ number }) => number !== undefined).length;
    const most = counted.filter(({ isRefused }) => !isRefused).length;
    const n = Number((await read("SELECT n FROM counters"))[0]?.[0]);
    if (n < least || n > most) {
      report.violation("Sequences", `the counter is ${n}, and not between ${least} and ${most}`);
    }
  }

  /** Who had got a number before another asked has a smaller one. */
  #checkOrder(what: string, draws: readonly Draw[]): void {
    const byCall = draws.toSorted((a, b) => a.invokedAt - b.invokedAt);
    const byAnswer = draws.toSorted((a, b) => a.returnedAt - b.returnedAt);
    const seen = new Set<number>();
    let largest: Draw | undefined;
    let next = 0;
    for (const draw of byCall) {
      for (; (byAnswer[next]?.returnedAt ?? Infinity) < draw.invokedAt; next++) {
        const answered = byAnswer[next];
        if ((answered?.number ?? 0) > (largest?.number ?? 0)) largest = answered;
      }
      const number = draw.number ?? 0;
      if (seen.has(number) || number <= (largest?.number ?? 0)) {
        this.#parts.report.violation(
          "Sequences",
          `${what} ${number} was given to ${draw.name}, after ${largest?.number}`,
        );
      }
      seen.add(number);
    }
  }

  get history(): unknown {
    return this.#draws;
  }
}
