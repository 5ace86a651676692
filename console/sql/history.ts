/** A text that was run, or kept under a name. Parameters' values are never kept. */
export interface KeptQuery {
  readonly sql: string;
  readonly name?: string;
}

const historyMax = 50;
const savedMax = 200;
/** Longer ones are not remembered. */
const sqlLengthMax = 20_000;

class Shelf {
  constructor(readonly key: string, readonly max: number) {}

  get all(): readonly KeptQuery[] {
    try {
      const found: unknown = JSON.parse(localStorage.getItem(this.key) ?? "[]");
      return Array.isArray(found)
        ? found.filter((each) => typeof each?.sql === "string").slice(
          0,
          this.max,
        )
        : [];
    } catch {
      return [];
    }
  }

  /** Puts one in front; the same SQL, or name, is there once only. */
  add(query: KeptQuery): void {
    if (query.sql.length > sqlLengthMax) return;
    this.set([query, ...this.all.filter((each) => !isSame(each, query))]);
  }

  remove(query: KeptQuery): void {
    this.set(this.all.filter((each) => !isSame(each, query)));
  }

  clear(): void {
    this.set([]);
  }

  private set(queries: readonly KeptQuery[]): void {
    try {
      localStorage.setItem(
        this.key,
        JSON.stringify(queries.slice(0, this.max)),
      );
    } catch {
      // There is no room, or no storage: nothing is remembered.
    }
  }
}

function isSame(one: KeptQuery, other: KeptQuery): boolean {
  return one.name === undefined ? one.sql === other.sql : one.name === other.name;
}

export const history = new Shelf("raftlite.history", historyMax);
export const saved = new Shelf("raftlite.saved", savedMax);
