import { type Database, ResultCode, SqliteError, withWritableSchema } from "../../sqlite/mod.ts";

/** What a virtual table says whose content cannot be checked here, as its tokenizer is unknown. */
const notChecked = /^unable to validate/;

/**
 * Why a database file is damaged; undefined when it is whole. Throws SQLite's error when that
 * cannot read it at all. Not inside a transaction.
 *
 * PRAGMA quick_check cannot be prepared for a schema that names a collation, a function or a
 * tokenizer of the application's own. That is no damage: what needs none of them works, and the rest
 * says what it lacks. Then the structure of the file is checked, which asks for none of them either.
 */
export function damageOf(
  database: Database,
  check: "quick_check" | "integrity_check" = "quick_check",
): string | undefined {
  let verdict: string;
  try {
    verdict = String(database.scalar(`PRAGMA ${check}(1)`));
  } catch (error) {
    if (!(error instanceof SqliteError) || error.code !== ResultCode.error) throw error;
    return structuralDamageOf(database);
  }
  if (verdict === "ok") return undefined;
  return notChecked.test(verdict) ? structuralDamageOf(database) : verdict;
}

/** SQLite also counts the entries of indexes, and finds no rows to them. */
function firstDamage(database: Database): string | undefined {
  const indexes = Number(database.scalar("SELECT count(*) FROM sqlite_schema"));
  using verdicts = database.prepare(`PRAGMA quick_check(${indexes + 1})`);
  for (const [verdict] of verdicts.values<[string]>()) {
    if (verdict !== "ok" && !verdict.startsWith("wrong # of entries in index raft_")) {
      return verdict;
    }
  }
  return undefined;
}

/**
 * Checks every b-tree, and every row's form, under a schema that says no more of them than that they
 * are there: tables of one column, and indexes. It is taken back afterwards. A table WITHOUT ROWID
 * stands there as an index, whose order is not looked at, since the collation of its keys may be
 * what is not known.
 */
function structuralDamageOf(database: Database): string | undefined {
  const holder = `raft_${crypto.randomUUID().replaceAll("-", "")}`;
  database.exec("BEGIN IMMEDIATE");
  try {
    database.exec(`CREATE TABLE ${holder} (c)`);
    return withWritableSchema(database, () => {
      database.exec("DELETE FROM sqlite_schema WHERE rootpage = 0 OR rootpage IS NULL");
      database.exec(
        "UPDATE sqlite_schema SET " +
          "type = iif(plain, 'table', 'index'), name = 'raft_' || id, " +
          "tbl_name = iif(plain, 'raft_' || id, :holder), " +
          "sql = iif(plain, 'CREATE TABLE raft_' || id || '(c)', " +
          "'CREATE INDEX raft_' || id || ' ON ' || :holder || '(c)') " +
          "FROM (SELECT s.rowid AS id, s.type = 'table' AND NOT coalesce(l.wr, 0) AS plain " +
          "FROM sqlite_schema AS s LEFT JOIN pragma_table_list AS l " +
          "ON l.schema = 'main' AND l.name = s.name) AS known " +
          "WHERE sqlite_schema.rowid = known.id AND name <> :holder",
        { holder },
      );
      // The schema is read in this order, and indexes need their table.
      database.exec("UPDATE sqlite_schema SET rowid = -1 WHERE name = :holder", { holder });
      database.reloadSchema();
      return firstDamage(database);
    });
  } finally {
    database.exec("ROLLBACK");
    database.reloadSchema();
  }
}
