import type { Prng } from "../../src/base/prng.ts";

/**
 * What users of some tables need rights to, told by how SQL was put together and not by SQLite: a
 * model of the rules in docs/security.md, over random schemas and statements.
 */

const plainTables = ["t0", "t1", "t2", "t3"];
/** w0 is WITHOUT ROWID, c0 refers to p0, f0 is of FTS5. */
export const tables = [...plainTables, "w0", "p0", "c0", "f0"];
const views = ["v0", "v1", "v2"];
/** What tables can be renamed to, and made as. */
const free = "u0";
export const names = [...tables, ...views, free];

/** Of these a row's value decides what else can be written. */
export const keyedTables: ReadonlySet<string> = new Set(["w0", "p0", "c0"]);

/** SQL with the tables and views that its user must be able to read and to write. */
export interface Asked {
  readonly sql: string;
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  /** Takes back what it does to the schema. */
  readonly undo?: string;
}

type Query = Pick<Asked, "sql" | "reads">;

const nothing: ReadonlySet<string> = new Set();

/** A name as SQL may write it. */
function written(random: Prng, name: string): string {
  return random.pick([name, name.toUpperCase(), `"${name}"`, `main.[${name}]`]);
}

function all(...sets: readonly ReadonlySet<string>[]): Set<string> {
  return new Set(sets.flatMap((set) => [...set]));
}

export class RightsModel {
  readonly #random: Prng;
  /** What a view needs, with itself. */
  readonly #views = new Map<string, ReadonlySet<string>>();
  /** What an INSERT needs for the triggers of its table. */
  readonly #triggers = new Map<string, Asked[]>();
  readonly schema: readonly string[];

  constructor(random: Prng) {
    this.#random = random;
    this.schema = this.#drawSchema();
  }

  #drawSchema(): string[] {
    const random = this.#random;
    const schema = plainTables.map((name) => `CREATE TABLE ${name} (a)`);
    schema.push(
      "CREATE TABLE w0 (a PRIMARY KEY) WITHOUT ROWID",
      "CREATE TABLE p0 (a PRIMARY KEY)",
      "CREATE TABLE c0 (a REFERENCES p0)",
      "CREATE VIRTUAL TABLE f0 USING fts5(a)",
    );
    views.forEach((view, i) => {
      const from = [...tables, ...views.slice(0, i)];
      const { sql, reads } = random.chance(0.2)
        ? { sql: "SELECT 1 AS a", reads: nothing }
        : this.#flat(from);
      this.#views.set(view, all(new Set([view]), reads));
      schema.push(`CREATE VIEW ${view} AS ${sql}`);
    });
    for (let i = 0; i < 2; i++) {
      const on = `t${random.below(3)}`;
      const fired = random.chance(0.3) ? this.#deletion("t3") : this.#copy("t3", this.#flat(names));
      this.#triggers.set(on, [...this.#triggers.get(on) ?? [], fired]);
      schema.push(`CREATE TRIGGER g${i} AFTER INSERT ON ${on} BEGIN ${fired.sql}; END`);
    }
    return schema;
  }

  /** A statement of a user's. */
  statement(): Asked {
    const random = this.#random;
    const into = random.pick(tables);
    const target = written(random, into);
    const number = random.below(9);
    const value = this.query();
    const reading = (query: Query): Asked => ({ ...query, writes: nothing });
    const insert = this.#insertion(into, "one");
    const returning = this.#insertion(into, "many");
    return random.pick([
      () => reading(value),
      () => ({ ...insert, sql: `INSERT INTO ${target} (a) VALUES (${number})` }),
      () => ({
        ...returning,
        sql: `INSERT INTO ${target} (a) VALUES (${number}) RETURNING (${value.sql} LIMIT 1)`,
        reads: all(returning.reads, value.reads),
      }),
      () => ({
        ...returning,
        sql: `INSERT INTO ${target} (a) VALUES (${number}) RETURNING a`,
        reads: all(returning.reads, new Set([into])),
      }),
      () => this.#copy(target, value, into),
      () => {
        // SQLite may copy it without reading its columns one by one.
        const [from, reads] = this.#relation();
        return this.#copy(target, { sql: `SELECT * FROM ${from}`, reads }, into, "");
      },
      () => {
        const { reads, writes } = this.#update(into);
        const sql = `UPDATE ${target} SET a = (${value.sql} LIMIT 1)`;
        return { sql, reads: all(reads, value.reads), writes };
      },
      () => {
        const { reads, writes } = this.#update(into);
        const sql = `UPDATE ${target} SET a = ${number} WHERE a = ${random.below(9)}`;
        return { sql, reads: all(reads, new Set([into])), writes };
      },
      () => {
        const { reads, writes } = this.#deletion(into);
        const sql = `DELETE FROM ${target} WHERE EXISTS (${value.sql})`;
        const own = new Set(into === "w0" ? [into] : []);
        return { sql, reads: all(reads, value.reads, own), writes };
      },
      () => ({ ...this.#deletion(into), sql: `DELETE FROM ${target}` }),
      () => reading({ ...value, sql: `EXPLAIN QUERY PLAN ${value.sql}` }),
      () => this.#rename(random.pick(plainTables)),
      () => ({
        sql: `CREATE TABLE ${free} (a REFERENCES ${written(random, into).replace("main.", "")})`,
        reads: nothing,
        writes: new Set([free, into]),
        undo: `DROP TABLE ${free}`,
      }),
    ])();
  }

  #rename(table: string): Asked {
    const to = this.#random.pick([free, `"${free}"`, `[${free}]`, `'${free}'`]);
    return {
      sql: `ALTER TABLE ${written(this.#random, table)} RENAME TO ${to}`,
      reads: new Set([table]),
      writes: new Set([table, free]),
      undo: `ALTER TABLE ${free} RENAME TO ${table}`,
    };
  }

  query(depth = 2): Query {
    if (depth === 0) return this.#flat(names);
    const random = this.#random;
    const inner = () => this.query(depth - 1);
    const [from, reads] = this.#relation();
    const over = (query: Query, sql: (inner: string) => string): Query => ({
      sql: sql(query.sql),
      reads: query.reads,
    });
    return random.pick([
      () => this.#flat(names),
      () => ({ sql: `SELECT count(*) FROM ${from}`, reads }),
      () => {
        const query = inner();
        return {
          sql: `SELECT a FROM ${from} WHERE a IN (${query.sql})`,
          reads: all(reads, query.reads),
        };
      },
      () => over(inner(), (sql) => `SELECT 1 WHERE (${sql} LIMIT 1) IS NOT 3`),
      () => over(inner(), (sql) => `WITH c AS (${sql}) SELECT * FROM c`),
      () => over(inner(), (sql) => `SELECT count(*) FROM (${sql})`),
      () => over(inner(), (sql) => `SELECT 1 WHERE EXISTS (${sql})`),
      () => {
        const [one, two] = [this.#flat(names), this.#flat(names)];
        return { sql: `${one.sql} UNION ${two.sql}`, reads: all(one.reads, two.reads) };
      },
    ])();
  }

  /** One table or two that are joined in some way, of which column a is read. */
  #flat(from: readonly string[]): Query {
    const random = this.#random;
    const [one, ofOne] = this.#relation(from);
    const [two, ofTwo] = this.#relation(from);
    const single = (sql: string): Query => ({ sql, reads: ofOne });
    const both = (sql: string): Query => ({ sql, reads: all(ofOne, ofTwo) });
    const how = random.pick(["", "LEFT", "RIGHT", "FULL"]);
    return random.pick([
      () => single(`SELECT a FROM ${one}`),
      () => single(`SELECT a FROM (SELECT 1 AS a) FULL JOIN ${one} USING (a)`),
      () => single(`SELECT a FROM ${one} NATURAL RIGHT JOIN (SELECT 777 AS a)`),
      () => both(`SELECT x.a FROM ${one} x, ${two} y WHERE x.a = y.a`),
      () => both(`SELECT a FROM ${one} x JOIN ${two} y USING (a)`),
      () => both(`SELECT 1 AS a FROM ${one} x NATURAL JOIN ${two} y`),
      // What is joined to what may be left out where it decides nothing.
      () => both(`SELECT coalesce(a, 0) + y.a AS a FROM ${one} x ${how} JOIN ${two} y USING (a)`),
      () => both(`SELECT a FROM (SELECT a FROM ${one}) NATURAL FULL JOIN ${two}`),
    ])();
  }

  #relation(from: readonly string[] = names): [string, ReadonlySet<string>] {
    const name = this.#random.pick(from.filter((one) => one !== free));
    return [written(this.#random, name), this.#views.get(name) ?? new Set([name])];
  }

  #copy(target: string, from: Query, into = target, columns = " (a)"): Asked {
    const { reads, writes } = this.#insertion(into, "many");
    return {
      sql: `INSERT INTO ${target}${columns} ${from.sql}`,
      reads: all(reads, from.reads),
      writes,
    };
  }

  /**
   * Without SQL. Many rows, as also those of RETURNING and of a trigger, may be wrong while the
   * statement runs: SQLite then looks for children of each.
   */
  #insertion(into: string, rows: "one" | "many"): Asked {
    const fired = this.#triggers.get(into) ?? [];
    const keys = into === "c0" ? ["p0"] : into === "p0" && rows === "many" ? ["c0"] : [];
    return {
      sql: "",
      reads: all(new Set(keys), ...fired.map(({ reads }) => reads)),
      writes: all(new Set([into]), ...fired.map(({ writes }) => writes)),
    };
  }

  #deletion(from: string): Asked {
    const reads = new Set(from === "p0" ? ["c0"] : from === "c0" ? ["p0"] : []);
    return { sql: `DELETE FROM ${from}`, reads, writes: new Set([from]) };
  }

  #update(table: string): Asked {
    const needed: Readonly<Record<string, string[]>> = { c0: ["p0"], p0: ["c0"], w0: ["w0"] };
    return { sql: "", reads: new Set(needed[table]), writes: new Set([table]) };
  }
}
