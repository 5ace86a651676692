import { strict as assert } from "node:assert";
import {
  cutShort,
  groupCopies,
  readByAll,
  type ReadCopy,
  tablesThatDiffer,
} from "../../src/jobs/copy_groups.ts";
import { differingRows } from "../../src/jobs/row_count.ts";
import type { ComparedMember } from "../../src/cluster/types.ts";
import type { CopyDigest, RowChunk } from "../../src/store/types.ts";

/** A copy whose tables have these sums. */
function copy(
  id: string,
  tables: Readonly<Record<string, string>>,
  change: Partial<CopyDigest> = {},
): ReadCopy {
  const digests = Object.entries(tables).map(([name, sum]) => ({ name, rows: 1, sum }));
  const read = { index: 7, tables: digests, unread: [], damage: [], checked: true, complete: true };
  return { id, digest: { ...read, ...change } };
}

function verdicts(copies: readonly ReadCopy[], members: number): Record<string, string> {
  return Object.fromEntries(groupCopies(copies, members).verdicts);
}

Deno.test("copies are as most are only where those are more than half of all members", () => {
  const [a, b] = [{ t: "1" }, { t: "2" }];
  const of = (...tables: Record<string, string>[]) => tables.map((each, i) => copy(`${i}`, each));
  assert.deepEqual(verdicts(of(a, a, a), 3), { 0: "same", 1: "same", 2: "same" });
  assert.deepEqual(verdicts(of(a, b, a), 3), { 0: "same", 1: "differs", 2: "same" });
  assert.deepEqual(verdicts(of(a, b), 2), { 0: "undecided", 1: "undecided" });
  // The third could not be asked.
  assert.deepEqual(verdicts(of(a, b), 3), { 0: "undecided", 1: "undecided" });
  assert.deepEqual(verdicts(of(a, a, b), 5), { 0: "undecided", 1: "undecided", 2: "undecided" });
  assert.deepEqual(verdicts(of(a, a), 5), { 0: "same", 1: "same" });
  assert.equal(groupCopies(of(b, a, a), 3).sound?.id, "1");
  assert.equal(groupCopies(of(a, b), 2).sound, undefined);
});

Deno.test("damage that one copy alone has makes it another, and what all have does not", () => {
  const damage = ["row 3 missing from index tv"];
  const all = ["0", "1", "2"].map((id) => copy(id, { t: "1" }, { damage }));
  assert.deepEqual(verdicts(all, 3), { 0: "same", 1: "same", 2: "same" });
  const one = [...all.slice(0, 1), copy("1", { t: "1" }), copy("2", { t: "1" })];
  assert.deepEqual(verdicts(one, 3), { 0: "differs", 1: "same", 2: "same" });
  const unread = [{ name: "t", why: "malformed", cutShort: false }];
  const broken = [copy("0", {}, { unread }), copy("1", { t: "1" }), copy("2", { t: "1" })];
  assert.deepEqual(verdicts(broken, 3), { 0: "differs", 1: "same", 2: "same" });
  assert.deepEqual(tablesThatDiffer(copy("0", {}).digest, copy("1", { t: "1" }).digest), ["t"]);
});

Deno.test("copies are compared as far as all of them were read", () => {
  const schema = { sqlite_schema: "0" };
  const whole = copy("0", { ...schema, a: "1", b: "1", c: "1" });
  const half = copy("1", { ...schema, a: "1" }, { complete: false });
  const { copies, until } = readByAll([whole, half]);
  assert.equal(until, "a");
  assert.deepEqual(verdicts(copies, 2), { 0: "same", 1: "same" });
  assert.equal(readByAll([whole]).until, undefined);
  // One that does not get on with its first table says nothing of it, and the next step is behind it.
  const unread = [{ name: "b", why: "too much was written", cutShort: true }];
  const stuck = copy("2", {}, { unread, complete: false });
  const behind = readByAll([copy("0", { b: "1", c: "1" }), stuck]);
  assert.equal(behind.until, "b");
  assert.deepEqual(cutShort(behind.copies), ["b"]);
  assert.deepEqual(verdicts(behind.copies, 2), { 0: "same", 2: "same" });
});

Deno.test("what a node had no time, memory or room for makes its copy no other one", () => {
  const damage = ["CHECK constraint failed in t"];
  // All copies hold that, and only one node came to the end of SQLite's check.
  const checked = copy("0", { t: "1" }, { damage });
  const late = ["1", "2"].map((id) => copy(id, { t: "1" }, { checked: false }));
  assert.deepEqual(verdicts([checked, ...late], 3), { 0: "same", 1: "same", 2: "same" });
  const unread = [{ name: "t", why: "malformed", cutShort: false }];
  const broken = copy("0", {}, { unread, damage: ["t: malformed"] });
  assert.deepEqual(verdicts([broken, ...late], 3), { 0: "differs", 1: "same", 2: "same" });
  // Behind all tables the check alone is left.
  const { copies, until } = readByAll([
    checked,
    ...late.map(({ id, digest }) => ({
      id,
      digest: { ...digest, complete: false },
    })),
  ]);
  assert.equal(until, "t");
  assert.deepEqual(verdicts(copies, 3), { 0: "same", 1: "same", 2: "same" });
});

/** A copy whose chunks end where a row's sum can be divided by 4. */
function member(rows: readonly number[]): ComparedMember {
  const chunks: RowChunk[] = [];
  let chunk: number[] = [];
  for (const row of [...rows, -1]) {
    if (row >= 0) chunk.push(row);
    if ((row % 4 === 0 || row < 0) && chunk.length > 0) {
      chunks.push({ rows: chunk.length, sum: chunk.join(" ") });
      chunk = [];
    }
  }
  return {
    chunks: () => Promise.resolve(chunks),
    rows: (_id: string, _table: string, from: number, count: number) =>
      Promise.resolve(rows.slice(from, from + count)),
  } as Partial<ComparedMember> as ComparedMember;
}

Deno.test("rows that differ are counted, and those behind a missing one are none of them", async () => {
  const rows = Array.from({ length: 100 }, (_, i) => i * 7 + 1);
  const count = (other: readonly number[]) =>
    differingRows("t", "id", [member(rows), member(other)]);
  assert.equal(await count(rows), 0);
  assert.equal(await count(rows.filter((_, i) => i !== 20)), 1);
  assert.equal(await count(rows.map((row, i) => i === 3 || i === 90 ? 1_000_000 + i : row)), 2);
  assert.equal(await count([...rows.slice(0, 50), 5, 6, 7, ...rows.slice(50)]), 3);
  assert.equal(await count([]), 100);
  const long = Array.from({ length: 1_000 }, (_, i) => 4 * i);
  assert.equal(await differingRows("t", "id", [member(long), member([])]), undefined);
});
