import { foldName } from "../access/table_rights.ts";
import { type Database, SqlTokens, type Statement } from "../sqlite/mod.ts";
import { identifier } from "../sqlite/identifier.ts";

/** The schema as names, which are folded, and as pages of the file. */
export interface SchemaNames {
  /** Of tables and views. */
  readonly tables: ReadonlySet<string>;
  readonly views: ReadonlySet<string>;
  readonly virtualTables: readonly string[];
  /** Of what makes virtual tables and was known when the schema was read. */
  readonly modules: ReadonlySet<string>;
  /** Which table's b-tree has this root page, be it an index: the name as it is written. */
  readonly roots: ReadonlyMap<number, string>;
}

/** A table that a statement goes through. */
export interface OpenedTable {
  readonly name: string;
  /** Only to change or delete each of its rows, whatever is in them. */
  readonly onlyToChange: boolean;
}

/** Opens what the statement itself has made, or one of its cursors again. */
const openingOwn = new Set([
  "OpenAutoindex",
  "OpenDup",
  "OpenEphemeral",
  "OpenPseudo",
]);

/** Of an OpenWrite's last operand: a register has the page, of a table that the statement makes. */
const pageIsInRegister = 0x10;

/** Cursors of one program on one table: how many go through it, and how many change what is there. */
interface Cursors {
  readonly name: string;
  reading: number;
  changing: number;
}

/**
 * Finds the tables that a statement goes through, as EXPLAIN shows what its program opens, and the
 * programs of the triggers that it fires. SQLite's authorizer is not told of all of them: not of
 * the columns that USING and NATURAL compare, nor of the table that INSERT INTO … SELECT * FROM
 * copies row by row. https://www.sqlite.org/opcode.html
 */
export class OpenedTables {
  readonly #database: Database;
  readonly #schema: SchemaNames;
  readonly #found: OpenedTable[] = [];
  /** Of the program that is read. */
  readonly #cursors = new Map<string, Cursors>();
  /** Virtual tables by how EXPLAIN calls them on this connection now. */
  #virtual: Map<string, string> | undefined;

  /** All of a statement's that SQLite has prepared; none of a PRAGMA's, which to prepare may be to obey. */
  static of(database: Database, sql: string, schema: SchemaNames): readonly OpenedTable[] {
    return new OpenedTables(database, schema).#of(sql);
  }

  private constructor(database: Database, schema: SchemaNames) {
    this.#database = database;
    this.#schema = schema;
  }

  #of(sql: string): readonly OpenedTable[] {
    const explained = withoutExplain(sql);
    if (explained === undefined) return [];
    using explain = this.#database.prepare(`EXPLAIN ${explained}`);
    while (explain.step()) {
      // Each program, the statement's and then the triggers', begins at its address 0.
      if (explain.columnInteger(0) === 0) this.#endProgram();
      this.#instruction(explain);
    }
    this.#endProgram();
    return this.#found;
  }

  #instruction(explain: Statement): void {
    const opcode = explain.columnText(1);
    switch (opcode) {
      case "OpenRead":
      case "ReopenIdx":
        this.#table(explain).reading++;
        break;
      case "OpenWrite":
        if ((Number(explain.columnInteger(6)) & pageIsInRegister) !== 0) break;
        this.#table(explain).changing++;
        break;
      case "VOpen":
        this.#virtualTable(explain).reading++;
        break;
      case "VUpdate":
        // INSERT's first operand is 1: it goes through no rows.
        if (explain.columnInteger(2) === 0) this.#virtualTable(explain).changing++;
        break;
      default:
        if (!opcode.startsWith("Open") || openingOwn.has(opcode)) break;
        this.#found.push({ name: `what ${opcode} opens`, onlyToChange: false });
    }
  }

  #table(explain: Statement): Cursors {
    const [cursor, page, database] = [2, 3, 4].map((column) => explain.columnInteger(column));
    return this.#cursorsOf(`${cursor} ${page} ${database}`, () => {
      if (page === 1) return "sqlite_master";
      const name = database === 0 ? this.#schema.roots.get(Number(page)) : undefined;
      return name ?? `what has root page ${page} in database ${database}`;
    });
  }

  #virtualTable(explain: Statement): Cursors {
    const address = explain.columnText(5);
    return this.#cursorsOf(address, () => {
      this.#virtual ??= virtualTables(this.#database, this.#schema);
      return this.#virtual.get(address) ?? "a virtual table";
    });
  }

  #cursorsOf(key: string, nameOf: () => string): Cursors {
    let cursors = this.#cursors.get(key);
    if (cursors === undefined) {
      cursors = { name: nameOf(), reading: 0, changing: 0 };
      this.#cursors.set(key, cursors);
    }
    return cursors;
  }

  /** A cursor that goes through rows and is opened once more to change them reads nothing else. */
  #endProgram(): void {
    for (const { name, reading, changing } of this.#cursors.values()) {
      if (reading > 0) this.#found.push({ name, onlyToChange: reading <= changing });
    }
    this.#cursors.clear();
  }
}

/**
 * The virtual tables of a connection by their addresses, as EXPLAIN shows them: they stay while none
 * is made anew, as happens when SQLite reads the schema again.
 */
function virtualTables(database: Database, schema: SchemaNames): Map<string, string> {
  const names = new Map<string, string>();
  // Some modules are there once a statement has named them.
  for (const name of [...schema.virtualTables, ...moduleNames(database)]) {
    const address = addressOf(database, name);
    if (address !== undefined) names.set(address, name);
  }
  return names;
}

/** What makes virtual tables, folded: some of it can be queried as if it were a table. */
export function moduleNames(database: Database): ReadonlySet<string> {
  const names = new Set<string>();
  using statement = database.prepare("SELECT name FROM pragma_module_list");
  while (statement.step()) names.add(foldName(statement.columnText(0)));
  return names;
}

/** Undefined for a module that is no table by itself, and a table that cannot be used. */
function addressOf(database: Database, name: string): string | undefined {
  try {
    using explain = database.prepare(`EXPLAIN SELECT 1 FROM main.${identifier(name)}`);
    while (explain.step()) if (explain.columnText(1) === "VOpen") return explain.columnText(5);
  } catch {
    // Then no statement opens it.
  }
  return undefined;
}

/** What an EXPLAIN explains, and any other statement as it is; undefined for a PRAGMA. */
function withoutExplain(sql: string): string | undefined {
  const tokens = SqlTokens.of(sql);
  let keyword = nextKeyword(tokens);
  while (tokens.kind === "semicolon") keyword = nextKeyword(tokens);
  if (keyword === "EXPLAIN") keyword = nextKeyword(tokens);
  if (keyword === "QUERY" && tokens.nextIs("PLAN")) keyword = nextKeyword(tokens);
  return keyword === "PRAGMA" ? undefined : tokens.rest;
}

function nextKeyword(tokens: SqlTokens): string {
  return tokens.nextMeaning() ? tokens.keyword : "";
}
