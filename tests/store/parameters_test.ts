import assert from "node:assert/strict";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { QuickReader } from "../../src/store/read/quick_reader.ts";
import type { SqlValue } from "../../src/store/types.ts";
import { plain, quickParts, TestStore, text } from "./fixture.ts";

const named = (name: string, value: SqlValue = 1) => new Map([[name, value]]);
const badNames = [":a", "@a", "$a", "_a", "1a", " a", "?1", "😀"];
const refused = (name: string) => `{"error":"name \\"${name}\\" does not begin with a letter"}`;

Deno.test("a write with a parameter's name that begins with no letter is refused, as in Go", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  const insert = "INSERT INTO t VALUES (:a)";
  for (const name of badNames) {
    const bad = { sql: insert, named: named(name) };
    assert.equal(
      await s.execute([bad, { sql: "DELETE FROM t", named: named(name) }]),
      `${refused(name)},${refused(name)}`,
    );
    const together = await s.execute(["INSERT INTO t VALUES (2)", bad], { transaction: true });
    assert.equal(together.split(",").at(-1), refused(name));
    const several = `INSERT INTO t VALUES (3); ${insert}`;
    assert.equal(await s.execute([{ sql: several, named: named(name) }]), refused(name));
    assert.equal(await s.execute([bad], { unified: true }), refused(name));
  }
  assert.match(await s.query("SELECT count(*) FROM t"), /\[\[0\]\]/);
});

Deno.test("a read with a parameter's name that begins with no letter is refused, as in Go", async () => {
  await using s = await TestStore.open();
  using quick = new DisposableQuickReader(s.path);
  for (const name of badNames) {
    for (const sql of ["SELECT :a", "SELECT 1", "SELECT ?, ?", "SELECT 1; SELECT :a"]) {
      for (const transaction of [false, true]) {
        const statements = [{ sql, named: named(name) }];
        const request = { statements, transaction, format: plain, timeoutMs: 0 };
        assert.equal(quick.reader.read(request), undefined);
        assert.equal(text(await s.read(request) as Uint8Array), refused(name), sql);
      }
    }
  }
});

Deno.test("a parameter's name may begin with any letter there is", async () => {
  await using s = await TestStore.open();
  for (const name of ["a", "Z", "é", "ж", "名", "𝒳", "a:b"]) {
    const answer = await s.read({
      statements: [{ sql: `SELECT $${name.replace(":b", "")} AS v`, named: named(name, 7) }],
      transaction: false,
      format: plain,
      timeoutMs: 0,
    });
    const value = name === "a:b" ? "null" : "7";
    assert.match(text(answer as Uint8Array), new RegExp(`"values":\\[\\[${value}\\]\\]`), name);
  }
});

class DisposableQuickReader {
  readonly reader: QuickReader;

  constructor(path: string) {
    const life = new LifeCycle();
    this.reader = new QuickReader(quickParts(path, false, life));
    life.opened();
  }

  [Symbol.dispose](): void {
    this.reader.release();
  }
}
