import { Prng } from "../../src/base/prng.ts";
import { oddNames, quotedName, RandomSql } from "./random_sql.ts";
import { RandomVirtualTables } from "./random_virtual_tables.ts";

/** Draws the statements of a database: every clause of CREATE TABLE, virtual tables, rows, and what edits them. */
export function randomSchema(seed: bigint): string[] {
  return new RandomSchema(new Prng(seed)).statements();
}

interface Column {
  readonly name: string;
  readonly generated: boolean;
  /** Takes small integers only: the largest row id is refused by raftlite. */
  readonly isKey: boolean;
}

interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly withoutRowId: boolean;
}

/** Names of shadow tables, which DEFENSIVE lets no trigger have or write: a load refuses such by name. */
const shadowLike = /_(?:content|stat|node)/i;

const types = [
  "",
  "",
  "INTEGER",
  "INT",
  "REAL",
  "TEXT",
  "BLOB",
  "NUMERIC",
  "VARCHAR(10)",
  "DOUBLE PRECISION",
  "DATE",
];
const strictTypes = ["INTEGER", "INT", "REAL", "TEXT", "BLOB", "ANY"];
const conflicts = ["ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"];
const actions = ["SET NULL", "SET DEFAULT", "CASCADE", "RESTRICT", "NO ACTION"];

class RandomSchema {
  readonly #sql: RandomSql;
  readonly #tables: Table[] = [];
  readonly #views: string[] = [];

  constructor(random: Prng) {
    this.#sql = new RandomSql(random);
  }

  statements(): string[] {
    const r = this.#sql.random;
    const encoding = this.#sql.pick(["", "", "UTF-16le", "UTF-16be"]);
    this.#sql.isWide = encoding !== "";
    if (this.#sql.isWide) this.#sql.add(`PRAGMA encoding='${encoding}'`);
    // Foreign keys name tables that are yet to come, or never will.
    const planned = Array.from({ length: 1 + r.below(6) }, () => this.#sql.newName());
    for (const name of planned) this.#table(name, planned);
    if (r.chance(0.02)) this.#wideTable();
    for (const table of this.#tables) this.#rows(table);
    // Row ids that are nobody's key may be others behind it, which an index of them would not know.
    if (r.chance(0.1)) this.#sql.add("VACUUM");
    if (r.chance(0.5)) new RandomVirtualTables(this.#sql).draw();
    const count = r.below(8);
    for (let i = 0; i < count; i++) {
      const kind = r.below(4);
      if (kind === 0) this.#index();
      else if (kind === 1) this.#view();
      else if (kind === 2) this.#trigger();
      else this.#alteration();
    }
    this.#ending();
    return this.#sql.statements;
  }

  #table(name: string, planned: readonly string[]): void {
    const r = this.#sql.random;
    const strict = r.chance(0.15);
    const withoutRowId = r.chance(0.15);
    const count = 1 + r.below(6);
    const columnNames = new Set<string>();
    while (columnNames.size < count) columnNames.add(this.#sql.pick(oddNames).toLowerCase());
    const names = [...columnNames];
    const key = withoutRowId ? 2 + r.below(2) : r.below(6);
    const columns: Column[] = [];
    const definitions = names.map((column, i) => {
      const generated = i > 0 && r.chance(0.12);
      const isKey = i === 0 && key >= 1 && key <= 2 && !generated;
      columns.push({ name: column, generated, isKey });
      const type = isKey && r.chance(0.8)
        ? "INTEGER"
        : this.#sql.pick(strict ? strictTypes : types);
      return [
        this.#sql.name(column),
        type,
        ...(isKey ? this.#primaryKey(key === 1) : []),
        ...(generated ? this.#generated(names[0] ?? "") : this.#constraints(column, planned)),
      ];
    });
    if (key === 3) {
      const parts = names.filter((_, i) => !columns[i]?.generated).slice(0, 2);
      definitions.push([
        "PRIMARY",
        "KEY",
        `(${
          parts.map((part) => this.#sql.name(part) + (r.chance(0.3) ? " DESC" : "")).join(", ")
        })`,
      ]);
    }
    if (r.chance(0.2)) {
      definitions.push([
        "CONSTRAINT",
        this.#sql.name("unique ;"),
        "UNIQUE",
        `(${this.#sql.name(names[0] ?? "")})`,
      ]);
    }
    if (r.chance(0.2)) {
      definitions.push(["CHECK", `(${quotedName(names[0] ?? "")} IS NOT 'never; -- /*')`]);
    }
    if (r.chance(0.3)) {
      definitions.push([
        "FOREIGN",
        "KEY",
        `(${this.#sql.name(names[0] ?? "")})`,
        ...this.#references(planned),
      ]);
    }
    const options = [strict ? "STRICT" : "", withoutRowId ? "WITHOUT ROWID" : ""].filter((o) =>
      o !== ""
    );
    const body = definitions.flatMap((definition, i) =>
      i === 0 ? definition : [",", ...definition]
    );
    this.#sql.add(
      this.#sql.join(
        ["CREATE", "TABLE", this.#sql.name(name), "(", ...body, ")", options.join(", ")],
        options.length > 0,
      ),
    );
    this.#tables.push({ name, columns, withoutRowId });
  }

  #primaryKey(plain: boolean): string[] {
    if (!plain) return ["PRIMARY", "KEY", ...(this.#sql.random.chance(0.2) ? ["DESC"] : [])];
    return ["PRIMARY", "KEY", ...(this.#sql.random.chance(0.6) ? ["AUTOINCREMENT"] : [])];
  }

  #generated(source: string): string[] {
    const expression = this.#sql.pick([
      `(${quotedName(source)} IS NULL) || '; x'`,
      `typeof(${quotedName(source)})`,
      "length('it''s --')",
    ]);
    return [
      this.#sql.pick(["GENERATED ALWAYS AS", "AS"]),
      `(${expression})`,
      this.#sql.pick(["STORED", "VIRTUAL", ""]),
    ];
  }

  #constraints(column: string, planned: readonly string[]): string[] {
    const r = this.#sql.random;
    const found: string[] = [];
    if (r.chance(0.1)) found.push("UNIQUE", ...this.#onConflict());
    if (r.chance(0.1)) found.push("NOT", "NULL", ...this.#onConflict());
    if (r.chance(0.1)) {
      found.push(
        "CONSTRAINT",
        this.#sql.name("check"),
        "CHECK",
        `(length(${quotedName(column)}) IS NOT 77 /* ) */)`,
      );
    }
    if (r.chance(0.2)) {
      found.push(
        "DEFAULT",
        this.#sql.pick([
          "NULL",
          "-1",
          "+2.5e3",
          "'it''s; -- x'",
          "x'00ff'",
          "(1 + 2 /* ; */)",
          "CURRENT_TIMESTAMP",
          "TRUE",
        ]),
      );
    }
    if (r.chance(0.15)) found.push("COLLATE", this.#sql.pick(["NOCASE", "RTRIM", "BINARY"]));
    if (r.chance(0.1)) found.push(...this.#references(planned));
    return found;
  }

  #onConflict(): string[] {
    return this.#sql.random.chance(0.3) ? ["ON", "CONFLICT", this.#sql.pick(conflicts)] : [];
  }

  #references(planned: readonly string[]): string[] {
    const r = this.#sql.random;
    return [
      "REFERENCES",
      this.#sql.name(r.chance(0.1) ? "no such table" : this.#sql.pick(planned)),
      ...(r.chance(0.5) ? [`(${this.#sql.name(this.#sql.pick(oddNames))})`] : []),
      ...(r.chance(0.3) ? ["ON DELETE", this.#sql.pick(actions)] : []),
      ...(r.chance(0.3) ? ["ON UPDATE", this.#sql.pick(actions)] : []),
      ...(r.chance(0.3) ? ["DEFERRABLE INITIALLY DEFERRED"] : []),
    ];
  }

  /** Up to what SQLite allows. */
  #wideTable(): void {
    const name = this.#sql.newName();
    const count = this.#sql.pick([100, 498, 499, 500, 999, 1000, 1998, 1999, 2000]);
    const columns = Array.from(
      { length: count },
      (_, i) => ({ name: `c${i}`, generated: false, isKey: false }),
    );
    this.#sql.add(
      `CREATE TABLE ${this.#sql.name(name)} (${columns.map((column) => column.name).join(", ")})`,
    );
    this.#tables.push({ name, columns, withoutRowId: false });
  }

  #rows({ name, columns, withoutRowId }: Table): void {
    const r = this.#sql.random;
    const count = columns.length > 50 ? r.below(3) : this.#sql.pick([0, 1, 3, 10, 30]);
    const insertable = columns.filter(({ generated }) => !generated);
    const names = insertable.map((column) => quotedName(column.name));
    const taken = new Set(columns.map((column) => column.name));
    const rowId = ["rowid", "oid", "_rowid_"].find((id) => !taken.has(id));
    const gaps = r.chance(0.3) && rowId !== undefined && !withoutRowId &&
      !insertable.some(({ isKey }) => isKey);
    for (let i = 0; i < count; i++) {
      const values = insertable.map(({ isKey }) =>
        isKey ? String(r.below(1000) - 10) : this.#sql.value()
      );
      if (gaps) values.unshift(String(r.below(100) - 20));
      this.#sql.add(
        `INSERT OR IGNORE INTO ${quotedName(name)} (${
          (gaps ? [rowId, ...names] : names).join()
        }) VALUES (${values.join()})`,
      );
    }
    if (r.chance(0.2)) this.#sql.add(`DELETE FROM ${quotedName(name)} WHERE ${names[0]} > 3`);
  }

  #index(): void {
    const r = this.#sql.random;
    const table = this.#sql.pick(this.#tables);
    const column = this.#sql.pick(table.columns).name;
    const expression = this.#sql.pick([
      this.#sql.name(column) + this.#sql.pick(["", " DESC", " COLLATE NOCASE"]),
      `typeof(${quotedName(column)})`,
      `coalesce(${quotedName(column)}, 'it''s;')`,
    ]);
    const where = r.chance(0.3) ? ["WHERE", `${quotedName(column)} IS NOT '; --'`] : [];
    this.#sql.add(
      this.#sql.join([
        "CREATE",
        r.chance(0.3) ? "UNIQUE" : "",
        "INDEX",
        this.#sql.name(this.#sql.newName()),
        "ON",
        this.#sql.name(table.name),
        "(",
        expression,
        ")",
        ...where,
      ]),
    );
  }

  #view(): void {
    const r = this.#sql.random;
    const name = this.#sql.newName();
    const source = this.#views.length > 0 && r.chance(0.4)
      ? this.#sql.pick(this.#views)
      : this.#sql.pick(this.#tables).name;
    this.#sql.add(
      this.#sql.join([
        "CREATE",
        "VIEW",
        this.#sql.name(name),
        ...(r.chance(0.3) ? ["(", quotedName("only one"), ")"] : []),
        "AS",
        "SELECT",
        "count(*)",
        "FROM",
        this.#sql.name(source),
      ]),
    );
    this.#views.push(name);
  }

  #triggerName(): string {
    for (;;) {
      const name = this.#sql.newName();
      if (!shadowLike.test(name)) return name;
    }
  }

  #trigger(): void {
    const r = this.#sql.random;
    const target = this.#sql.pick(this.#tables);
    const written = this.#tables.filter(({ name }) => !shadowLike.test(name));
    if (written.length === 0) return;
    const log = this.#sql.pick(written);
    const onView = this.#views.length > 0 && r.chance(0.3);
    const event = this.#sql.pick(["INSERT", "DELETE", "UPDATE"]);
    this.#sql.add(
      this.#sql.join([
        "CREATE",
        "TRIGGER",
        this.#sql.name(this.#triggerName()),
        onView ? "INSTEAD OF" : this.#sql.pick(["BEFORE", "AFTER", ""]),
        event,
        "ON",
        this.#sql.name(onView ? this.#sql.pick(this.#views) : target.name),
        r.chance(0.3) ? "FOR EACH ROW" : "",
        r.chance(0.3) ? "WHEN 1 /* ; */" : "",
        "BEGIN",
        `SELECT 'END; -- it''s';`,
        `DELETE FROM ${quotedName(log.name)};`,
        "END",
      ], false),
    );
  }

  #alteration(): void {
    const r = this.#sql.random;
    const table = quotedName(this.#sql.pick(this.#tables).name);
    switch (r.below(4)) {
      case 0:
        this.#sql.add(
          `ALTER TABLE ${table} ADD COLUMN "added; ${r.below(100)}" DEFAULT 'late -- x' /* why; */`,
        );
        break;
      case 1:
        this.#sql.add(`ALTER TABLE ${table} ADD COLUMN "more ${r.below(100)}" /* -- */`);
        break;
      case 2:
        this.#sql.add(`CREATE TABLE ${quotedName(this.#sql.newName())} AS SELECT * FROM ${table}`);
        break;
      default:
        this.#sql.add(`UPDATE ${table} SET rowid = rowid + 40 WHERE rowid > 2`);
    }
  }

  #ending(): void {
    const r = this.#sql.random;
    if (r.chance(0.1)) {
      for (const { name } of this.#tables) {
        if (r.chance(0.7)) this.#sql.add(`DROP TABLE ${quotedName(name)}`);
      }
    }
    if (r.chance(0.2)) this.#sql.add("INSERT INTO sqlite_sequence VALUES ('nobody''s', 77)");
    if (r.chance(0.2)) this.#sql.add("ANALYZE");
    if (r.chance(0.2)) this.#sql.add(`PRAGMA user_version=${r.below(2 ** 32) - 2 ** 31}`);
    if (r.chance(0.2)) this.#sql.add(`PRAGMA application_id=${r.below(1000)}`);
  }
}
