import assert from "node:assert/strict";
import { InvariantError } from "../../src/base/assert.ts";
import { openLibrary } from "../../src/sqlite/mod.ts";
import { resumeAtStart } from "../../src/store/apply/raft_table.ts";
import { WriteConnection } from "../../src/store/apply/write_connection.ts";
import { library } from "./fixture.ts";

Deno.test("WriteConnection refuses to commit behind what is committed, or with a savepoint left", async () => {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-write-" });
  const connection = new WriteConnection(openLibrary(library), `${directory}/db.sqlite`, false);
  const commit = (index: number, term: number, resume = resumeAtStart) => {
    connection.begin();
    connection.commit(index, term, resume);
  };
  const refuses = (body: () => void, message: RegExp) => {
    assert.throws(body, (error) => error instanceof InvariantError && message.test(error.message));
    connection.rollback();
  };
  commit(3, 2);
  refuses(() => commit(3, 2), /Entry 3 of term 2 was committed behind 3 of 2/);
  refuses(() => commit(4, 1), /Entry 4 of term 1/);
  refuses(() => commit(4, 2, { ...resumeAtStart, statement: 1 }), /Entry 4 of term 2/);
  commit(3, 2, { ...resumeAtStart, statement: 1 });
  refuses(() => {
    connection.begin();
    connection.begin();
  }, /transaction was left open/);
  refuses(() => {
    connection.begin();
    connection.transaction.savepoint();
    connection.commit(4, 2, resumeAtStart);
  }, /savepoint was left/);
  refuses(() => connection.transaction.releaseSavepoint(), /savepoint was released/);
  commit(4, 2);
  assert.deepEqual(connection.committed.index, 4);
  connection.close();
  await Deno.remove(directory, { recursive: true });
});
