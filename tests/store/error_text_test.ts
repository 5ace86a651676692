import assert from "node:assert/strict";
import { TestStore } from "./fixture.ts";

Deno.test("an error's text is cut where it would repeat a long statement, for reads as for writes", async () => {
  await using s = await TestStore.open();
  const long = "x".repeat(100_000);
  const cut = `{"error":"${`no such column: ${long}`.slice(0, 1000)}…"}`;
  assert.equal(await s.query(`SELECT ${long}`), cut);
  assert.equal(await s.execute([`SELECT ${long}`]), cut);
  const token = `SELECT 'x${long}`;
  const unrecognized = await s.query(token);
  assert.ok(unrecognized.length < 1100, unrecognized.slice(0, 100));
  assert.equal(await s.execute([token]), unrecognized);
  const pairs = await s.query(`SELECT [a${"😀".repeat(600)}]`);
  assert.match(pairs, /😀…"\}$/, "no half of a character");
});

Deno.test("an error for a NUL in SQL says where it is, and repeats nothing", async () => {
  await using s = await TestStore.open();
  const sql = `SELECT '${"x".repeat(10_000)}\0'`;
  const answer = '{"error":"Text has a NUL in it, at character 10009"}';
  assert.equal(await s.query(sql), answer);
  assert.equal(await s.execute([sql]), answer);
});
