import { type Cycle, type Dependency, DependencyGraph } from "./dependency_graph.ts";

/** One thing that a transaction did to a list, as its client saw it. Values are appended once each. */
export type MicroOperation =
  | { readonly kind: "append"; readonly key: number; readonly value: number }
  | { readonly kind: "read"; readonly key: number; readonly seen: readonly number[] };

/** A transaction as its client saw it. Times count calls and answers, so that none are equal. */
export interface SeenTransaction {
  readonly name: string;
  readonly operations: readonly MicroOperation[];
  /** "unknown": the commit may take effect at any time from its call on, or never. */
  outcome: "committed" | "aborted" | "unknown";
  readonly invokedAt: number;
  /** Infinity while there is no answer. */
  returnedAt: number;
}

/** What cannot be in a history of transactions that are strictly serializable. */
export interface Anomaly {
  /** Elle's name for it, where that has one. */
  readonly name: string;
  readonly text: string;
}

type Lists = ReadonlyMap<number, readonly number[]>;

/**
 * What is wrong with a history of transactions that read lists and append to them, by the names of
 * Adya (1999) and Elle (Kingsbury and Alvaro 2020), beside the lists that the database ended with.
 *
 * Each value is appended once, so a list tells in which order its appends were: who wrote behind
 * whom (ww), who read whose write (wr), and who overwrote what whom had read (rw) is known, and is
 * not guessed. A history that is serializable has no cycle of these; one that is strictly so, none
 * with what had ended before another began, either. All of it takes time as the history is long.
 *
 * Transactions that were aborted are held to the same in what they had read by then: whoever sees
 * what cannot be goes wrong before it is told so.
 */
export function anomaliesIn(transactions: readonly SeenTransaction[], final: Lists): Anomaly[] {
  return new Checker(transactions, final).anomalies();
}

interface Write {
  readonly by: SeenTransaction;
  readonly key: number;
  /** It is the last that its transaction has appended there. */
  readonly last: boolean;
}

/** What a transaction found of a list before its own appends. */
interface ExternalRead {
  readonly by: SeenTransaction;
  readonly key: number;
  readonly seen: readonly number[];
}

class Checker {
  readonly #transactions: readonly SeenTransaction[];
  readonly #final: Lists;
  readonly #writes = new Map<number, Write>();
  readonly #found: Anomaly[] = [];

  constructor(transactions: readonly SeenTransaction[], final: Lists) {
    this.#final = final;
    for (const by of transactions) {
      const last = new Map<number, number>();
      for (const one of by.operations) if (one.kind === "append") last.set(one.key, one.value);
      for (const one of by.operations) {
        if (one.kind !== "append") continue;
        if (this.#writes.has(one.value)) throw new Error(`${one.value} is appended twice`);
        this.#writes.set(one.value, { by, key: one.key, last: last.get(one.key) === one.value });
      }
    }
    this.#transactions = transactions.map((one) => this.#settled(one));
    for (const by of this.#transactions) {
      for (const one of by.operations) {
        const write = one.kind === "append" ? this.#writes.get(one.value) : undefined;
        if (one.kind === "append" && write) this.#writes.set(one.value, { ...write, by });
      }
    }
  }

  /** One whose outcome is unknown was committed if anything of it is there. */
  #settled(transaction: SeenTransaction): SeenTransaction {
    if (transaction.outcome !== "unknown") return transaction;
    const isThere = transaction.operations.some((one) =>
      one.kind === "append" && (this.#final.get(one.key) ?? []).includes(one.value)
    );
    return { ...transaction, outcome: isThere ? "committed" : "aborted", returnedAt: Infinity };
  }

  #note(name: string, text: string): void {
    this.#found.push({ name, text });
  }

  anomalies(): Anomaly[] {
    this.#checkFinal();
    const reads = this.#transactions.flatMap((one) => this.#externalReads(one));
    const sound = reads.filter((read) => this.#checkRead(read));
    this.#findLostUpdates(sound);
    const graph = this.#graph(sound);
    const cycles = graph.cycles(["ww", "wr", "rw"]);
    for (const cycle of cycles) this.#noteCycle(cycle, "");
    if (cycles.length === 0) {
      for (const cycle of graph.cycles(["ww", "wr", "rw", "rt"])) {
        this.#noteCycle(cycle, "-realtime");
      }
    }
    return this.#found;
  }

  /** The lists at the end have what was committed, once each, and nothing else. */
  #checkFinal(): void {
    for (const [key, list] of this.#final) {
      const there = new Set<number>();
      for (const value of list) {
        const write = this.#writes.get(value);
        if (there.has(value)) this.#note("duplicate append", `${value} is in list ${key} twice`);
        there.add(value);
        if (write === undefined || write.key !== key) {
          this.#note("phantom append", `list ${key} has ${value}, which nobody appended to it`);
        } else if (write.by.outcome === "aborted") {
          this.#note("G1a", `list ${key} ends with ${value} of ${write.by.name}, aborted`);
        }
      }
    }
    for (const [value, { by, key }] of this.#writes) {
      if (by.outcome !== "committed" || (this.#final.get(key) ?? []).includes(value)) continue;
      this.#note("lost append", `${value}, which ${by.name} appended to list ${key}, is lost`);
    }
  }

  /** What a transaction read of others, once for each list; its own appends must stand behind that. */
  #externalReads(by: SeenTransaction): ExternalRead[] {
    const own = new Map<number, number[]>();
    const first = new Map<number, readonly number[]>();
    for (const one of by.operations) {
      const appended = own.get(one.key) ?? [];
      if (one.kind === "append") {
        own.set(one.key, [...appended, one.value]);
        continue;
      }
      const length = one.seen.length - appended.length;
      const seen = one.seen.slice(0, Math.max(0, length));
      const before = first.get(one.key) ?? seen;
      if (!isSame([...before, ...appended], one.seen)) {
        this.#note(
          "internal",
          `${by.name} saw list ${one.key} as [${one.seen}], which was ` +
            `[${before}] to it before it appended [${appended}]`,
        );
      }
      first.set(one.key, before);
    }
    return [...first].map(([key, seen]) => ({ by, key, seen }));
  }

  /** Whether a read saw a list as it was once. */
  #checkRead({ by, key, seen }: ExternalRead): boolean {
    const final = this.#final.get(key) ?? [];
    let isSound = true;
    const wrong = (name: string, text: string) => {
      this.#note(name, `${by.name} saw ${text} in list ${key}`);
      isSound = false;
    };
    for (const value of seen) {
      const write = this.#writes.get(value);
      if (write?.by.outcome === "aborted") wrong("G1a", `${value} of ${write.by.name}, aborted,`);
    }
    const lastValue = seen[seen.length - 1];
    const last = lastValue === undefined ? undefined : this.#writes.get(lastValue);
    if (last !== undefined && !last.last && last.by !== by) {
      wrong("G1b", `${lastValue} as the last, on which ${last.by.name} had not ended`);
    }
    if (isSound && !isSame(seen, final.slice(0, seen.length))) {
      wrong("incompatible order", `[${seen}], of what became [${final}],`);
    }
    return isSound;
  }

  /** Two that have read the same of a list, and both written it: one has not seen the other. */
  #findLostUpdates(reads: readonly ExternalRead[]): void {
    const updates = new Map<string, SeenTransaction>();
    for (const { by, key, seen } of reads) {
      const writes = by.operations.some((one) => one.kind === "append" && one.key === key);
      if (by.outcome !== "committed" || !writes) continue;
      const version = `${key} ${seen.length}`;
      const other = updates.get(version);
      if (other === undefined) updates.set(version, by);
      else {
        this.#note(
          "lost update",
          `${other.name} and ${by.name} both wrote list ${key} on top of [${seen}]`,
        );
      }
    }
  }

  #graph(reads: readonly ExternalRead[]): DependencyGraph {
    const graph = new DependencyGraph(this.#transactions);
    const link = (
      from: SeenTransaction | undefined,
      to: SeenTransaction | undefined,
      type: Dependency,
    ) => {
      if (from !== undefined && to !== undefined && from !== to) graph.add(from, to, type);
    };
    const writer = (value: number | undefined) =>
      value === undefined ? undefined : this.#writes.get(value)?.by;
    for (const list of this.#final.values()) {
      list.forEach((value, at) => link(writer(value), writer(list[at + 1]), "ww"));
    }
    for (const { by, key, seen } of reads) {
      const list = this.#final.get(key) ?? [];
      link(writer(seen[seen.length - 1]), by, "wr");
      link(by, writer(list[seen.length]), "rw");
    }
    return graph;
  }

  #noteCycle(cycle: Cycle, suffix: string): void {
    const text = cycle.map(({ from, type }) => `${from} -${type}->`).join(" ") +
      ` ${cycle[0]?.from}`;
    this.#note(nameOf(cycle) + suffix, text);
    const special = specialNameOf(cycle);
    if (special !== undefined && suffix === "") this.#note(special, text);
  }
}

/** By the kinds of dependency in it. */
function nameOf(cycle: Cycle): string {
  const count = (type: Dependency) => cycle.filter((one) => one.type === type).length;
  if (count("rw") > 1) return "G2";
  if (count("rw") === 1) return "G-single";
  return count("wr") > 0 ? "G1c" : "G0";
}

function specialNameOf(cycle: Cycle): string | undefined {
  const types = cycle.map(({ type }) => type);
  if (types.length === 2 && types.every((type) => type === "rw")) return "write skew";
  const alternates = types.length === 4 && types[0] === types[2] && types[1] === types[3];
  return alternates && types.includes("rw") && types.includes("wr") ? "long fork" : undefined;
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
