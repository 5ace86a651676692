import assert from "node:assert/strict";
import { Backup, Database } from "../../src/sqlite/mod.ts";
import { codeNameOf, library, openMemory, withDirectory } from "./fixture.ts";

function fill(db: Database): void {
  db.exec("CREATE TABLE t(a); INSERT INTO t SELECT zeroblob(4000) FROM json_each('[1,2,3,4,5,6]')");
}

Deno.test("Backup copies in steps", () => {
  using source = openMemory();
  using destination = openMemory();
  fill(source);
  using backup = new Backup(destination, source);
  assert.equal(backup.step(2), false);
  assert.equal(backup.step(-1), true);
  backup.close();
  backup.close();
  assert.equal(destination.scalar("SELECT count(*) FROM t"), 6);
  assert.throws(() => backup.step(1), /Backup is closed/);
});

Deno.test("an unfinished backup does not keep its connections from closing", () => {
  const source = openMemory();
  const destination = openMemory();
  fill(source);
  const backup = new Backup(destination, source);
  assert.equal(backup.step(1), false);
  source.close();
  assert.throws(() => backup.step(1), /Backup is closed/);
  destination.close();
});

Deno.test("Backup onto a connection with a statement running, or of an unknown schema, is an error", () => {
  using source = openMemory();
  using destination = openMemory();
  fill(source);
  assert.throws(() => new Backup(destination, source, { sourceSchema: "nobody" }), {
    message: "unknown database nobody",
  });
  assert.throws(() => new Backup(source, source), /source and destination must be distinct/);
});

Deno.test("Backup meets a locked source with SQLITE_BUSY and can go on", () =>
  withDirectory((directory) => {
    const path = `${directory}/data.db`;
    using source = new Database(path, { library });
    fill(source);
    using writer = new Database(path, { library });
    using destination = openMemory();
    using backup = new Backup(destination, source);
    writer.exec("BEGIN EXCLUSIVE");
    assert.equal(codeNameOf(() => backup.step(-1)), "SQLITE_BUSY");
    writer.exec("COMMIT");
    assert.equal(backup.step(-1), true);
  }));
