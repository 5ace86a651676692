import assert from "node:assert/strict";
import { Database, SqliteError } from "../../src/sqlite/mod.ts";
import { PreparationNotes } from "../../src/store/preparation_notes.ts";
import { SqlPolicy } from "../../src/store/sql_policy.ts";
import { withDirectory } from "../directory.ts";
import { library } from "./fixture.ts";

/** What becomes of a client's statement on such a connection: what is noted of it, or why it is refused. */
function prepared(database: Database, policy: SqlPolicy, sql: string): PreparationNotes | string {
  const notes = new PreparationNotes();
  try {
    policy.noting(notes, false, () => database.prepare(sql).finalize());
    return notes;
  } catch (error) {
    assert.ok(error instanceof SqliteError);
    return policy.explain(error);
  }
}

function withPolicy(
  kind: "write" | "read",
  body: (prepare: (sql: string) => PreparationNotes | string) => void,
): Promise<void> {
  return withDirectory((directory) => {
    const path = `${directory}/db.sqlite`;
    new Database(path, { library }).close();
    using database = new Database(path, { library, readonly: kind === "read" });
    const policy = new SqlPolicy(kind, false);
    policy.install(database);
    body((sql) => prepared(database, policy, sql));
  });
}

const ofNode = (notes: PreparationNotes | string) =>
  typeof notes === "string" ? notes : notes.tellsOfNode;

Deno.test("a client's own PRAGMA tells of its node, of what is replicated, or of what is refused", () =>
  withPolicy("write", (prepare) => {
    assert.equal(ofNode(prepare("PRAGMA journal_mode")), true);
    assert.equal(ofNode(prepare("PRAGMA page_size")), false);
    assert.equal(
      ofNode(prepare("PRAGMA wal_checkpoint")),
      "PRAGMA wal_checkpoint is refused: checkpoints are made as needed",
    );
  }));

Deno.test("what would make a temporary thing is refused, by whatever SQLite tells of it first", () =>
  withPolicy("write", (prepare) => {
    for (
      const sql of [
        "CREATE TEMP TABLE t (v)",
        "CREATE TEMP VIEW t AS SELECT 1",
        "CREATE VIRTUAL TABLE temp.t USING fts5(v)",
      ]
    ) assert.match(String(prepare(sql)), /^Temporary tables, views and triggers are refused/, sql);
  }));

Deno.test("of a virtual table that a query would make SQLite says that it only reads", () =>
  withPolicy("read", (prepare) => {
    const notes = prepare("CREATE VIRTUAL TABLE d USING fts5(v)");
    assert.doesNotMatch(String(notes), /refused/);
    assert.match(String(prepare("PRAGMA wal_checkpoint")), /checkpoints are made as needed/);
  }));
