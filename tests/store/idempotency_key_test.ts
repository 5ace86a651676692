import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { Database } from "../../src/sqlite/mod.ts";
import { createKeyTables, KeyTable } from "../../src/store/apply/key_table.ts";
import { keptAnswerBytesMax } from "../../src/store/apply/keyed_requests.ts";
import type { ApplyEntry } from "../../src/store/types.ts";
import { Entries, library, TestStore } from "./fixture.ts";
import { contents, keyOf, type RandomRequest, requestsOf } from "./random_entries.ts";
import { seeds } from "./seeds.ts";

/** One sending of a request; `of` is that request's number. */
interface Sending {
  readonly of: number;
  readonly again: boolean;
}

/** Each request once, in order, and some of them again. */
function sendingsOf(requests: readonly RandomRequest[], random: Prng): Sending[] {
  return requests.flatMap((_, of) => {
    const first: Sending = { of, again: false };
    if (of === 0 || !random.chance(0.6)) return [first];
    // Often at once: both are then in one batch.
    const earlier = random.chance(0.5) ? of : random.below(of + 1);
    return [first, { of: earlier, again: true }];
  });
}

/** `repeats`: what is sent again is; otherwise nothing takes its place. */
function entriesFor(
  requests: readonly RandomRequest[],
  sendings: readonly Sending[],
  repeats: boolean,
): ApplyEntry[] {
  const entries = new Entries(true);
  return sendings.map(({ of, again }) => {
    if (again && !repeats) return entries.noop();
    const { statements, transaction, unified } = requests[of] as RandomRequest;
    const key = keyOf(`${of}`, unified);
    return entries.execute(statements, { transaction, unified, key });
  });
}

async function run(entries: readonly ApplyEntry[], random: Prng, restarts: number) {
  await using store = await TestStore.open({ foreignKeys: true });
  const answers: string[] = [];
  for (let at = 0; at < entries.length;) {
    const size = 1 + random.below(random.chance(0.5) ? 4 : 60);
    const batch = entries.slice(at, at + size).map((entry) =>
      // On most nodes nobody waits for an answer; what is kept must be the same there.
      restarts > 0 && random.chance(0.5) ? { ...entry, answer: undefined } : entry
    );
    answers.push(...await store.apply(...batch));
    at += size;
    if (random.chance(restarts)) await store.restart();
  }
  return { answers, contents: await contents(store) };
}

Deno.test("A request that is sent again under its key is not carried out again, and gets the first answer", async () => {
  for (const seed of seeds(3)) {
    const random = new Prng(seed);
    const requests = requestsOf(random, 120, true);
    const sendings = sendingsOf(requests, random);
    const entries = entriesFor(requests, sendings, true);
    const one = await run(entries, new Prng(seed + 1n), 0);
    const other = await run(entries, new Prng(seed + 2n), 0.1);
    assert.equal(other.contents, one.contents, `seed ${seed}: on another node`);
    const once = await run(entriesFor(requests, sendings, false), new Prng(seed + 3n), 0);
    const userData = (all: string) => all.split("\n").slice(0, -2);
    assert.deepEqual(userData(one.contents), userData(once.contents), `seed ${seed}: done once`);
    const firsts = new Map<number, string>();
    sendings.forEach(({ of, again }, i) => {
      const answer = one.answers[i] ?? "";
      if (!again) {
        assert.equal(answer[0], "0", `seed ${seed}, sending ${i}`);
        firsts.set(of, answer.slice(1));
      } else if (answer !== "2") {
        assert.equal(answer, `1${firsts.get(of)}`, `seed ${seed}, sending ${i}`);
      }
    });
    assert(one.answers.some((answer) => answer.startsWith("1")), `seed ${seed}`);
  }
});

Deno.test("A key is its user's, its request's, and is kept for its time", async () => {
  await using store = await TestStore.open();
  await store.execute(["CREATE TABLE t (v)"]);
  const insert = (v: number, key = keyOf("k")) =>
    store.execute([`INSERT INTO t VALUES (${v})`], { key });
  const ask = (key = keyOf("k")) => store.execute([], { key: { ...key, asks: true } });
  assert.equal(await ask(), "4");
  assert.equal(await insert(1), '0{"last_insert_id":1,"rows_affected":1}');
  assert.equal(await insert(1), '1{"last_insert_id":1,"rows_affected":1}');
  assert.equal(await insert(2), "3");
  assert.equal(
    await store.execute(["INSERT INTO t VALUES (1)"], { key: keyOf("k"), transaction: true }),
    "3",
  );
  assert.equal(
    await insert(2, { ...keyOf("k"), user: "bob" }),
    '0{"last_insert_id":2,"rows_affected":1}',
  );
  assert.equal(await ask(), '1{"last_insert_id":1,"rows_affected":1}');
  assert.match(await store.execute(["SELEC"], { key: keyOf("e") }), /^0{"error":/);
  assert.match(await store.execute(["SELEC"], { key: keyOf("e") }), /^1{"error":/);
  // The entries' clock goes on by a second for each.
  assert.equal(
    await insert(3, keyOf("short", false, 3)),
    '0{"last_insert_id":3,"rows_affected":1}',
  );
  assert.match(await insert(3, keyOf("short", false, 3)), /^1/);
  await store.execute(["SELECT 1"]);
  assert.match(await insert(3, keyOf("short", false, 3)), /^0/);
  assert.equal(
    await store.query("SELECT v FROM t"),
    '{"columns":["v"],"types":["integer"],"values":[[1],[2],[3],[3]]}',
  );
});

Deno.test("An answer that is long, or took several transactions, is not kept: only that there was one", async () => {
  await using store = await TestStore.open();
  const long = [`SELECT printf('%.*c', ${keptAnswerBytesMax}, 'x')`];
  const askLong = () => store.execute(long, { key: keyOf("long", true), unified: true });
  assert.equal(
    (await askLong()).length > keptAnswerBytesMax,
    true,
  );
  assert.equal(await askLong(), "2");
  assert.match(await store.execute(["VACUUM", "SELECT 1"], { key: keyOf("vacuum") }), /^0{/);
  assert.equal(await store.execute(["VACUUM", "SELECT 1"], { key: keyOf("vacuum") }), "2");
});

Deno.test("The oldest keys leave when their time is over, or there are too many", () => {
  using database = new Database(":memory:", { library, create: true });
  createKeyTables(database);
  const table = new KeyTable(database, { keysMax: 10, bytesMax: 100_000 });
  const request = new Uint8Array(16);
  const put = (hash: number, expires: number, clock: number, bytes = 10) =>
    table.put(
      BigInt(hash),
      { name: `${hash}`, request, answer: new Uint8Array(bytes) },
      expires,
      clock,
    );
  const known = (clock: number) =>
    Array.from({ length: 40 }, (_, i) => i).filter((i) => table.find(BigInt(i), clock));
  for (let hash = 1; hash <= 15; hash++) put(hash, 1000, 0);
  assert.deepEqual(known(0), [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  assert.deepEqual(known(1000), [], "their time is over");
  put(15, 3000, 1000);
  assert.deepEqual(known(2000), [15], "a key that is used anew is kept from then on");
  put(16, 3000, 2000, 60_000);
  put(17, 3000, 2000, 60_000);
  assert.deepEqual(known(2000), [17], "answers are bounded in bytes");
});
