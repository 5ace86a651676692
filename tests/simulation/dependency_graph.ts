/** Why one transaction comes before another: it wrote before, was read by, read before; or had ended. */
export type Dependency = "ww" | "wr" | "rw" | "rt";

export type Cycle = readonly { readonly from: string; readonly type: Dependency }[];

interface Node {
  readonly name: string;
  readonly invokedAt: number;
  readonly returnedAt: number;
}

interface Edge {
  readonly to: number;
  readonly type: Dependency;
}

/** What the next edge of a path may be: more than one rw makes a cycle another one. */
type Types = readonly Dependency[];

/**
 * Which transactions come before which. What had ended before another began does so by way of a
 * chain of moments, so that the graph stays as small as the history.
 */
export class DependencyGraph {
  readonly #names: string[] = [];
  readonly #numbers = new Map<Node, number>();
  readonly #edges: Edge[][] = [];
  readonly #transactions: number;

  constructor(transactions: readonly Node[]) {
    for (const transaction of transactions) {
      this.#numbers.set(transaction, this.#new(transaction.name));
    }
    this.#transactions = transactions.length;
    this.#addMoments(transactions);
  }

  #new(name: string): number {
    this.#edges.push([]);
    return this.#names.push(name) - 1;
  }

  #addMoments(transactions: readonly Node[]): void {
    const events = transactions.flatMap((one) => [
      { at: one.invokedAt, one, begins: true },
      ...(one.returnedAt === Infinity ? [] : [{ at: one.returnedAt, one, begins: false }]),
    ]).sort((a, b) => a.at - b.at);
    let last: number | undefined;
    for (const { one, begins } of events) {
      const number = this.#number(one);
      if (begins) {
        if (last !== undefined) this.#edges[last]?.push({ to: number, type: "rt" });
        continue;
      }
      const moment = this.#new("");
      if (last !== undefined) this.#edges[last]?.push({ to: moment, type: "rt" });
      this.#edges[number]?.push({ to: moment, type: "rt" });
      last = moment;
    }
  }

  #number(node: Node): number {
    const number = this.#numbers.get(node);
    if (number === undefined) throw new Error(`${node.name} is none of the graph's`);
    return number;
  }

  add(from: Node, to: Node, type: Dependency): void {
    this.#edges[this.#number(from)]?.push({ to: this.#number(to), type });
  }

  /**
   * A short cycle for each kind that there is, and for each set of transactions that it ties: of
   * ww alone, with wr, with one rw, with more; of edges of these types, and with each of them.
   */
  cycles(types: Types): Cycle[] {
    const others = types.filter((type) => type !== "rw");
    const found: Cycle[] = [];
    const tied = new Set<string>();
    const search = (first: Types, rest: Types) => {
      for (const [from, edge] of this.#all(first)) {
        const back = this.#path(edge.to, from, rest);
        if (back === undefined) continue;
        const path = [{ from, type: edge.type }, ...back];
        const names = path.map(({ from }) => from).filter((at) => at < this.#transactions);
        const set = names.sort((a, b) => a - b).join();
        if (tied.has(set)) continue;
        tied.add(set);
        found.push(this.#named(path));
      }
    };
    const plain = types.filter((type) => type === "ww" || type === "rt");
    search(["ww"], plain);
    search(["wr"], others);
    search(["rw"], others);
    search(["rw"], types);
    return found;
  }

  *#all(types: Types): Generator<[number, Edge]> {
    for (const [from, edges] of this.#edges.entries()) {
      for (const edge of edges) if (types.includes(edge.type)) yield [from, edge];
    }
  }

  /** The shortest way along edges of these types. */
  #path(from: number, to: number, types: Types): { from: number; type: Dependency }[] | undefined {
    const before = new Map<number, { readonly from: number; readonly type: Dependency }>();
    let reached = [from];
    const seen = new Set(reached);
    while (reached.length > 0 && !seen.has(to)) {
      const next: number[] = [];
      for (const at of reached) {
        for (const edge of this.#edges[at] ?? []) {
          if (!types.includes(edge.type) || seen.has(edge.to)) continue;
          seen.add(edge.to);
          before.set(edge.to, { from: at, type: edge.type });
          next.push(edge.to);
        }
      }
      reached = next;
    }
    if (!seen.has(to)) return undefined;
    const path: { from: number; type: Dependency }[] = [];
    for (let at = to; at !== from;) {
      const step = before.get(at);
      if (step === undefined) break;
      path.unshift(step);
      at = step.from;
    }
    return path;
  }

  /** Without the moments: from what had ended to what began then is one step. */
  #named(path: readonly { readonly from: number; readonly type: Dependency }[]): Cycle {
    return path.filter(({ from }) => from < this.#transactions)
      .map(({ from, type }) => ({ from: this.#names[from] ?? "", type }));
  }
}
