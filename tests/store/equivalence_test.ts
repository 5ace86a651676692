import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { findLibrary, openLibrary } from "../../src/sqlite/mod.ts";
import { TestStore } from "./fixture.ts";
import { PlainSqlite } from "./plain_sqlite.ts";
import { contents, entriesOf, type RandomRequest, requestsOf } from "./random_entries.ts";
import { anySeed, seeds } from "./seeds.ts";

const requestsEach = 200;
const library = openLibrary(await findLibrary());

/** Applies in batches of random sizes, with restarts in between. */
async function run(
  requests: readonly RandomRequest[],
  random: Prng,
  restarts: number,
  changesBytes?: number,
) {
  await using store = await TestStore.open({ foreignKeys: true, changesBytes });
  const entries = entriesOf(requests);
  const answers: string[] = [];
  for (let at = 0; at < entries.length;) {
    const size = 1 + random.below(random.chance(0.5) ? 4 : 80);
    answers.push(...await store.apply(...entries.slice(at, at + size)));
    at += size;
    if (random.chance(restarts)) await store.restart();
  }
  return { answers, contents: await contents(store) };
}

Deno.test("Store.apply leaves equal databases and equal answers, whatever the batches and restarts", async () => {
  for (const seed of seeds()) {
    const requests = requestsOf(new Prng(seed), requestsEach, true);
    const together = await run(requests, new Prng(seed + 1n), 0);
    const apart = await run(requests, new Prng(seed + 2n), 0.1, 1 << 26);
    assert.deepEqual(apart.answers, together.answers, `seed ${seed}`);
    assert.equal(apart.contents, together.contents, `seed ${seed}`);
  }
});

/** Runs them by the store, in batches of random sizes, and by SQLite itself. */
async function assertAsSqlite(
  requests: readonly RandomRequest[],
  random: Prng,
  seed: bigint,
): Promise<void> {
  using sqlite = new PlainSqlite(library);
  await using store = await TestStore.open({ foreignKeys: true });
  const entries = entriesOf(requests);
  for (let at = 0; at < entries.length;) {
    const size = 1 + random.below(60);
    const answers = await store.apply(...entries.slice(at, at + size));
    answers.forEach((answer, i) => {
      const request = requests[at + i] as RandomRequest;
      assert.deepEqual(
        JSON.parse(`[${answer}]`),
        sqlite.run(request),
        `seed ${seed}, entry ${at + i + 1}: ${JSON.stringify(request)}`,
      );
    });
    at += size;
  }
  // Random numbers are more than JSON's take.
  for (const table of ["a", "r", "p", "c", "f", "(SELECT rowid, v, at, quote(x) FROM w)", "log"]) {
    const query = `SELECT rowid, * FROM ${table}`;
    const { values = [] } = JSON.parse(await store.query(query));
    assert.deepEqual(values, sqlite.rows(query), `seed ${seed}, ${table}`);
  }
}

Deno.test("Store.apply answers as SQLite itself does in autocommit mode, at the same time and with the same random numbers", async () => {
  for (const seed of seeds()) {
    const random = new Prng(seed);
    await assertAsSqlite(requestsOf(random, requestsEach), random, seed);
  }
});

Deno.test("Store.apply counts a row as SQLite does whose foreign key fails at once, at its statement's end, or at COMMIT", async () => {
  const seed = anySeed();
  const random = new Prng(seed);
  const fills = "INSERT INTO a (v) VALUES (1), (2), (3)";
  const orphan = "INSERT INTO c (q) VALUES (9)";
  const counters =
    "INSERT INTO log VALUES ('state', changes(), total_changes(), last_insert_rowid())";
  const requests = ["0", "1", "ON"].flatMap((value) => {
    const defer = `PRAGMA defer_foreign_keys = ${value}`;
    return [
      [fills.replace(/\d/g, (digit) => `'${value}${digit}'`), counters],
      [defer, orphan, counters],
      [defer, `BEGIN; ${orphan}; COMMIT`],
      [counters, orphan],
    ].map((sql) => ({
      statements: sql.map((sql) => ({ sql })),
      transaction: false,
      unified: false,
    }));
  });
  await assertAsSqlite([...requestsOf(random, 0), ...requests], random, seed);
});
