/**
 * What SQL can reach, beside the clock and randomness, that differs between nodes with the same
 * rows: for the authorizer of a connection that applies replicated writes. Each has the reason that
 * a refusal can give. PRAGMAs, also as table-valued functions, come to an authorizer by themselves.
 */

/** Functions that no SQL from outside may call (SQLITE_FUNCTION, in lower case). */
export const processFunctions: ReadonlyMap<string, string> = new Map([
  ["load_extension", "extensions are loaded when a node starts"],
  ["fts3_tokenizer", "it takes and gives addresses in this process"],
]);

/** Functions that a replicated write must not call (SQLITE_FUNCTION, in lower case). */
export const nodeLocalFunctions: ReadonlyMap<string, string> = new Map([
  ["sqlite_offset", "it shows how this node's file is laid out"],
  ["sqlite_version", "nodes may run different versions during an upgrade"],
  ["sqlite_source_id", "nodes may run different versions during an upgrade"],
  ["sqlite_compileoption_get", "nodes may run different builds of SQLite"],
  ["sqlite_compileoption_used", "nodes may run different builds of SQLite"],
]);

/** Tables that a replicated write must not read, nor create others by (SQLITE_READ, SQLITE_CREATE_VTABLE, in lower case). */
export const nodeLocalTables: ReadonlyMap<string, string> = new Map([
  ["dbstat", "it shows how this node's file is laid out"],
  ["sqlite_dbpage", "it shows the pages of this node's file"],
  ["sqlite_stmt", "it shows the statements that this node has prepared"],
  // Of well-known extensions.
  ...["csv", "fileio_ls", "fileio_scan", "fsdir", "lsdir", "scanfile", "vsv", "zipfile"]
    .map((name) => [name, "it reads files of this node"] as const),
]);

/**
 * Tables with the query planner's statistics.
 *
 * A connection reads them when it loads the schema, and after ANALYZE. After they change in any
 * other way — UPDATE, DROP TABLE, the rollback of an ANALYZE — a node that has just started plans
 * otherwise than one that has not, and so may meet rows in another order: `INSERT … SELECT` then
 * numbers them otherwise (tried on 3.40 and 3.53). After those, `Database.reloadSchema` makes both alike.
 */
export const statisticsTables: ReadonlySet<string> = new Set([
  "sqlite_stat1",
  "sqlite_stat3",
  "sqlite_stat4",
]);
