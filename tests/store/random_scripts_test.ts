import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { encodeStep, setDigest } from "../../src/store/codec/script_codec.ts";
import type { ApplyEntry } from "../../src/store/types.ts";
import { contents as copiedContents } from "../changes/contents.ts";
import { RebuiltCopy } from "../changes/rebuilt_copy.ts";
import { library, plain, TestStore } from "./fixture.ts";
import { contents, keyOf, type RandomRequest, requestsOf } from "./random_entries.ts";
import { seeds } from "./seeds.ts";

/** What depends on what a connection has lived through, or ends in the middle. */
const trying: readonly ((k: () => number) => string)[] = [
  (k) => `SAVEPOINT s${k() % 3}`,
  (k) => `ROLLBACK TO s${k() % 3}`,
  (k) => `RELEASE s${k() % 3}`,
  (k) => `CREATE INDEX IF NOT EXISTS i${k() % 4} ON a (n, v)`,
  (k) => `DROP INDEX IF EXISTS i${k() % 4}`,
  () => "ALTER TABLE log ADD COLUMN extra",
  () => "ALTER TABLE log DROP COLUMN extra",
  () => "PRAGMA index_list(a)",
  () => "PRAGMA foreign_key_check",
  () => "PRAGMA table_list",
  () => "PRAGMA page_count",
  () => "EXPLAIN SELECT * FROM a",
  () => "SELECT * FROM a WHERE n >= 0",
  () => "SELECT name FROM sqlite_schema",
  () => "SELECT * FROM pragma_index_list('a')",
  () => "PRAGMA optimize",
  () => "SELECT 9e999, -9e999, x'00ff', random(), julianday('now'), hex(randomblob(4))",
  () => "INSERT INTO log SELECT x.v, y.v, 0, 0 FROM a x, a y, p LIMIT 1000000",
  () => "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
  () =>
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO w (v) SELECT i % 12 FROM n",
  () =>
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 17000) SELECT count(*) FROM n",
  () => "INSERT INTO a (id, v) VALUES (9223372036854775807, 777)",
  () => "",
  () => " ; -- nothing",
  () =>
    "INSERT INTO a (v) VALUES (101); SAVEPOINT s0; INSERT INTO a (v) VALUES (102); ROLLBACK TO s0; SELECT count(*) FROM a",
  () => "INSERT INTO four (four) VALUES ('optimize')",
  () => "INSERT INTO five (five) VALUES ('rebuild')",
  () => "INSERT INTO five (five) VALUES ('integrity-check')",
  () => "SELECT rowid, * FROM five WHERE five MATCH 'a' ORDER BY rank",
  () => "SELECT id, low FROM boxes WHERE low > 3",
  () => "DETACH main",
  () => "CREATE TEMP TABLE tt (x)",
  () => "SELECT last_insert_rowid(), changes(), total_changes()",
  () => "SELECT * FROM sqlite_stat1",
  () => "PRAGMA recursive_triggers = ON",
  () => "PRAGMA legacy_alter_table = ON",
];

Deno.test("A transaction has the same end on every node, and none without a reason", async () => {
  for (const seed of seeds(2)) {
    const random = new Prng(seed);
    await using one = await TestStore.open({ foreignKeys: true });
    // To record what is changed makes no difference; and what is recorded is what was changed.
    const changesBytes = 64 * 1024 * 1024;
    await using other = await TestStore.open({ foreignKeys: true, changesBytes });
    const copy = new RebuiltCopy(library, other.path, `${other.directory}/copy`);
    const [first, ...requests] = requestsOf(random, 400, true);
    const pending: ApplyEntry[] = [];
    const plainEntry = ({ statements, transaction, unified }: RandomRequest) =>
      one.entries.execute(statements, { transaction, unified });
    const applyOne = async (entry: ApplyEntry) => {
      pending.push({ ...entry, answer: undefined });
      return await one.apply(entry);
    };
    await applyOne(plainEntry(first as RandomRequest));
    const ends = { committed: 0, not: 0 };
    let at = 0;
    while (at < requests.length) {
      const steps: Uint8Array[] = [];
      const asked: unknown[] = [];
      let others = false;
      let open = one.store.rehearsal(undefined);
      let end = "";
      for (let left = 1 + random.below(6); left > 0 && at < requests.length; left--) {
        if (random.chance(0.15)) {
          others = true;
          await applyOne(plainEntry(requests[at++] as RandomRequest));
        }
        if (at >= requests.length) break;
        const request = requests[at++] as RandomRequest;
        const statements = request.statements.map((statement) =>
          random.chance(0.3)
            ? {
              sql: (trying[random.below(trying.length)] as (k: () => number) => string)(() =>
                random.below(60)
              ),
            }
            : statement
        );
        const step = encodeStep({
          statements,
          clock: 1_700_000_000_000 + at,
          seed: BigInt(at),
          atomic: request.transaction,
          unified: request.unified,
          readOnly: random.chance(0.05),
          timeoutMs: random.chance(0.3) ? 1 : 20,
          format: { ...plain, unified: request.unified },
        });
        steps.push(step);
        if (random.chance(0.1)) {
          if (random.chance(0.5)) open.letGo();
          open = one.store.rehearsal(undefined);
        }
        asked.push(statements.map(({ sql }) => sql));
        const rehearsal = await open.run(steps);
        const label = `seed ${seed}, ${JSON.stringify(asked)}`;
        if (rehearsal.type !== "same") {
          if (!others) assert.notEqual(rehearsal.type, "conflict", label);
          end = rehearsal.type;
          break;
        }
        setDigest(step, rehearsal.digest);
      }
      if (steps.length > 0) {
        const key = random.chance(0.3) ? keyOf(`${at}`) : undefined;
        const [answer] = await applyOne(
          one.entries.command({ type: "script", steps, request: undefined, key }),
        );
        const label = `seed ${seed}, ${JSON.stringify(asked)}: ${answer}`;
        if (end === "" && !others) assert.doesNotMatch(answer ?? "", /locked/, label);
        ends[/^0?$/.test(answer ?? "") ? "committed" : "not"]++;
      }
      if (random.chance(0.3)) {
        while (pending.length > 0) await other.apply(...pending.splice(0, 1 + random.below(6)));
        if (random.chance(0.3)) await (random.chance(0.7) ? other : one).restart();
        assert.equal(
          await contents(other),
          await contents(one),
          `seed ${seed}, request ${at}: ${JSON.stringify(asked)}`,
        );
        const log = other.store.changes;
        assert.ok(log !== undefined);
        copy.follow(log, other.store.applied.index);
        assert.deepEqual(
          copiedContents(copy.path),
          copiedContents(other.path),
          `seed ${seed}, request ${at}: ${JSON.stringify(asked)}`,
        );
      }
    }
    assert(ends.committed > 0 && ends.not > 0, `seed ${seed}: ${JSON.stringify(ends)}`);
  }
});
