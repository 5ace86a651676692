/**
 * Has a running rqlite show values in columns of times, and compares with a running raftlite, or
 * with `--write` keeps the answers as the golden ones that `column_time_test.ts` compares with:
 * `deno run -A tests/store/time_values_rqlite.ts [--seed N] [--count N] RQLITE RAFTLITE|--write`.
 * The table that it needs is made and dropped.
 */
import { parseArgs } from "node:util";
import {
  goldenCount,
  goldenSeed,
  goldenUrl,
  refused,
  timeValues,
  toGolden,
} from "./time_values.ts";

const { values: options, positionals: [rqlite = "", raftlite = ""] } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: `${goldenSeed}` },
    count: { type: "string", default: `${goldenCount}` },
    write: { type: "boolean", default: false },
  },
});
const chunk = 500;
const types = ["DATE", "DATETIME", "TIMESTAMP"];

interface Result {
  readonly values?: (string | number)[][];
  readonly error?: string;
}

async function post(url: string, path: string, body: unknown): Promise<Result> {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== 200) return { error: text };
  return JSON.parse(text).results.at(-1);
}

/** What is shown for each value. */
async function shown(url: string, some: readonly (string | number)[]): Promise<string[]> {
  const marks = some.map(() => "(?,?,?)").join();
  await post(url, "/db/execute", [
    "DROP TABLE IF EXISTS times",
    `CREATE TABLE times (${types.map((type) => `"${type}" ${type}`).join()})`,
    [`INSERT INTO times VALUES ${marks}`, ...some.flatMap((value) => [value, value, value])],
  ]);
  const { values, error } = await post(url, "/db/query", ["SELECT * FROM times ORDER BY rowid"]);
  if (values !== undefined && error === undefined) {
    return values.map((row) => {
      if (new Set(row).size !== 1) throw new Error(`The types differ: ${row}`);
      return `${row[0]}`;
    });
  }
  if (some.length === 1) return [refused];
  const middle = some.length >> 1;
  return [...await shown(url, some.slice(0, middle)), ...await shown(url, some.slice(middle))];
}

const values = timeValues(Number(options.seed), Number(options.count));
const answers: string[] = [];
let differing = 0;
for (let at = 0; at < values.length; at += chunk) {
  const some = values.slice(at, at + chunk);
  const expected = await shown(rqlite, some);
  answers.push(...expected);
  if (options.write) continue;
  const seen = await shown(raftlite, some);
  for (const [i, value] of some.entries()) {
    // What rqlite refuses to show comes as it was stored.
    if (seen[i] === (expected[i] === refused ? `${value}` : expected[i])) continue;
    if (differing++ < 50) console.log(JSON.stringify(value), expected[i], "but", seen[i]);
  }
}
for (const url of [rqlite, ...(options.write ? [] : [raftlite])]) {
  await post(url, "/db/execute", ["DROP TABLE times"]);
}
if (options.write) {
  await Deno.writeTextFile(goldenUrl, answers.map((answer) => `${toGolden(answer)}\n`).join(""));
} else {
  console.log(`${values.length} values of seed ${options.seed}, ${differing} shown otherwise`);
}
if (differing > 0) Deno.exit(1);
