import assert from "node:assert/strict";
import { Savepoints } from "../../src/store/apply/savepoints.ts";
import { WriteConnection } from "../../src/store/apply/write_connection.ts";
import { StatementError } from "../../src/store/failures.ts";
import { withDirectory } from "../directory.ts";
import { library } from "./fixture.ts";

/** Savepoints of SQL's, within a transaction. */
function withSavepoints(
  body: (savepoints: Savepoints, rows: () => unknown, insert: () => void) => void,
): Promise<void> {
  return withDirectory((directory) => {
    const connection = new WriteConnection(library, `${directory}/db.sqlite`, false);
    connection.own(() => connection.database.exec("CREATE TABLE t (v)"));
    connection.begin();
    const insert = () => connection.own(() => connection.database.exec("INSERT INTO t VALUES (1)"));
    const rows = () => connection.own(() => connection.database.scalar("SELECT count(*) FROM t"));
    body(new Savepoints(connection), rows, insert);
    connection.rollback();
    connection.close();
  });
}

const control = (operation: string, name: string) =>
  ({ type: "savepoint", operation, name }) as const;

Deno.test("a savepoint that ends, or goes back, does so with all that began in it, the last of its name", () =>
  withSavepoints((savepoints, rows, insert) => {
    for (const name of ["a", "b", "A", "c"]) {
      savepoints.control(control("BEGIN", name));
      insert();
    }
    savepoints.control(control("ROLLBACK", "a"));
    assert.deepEqual([savepoints.names, rows()], [["a", "b", "A"], 2]);
    savepoints.control(control("RELEASE", "b"));
    assert.deepEqual([savepoints.names, rows()], [["a"], 2]);
    assert.throws(() => savepoints.control(control("RELEASE", "b")), StatementError);
    savepoints.control(control("ROLLBACK", "a"));
    assert.deepEqual([savepoints.depth, rows()], [1, 0]);
  }));

Deno.test("savepoints that were under way are so again, in the place of those that are", () =>
  withSavepoints((savepoints) => {
    savepoints.restore(["a", "b"]);
    assert.deepEqual(savepoints.names, ["a", "b"]);
    savepoints.restore(["c"]);
    assert.deepEqual(savepoints.names, ["c"]);
    assert.throws(() => savepoints.control(control("RELEASE", "a")), /no such savepoint: a/);
    savepoints.restore([]);
    assert.equal(savepoints.depth, 0);
  }));
