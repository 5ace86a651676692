import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { ChangeFile } from "../../src/changes/change_file.ts";
import { ChangeReader } from "../../src/changes/change_reader.ts";
import { ChangeRecorder } from "../../src/changes/recorder.ts";
import { type ChangeLog, ChangesTruncatedError } from "../../src/changes/types.ts";
import { Database } from "../../src/sqlite/mod.ts";
import { withDirectory } from "../directory.ts";
import { library, TestStore } from "../store/fixture.ts";

/** A log of an entry for each value, of which the disk has made another where it is "second". */
async function withDamage(
  damage: (bytes: Uint8Array, at: number) => void,
  body: (log: ChangeLog) => void,
) {
  await using s = await TestStore.open({ changesBytes: 1024 * 1024 });
  await s.execute(["CREATE TABLE t (v)"]);
  for (const v of ["first", "second", "third"]) {
    await s.execute([`INSERT INTO t VALUES ('${v} row')`]);
  }
  await s.store.close();
  const path = `${s.directory}/changes.sqlite`;
  const bytes = await Deno.readFile(path);
  const row = new TextEncoder().encode("second row");
  const at = bytes.findIndex((_, i) => row.every((byte, j) => bytes[i + j] === byte));
  assert.ok(at > 0);
  damage(bytes, at);
  await Deno.writeFile(path, bytes);
  await s.restart();
  const { changes } = s.store;
  assert.ok(changes !== undefined);
  body(changes);
}

const isDamaged = (error: unknown) =>
  error instanceof ChangesTruncatedError && error.why === "damaged";
const valuesOf = ({ groups }: ReturnType<ChangeLog["read"]>) =>
  groups.flatMap(({ changes }) =>
    changes.map((change) => change.type === "row" ? change.after : change.type)
  );

Deno.test("ChangeLog hands out nothing that its disk has changed, but what is before and behind it", () =>
  withDamage((bytes, at) => bytes[at] = 0x53, (log) => {
    const before = log.read({ index: 2, change: 0 });
    assert.deepEqual(valuesOf(before), [["first row"]]);
    assert.deepEqual(before.next, { index: 3, change: 0 });
    assert.throws(
      () => log.read(before.next),
      (error) => isDamaged(error) && (error as ChangesTruncatedError).oldest === 4,
    );
    assert.deepEqual(valuesOf(log.read({ index: 4, change: 0 })), [["third row"]]);
  }));

Deno.test("ChangeLog sees any bit of a change that is another one", async () => {
  const random = new Prng(5n);
  for (let round = 0; round < 8; round++) {
    // Its record begins with the group's, some 60 bytes before.
    const [offset, bit] = [random.below(70) - 50, random.below(8)];
    await withDamage(
      (bytes, at) => bytes[at + offset] = (bytes[at + offset] ?? 0) ^ (1 << bit),
      (log) => {
        const seen: unknown[] = [];
        for (const index of [2, 3, 4]) {
          try {
            seen.push(...valuesOf(log.read({ index, change: 0 }, 1)));
          } catch (error) {
            assert.ok(isDamaged(error) || /malformed/.test(String(error)), String(error));
          }
        }
        const right = ["first row", "second row", "third row"];
        assert.ok(
          seen.every((values) => right.includes(String(values))),
          `${offset} ${bit}: ${seen}`,
        );
      },
    );
  }
});

Deno.test("ChangeRecorder goes on with an entry that is half applied, what it has recorded of it being damaged", () =>
  withDirectory((directory) => {
    const file = new ChangeFile(library, `${directory}/changes.sqlite`, 1024 * 1024);
    using database = new Database(`${directory}/db.sqlite`, { library });
    const recorder = new ChangeRecorder(database, file, (body) => body());
    const write = (sql: string, statement: number) => {
      recorder.begin();
      database.exec(sql);
      recorder.endTransaction();
      recorder.commit({ index: 1, statement, offset: 0 }, 1);
    };
    database.exec("CREATE TABLE t (v)");
    recorder.beginEntry(1, 0, false);
    write("INSERT INTO t VALUES ('first')", 1);
    {
      using other = new Database(`${directory}/changes.sqlite`, { library });
      other.exec("UPDATE chunk SET bytes = CAST(replace(bytes, 'first', 'worst') AS BLOB)");
    }
    recorder.beginEntry(1, 0, true);
    write("INSERT INTO t VALUES ('second')", 2);
    const reader = new ChangeReader({
      library,
      path: `${directory}/changes.sqlite`,
      bytesMax: 1024 * 1024,
      applied: () => 1,
      waits: { wait: () => Promise.resolve() },
    });
    assert.throws(
      () => reader.read({ index: 1, change: 0 }),
      (error) => isDamaged(error) && (error as ChangesTruncatedError).oldest === 2,
    );
    reader.end(new Error("over"));
    recorder.end();
    file.close();
  }));
